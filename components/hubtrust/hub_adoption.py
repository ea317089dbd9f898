"""Adoption: an existing hub is imported into this stack; what the program does not declare is kept unchanged and reported."""

from collections.abc import Iterator, Sequence
from typing import Any

import pulumi
from pulumi_azure_native import iothub

from hubtrust.azure_search import OWNER_TAG, Found
from hubtrust.errors import shown
from hubtrust.hub_identity import HubIdentity, same_location
from hubtrust.hub_settings import HubSettings
from hubtrust.program_errors import ProgramError

# azure-native sends the whole hub with every change: what a program leaves out, such as routes and endpoints, would be removed.
UNDECLARED = [
    *(f"properties.{name}" for name in ("routing", "storageEndpoints", "messagingEndpoints", "cloudToDevice", "eventHubEndpoints")),
    *(f"properties.{name}" for name in ("enableFileUploadNotifications", "authorizationPolicies", "ipFilterRules", "networkRuleSets")),
    *(f"properties.{name}" for name in ("publicNetworkAccess", "allowedFqdnList", "restrictOutboundNetworkAccess", "comments")),
    *(f"properties.{name}" for name in ("enableDataResidency", "features", "privateEndpointConnections")),
    "identity",
]


class HubOwnedError(ProgramError):
    """The hub belongs to another stack."""


class HubFixedError(ProgramError):
    """Something is declared that Azure can't change on an existing hub."""


def existing_hub(name: str, hub_id: str, parent: pulumi.Resource) -> iothub.IotHubResource:
    """The hub as it is now; read in every run, also in previews."""
    return iothub.IotHubResource.get(f"{name}-found", hub_id, opts=pulumi.ResourceOptions(parent=parent))


def tags_with_owner(hub: iothub.IotHubResource, settings: HubSettings, what: str, identity: HubIdentity) -> pulumi.Output[dict[str, str]]:
    """The hub's tags: those it has, those declared, and one that names this stack, so that no second stack adopts it.

    Raises:
        HubOwnedError: the tag names another stack; raised when the hub is known.
        HubFixedError: what Azure can't change is declared otherwise.
    """

    async def check(values: Sequence[Any]) -> dict[str, str]:
        tags, tls, location = values
        _require_same_tls(what, settings.min_tls_version, tls)
        _require_same_location(what, settings.location, location)
        found = Found.read({"id": "", "tags": tags})
        if found and found.stack and not await identity.owns(found):
            fact = f"it belongs to stack '{found.stack}' by its tag '{OWNER_TAG}'"
            remedy = f"release it from that stack first (retain, then destroy), or remove the tag '{OWNER_TAG}' from the hub"
            raise HubOwnedError(what, fact, remedy)
        identity.adopted_before = bool(found and found.stack and not found.token)
        return {**(tags or {}), **(settings.tags or {})}

    tls = hub.properties.apply(lambda properties: properties.min_tls_version)
    kept: pulumi.Output[dict[str, str]] = pulumi.Output.all(hub.tags, tls, hub.location).apply(check)
    return pulumi.Output.all(kept, identity.tag).apply(lambda values: {**values[0], OWNER_TAG: values[1]})


def _require_same_tls(what: str, declared: str | None, found: str | None) -> None:
    if declared not in (None, found):
        fact = f"its minTlsVersion is {found or 'not set'}, and {declared} is declared; Azure can't change it after a hub's creation"
        raise HubFixedError(what, fact, "remove minTlsVersion, or create another hub and move the devices")


def _require_same_location(what: str, declared: str | None, found: str) -> None:
    if declared is not None and not same_location(declared, found):
        fact = f"it is in {found}, and {declared} is declared; Azure can't move it"
        raise HubFixedError(what, fact, "leave the location out, or create another hub and move the devices")


def report_kept(hub: iothub.IotHubResource, component: pulumi.Resource) -> None:
    """Log what the hub has and the program does not declare."""

    def report(properties: Any) -> None:
        kept = ", ".join(_kept(properties))
        found = f"{kept} found on the hub but not declared here; kept unchanged" if kept else "everything on the hub is declared here"
        pulumi.log.info(shown(f"adopted: {found}"), component)

    hub.properties.apply(report)


def _kept(properties: Any) -> Iterator[str]:
    routing = properties.routing
    if routing:
        if routing.routes:
            yield f"routes {' '.join(route.name for route in routing.routes)}"
        kinds = ("event_hubs", "service_bus_queues", "service_bus_topics", "storage_containers", "cosmos_db_sql_containers")
        endpoints = (
            [endpoint.name for kind in kinds for endpoint in getattr(routing.endpoints, kind, None) or []] if routing.endpoints else []
        )
        if endpoints:
            yield f"endpoints {' '.join(endpoints)}"
        if routing.enrichments:
            yield f"{len(routing.enrichments)} enrichments"
    for name, title in (("ip_filter_rules", "IP filter rules"), ("authorization_policies", "access policies")):
        if getattr(properties, name, None):
            yield f"{len(getattr(properties, name))} {title}"
    if properties.network_rule_sets:
        yield "network rules"
    if any(endpoint.connection_string for endpoint in (properties.storage_endpoints or {}).values()):
        yield "file uploads"
