"""Adoption: an existing hub is imported into this stack; what the program does not declare is kept unchanged and reported."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_azure_native import iothub

from hubtrust.azure_search import OWNER_TAG, Found
from hubtrust.errors import shown
from hubtrust.hub_args import HubArgs
from hubtrust.hub_identity import HubIdentity, same_location
from hubtrust.hub_undeclared import told_of_adopted
from hubtrust.program_errors import ProgramError


class HubOwnedError(ProgramError):
    """The hub belongs to another stack."""


class HubFixedError(ProgramError):
    """Something is declared that Azure can't change on an existing hub."""


def existing_hub(name: str, hub_id: str, parent: pulumi.Resource) -> iothub.IotHubResource:
    """The hub as it is now; read in every run, also in previews."""
    return iothub.IotHubResource.get(f"{name}-found", hub_id, opts=pulumi.ResourceOptions(parent=parent))


def tags_with_owner(
    hub: iothub.IotHubResource, args: HubArgs, declared: pulumi.Input[Mapping[str, str]] | None, what: str, identity: HubIdentity
) -> pulumi.Output[dict[str, str]]:
    """The hub's tags: those it has, those ``declared``, and one that names this stack, so that no second stack adopts it.

    Raises:
        HubOwnedError: the tag names another stack; raised when the hub is known.
        HubFixedError: what Azure can't change is declared otherwise.
    """

    async def check(values: Sequence[Any]) -> dict[str, str]:
        tags, tls, location, own, wanted_tls, wanted_location = values
        _require_same_tls(what, wanted_tls, tls)
        _require_same_location(what, wanted_location, location)
        found = Found.read({"id": "", "tags": tags})
        if found and found.stack and not await identity.owns(found):
            fact = f"it belongs to stack '{found.stack}' by its tag '{OWNER_TAG}'"
            remedy = f"release it from that stack first (retain, then destroy), or remove the tag '{OWNER_TAG}' from the hub"
            raise HubOwnedError(what, fact, remedy)
        identity.adopted_before = bool(found and found.stack and not found.token)
        return {**(tags or {}), **(own or {})}

    tls = hub.properties.apply(lambda properties: properties.min_tls_version)
    known: pulumi.Output[list[Any]] = pulumi.Output.all(hub.tags, tls, hub.location, declared, args.min_tls_version, args.location)
    kept: pulumi.Output[dict[str, str]] = known.apply(check)
    return pulumi.Output.all(kept, identity.tag).apply(lambda values: {**values[0], OWNER_TAG: values[1]})


def _require_same_tls(what: str, declared: str | None, found: str | None) -> None:
    if declared not in (None, found):
        found_and_declared = f"its minTlsVersion is {found or 'not set'}, and {declared} is declared"
        fact = f"{found_and_declared}; by Azure's documentation it can't change after a hub's creation"
        raise HubFixedError(what, fact, "remove minTlsVersion, or create another hub and move the devices")


def _require_same_location(what: str, declared: str | None, found: str) -> None:
    if declared is not None and not same_location(declared, found):
        fact = f"it is in {found}, and {declared} is declared; Azure can't move it"
        raise HubFixedError(what, fact, "leave the location out, or create another hub and move the devices")


def report_kept(hub: iothub.IotHubResource, args: HubArgs, component: pulumi.Resource) -> None:
    """Log what the hub has and the program does not declare."""

    def report(found: Sequence[Sequence[str]]) -> None:
        kept = ", ".join(text for texts in found for text in texts)
        what = f"{kept} found on the hub but not declared here; kept unchanged" if kept else "everything on the hub is declared here"
        pulumi.log.info(shown(f"adopted: {what}"), component)

    properties = hub.properties.apply(lambda found: told_of_adopted(found, args))
    identity = hub.identity.apply(lambda found: [f"identity {found.type}"] if found and found.type and args.identity is None else [])
    sku = hub.sku.apply(lambda found: [f"sku {found.name}"] if found and args.sku is None else [])
    units = hub.sku.apply(lambda found: [f"units {found.capacity}"] if found and args.units is None else [])
    pulumi.Output.all(properties, identity, sku, units).apply(report)
