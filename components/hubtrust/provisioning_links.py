"""The hubs of a provisioning service, to which it assigns devices: each link has a shared access policy on its hub, made for it alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_azure_native import deviceprovisioningservices as dps

from hubtrust.azure import hub_limits, provisioning_limits
from hubtrust.azure.enrollment_limits import MOST_LINKED_HUBS
from hubtrust.azure.hub_policies import LINK_RIGHTS, local_auth_disabled
from hubtrust.dynamic.link_policy import LinkPolicy, LinkPolicyInputs
from hubtrust.hub import TrustedHub
from hubtrust.hub_kinds import HUBS
from hubtrust.known_values import computed, validated, when_known
from hubtrust.program_errors import ProgramError
from hubtrust.reconcile_errors import DeclarationError
from hubtrust.service_kinds import is_id

_POLICY: Final = "hubtrust-{}"  # with the service's name, which is unique in all of Azure


class LinkError(ProgramError):
    """A hub can't be linked as it is declared."""


@dataclass(frozen=True, kw_only=True)
class LinkedHub:
    """A hub to which a provisioning service assigns devices. Every field may be an Output, except ``hub`` of a TrustedHub."""

    hub: TrustedHub | pulumi.Input[str]
    """A TrustedHub, or the resource id of a hub that somebody else manages; the id may be an Output."""
    weight: pulumi.Input[int] | None = None
    """Its share of the devices that are spread evenly (Hashed), from 1 to 1000. Default: 1."""
    allocate: pulumi.Input[bool] | None = None
    """False: it gets only devices whose enrollment names it. Default: True."""
    location: pulumi.Input[str] | None = None
    """Its region. Default: the hub's own, which is read from Azure."""
    policy: pulumi.Input[str] | None = None
    """A shared access policy that is on the hub already, with RegistryWrite and ServiceConnect: it stays. Default: one is made."""


def read_links(hubs: Any, cloud: str, what: str) -> tuple[LinkedHub, ...]:
    """The argument ``hubs``.

    Raises:
        LinkError: it is no list of hubs, or one of them can't be linked as it is declared.
    """
    if isinstance(hubs, pulumi.Output):
        raise LinkError(
            what, "the hubs are an Output; they decide which resources there are", "give a plain list; the ids in it may be Outputs"
        )
    if not isinstance(hubs, list | tuple):
        raise LinkError(what, f"the hubs are of type {type(hubs).__name__}", "give a list of TrustedHub, LinkedHub or resource ids")
    links = tuple(one if isinstance(one, LinkedHub) else LinkedHub(hub=one) for one in hubs)
    for link in links:
        _require_linkable(link, cloud, what)
    if len(links) > MOST_LINKED_HUBS:
        raise LinkError(what, f"{len(links)} hubs are linked", f"use at most {MOST_LINKED_HUBS}: Azure allows no more")
    names = [_name(link, links).lower() for link in links]
    for number, link in enumerate(links):
        if names[number] in names[:number]:
            other = links[names.index(names[number])]
            if isinstance(link.hub, TrustedHub) is not isinstance(other.hub, TrustedHub):
                fact = f"a hub in Azure and a TrustedHub of this program are both called '{names[number]}', and so would their links be"
                raise LinkError(what, fact, "give the TrustedHub another name")
            raise LinkError(what, f"hub '{names[number]}' is linked twice", "link it once")
    return links


def _require_linkable(link: LinkedHub, cloud: str, what: str) -> None:
    hub: Any = link.hub
    if not isinstance(hub, TrustedHub) and not is_id(hub):
        kind = "None" if hub is None else f"of type {type(hub).__name__}"
        raise LinkError(what, f"one of its hubs is {kind}", "give a TrustedHub, a LinkedHub or the resource id of a hub")
    if isinstance(hub, TrustedHub):
        if hub.cloud != cloud:
            raise LinkError(
                what, f"its hub '{hub.pulumi_resource_name}' is in cloud '{hub.cloud}', and the service in '{cloud}'", "use one cloud"
            )
        if hub.local_auth_disabled is True:
            error = local_auth_disabled(f"hub '{hub.pulumi_resource_name}'")
            raise LinkError(error.what, error.fact, error.remedy)
        if hub.declares_policies and link.policy is None:
            fact = f"its hub '{hub.pulumi_resource_name}' declares authorization_policies, which would remove a policy that is created here"
            raise LinkError(what, fact, f"declare one there with the rights {LINK_RIGHTS}, and name it: LinkedHub(hub=…, policy='…')")
    elif isinstance(hub, str):
        HUBS.read_id(hub, f"a hub of {what}")
    with LinkError.told():
        LinkPolicyInputs.check_plain(what, {"policy_name": link.policy})
    validated(LinkError, provisioning_limits.weight, link.weight)
    validated(LinkError, hub_limits.region, link.location)
    validated(LinkError, _read_allocate, link.allocate)


def declare_links(
    prefix: str, links: Sequence[LinkedHub], service_name: pulumi.Input[str], cloud: str, deadline: Any, parent: pulumi.Resource
) -> list[dps.IotHubDefinitionDescriptionArgs]:
    """Declare the policy of each link; returns what the provisioning service is told of them, with their keys as secrets."""
    return [_declare(f"{prefix}-{_name(link, links)}", link, service_name, cloud, deadline, parent) for link in links]


def hub_name(link: LinkedHub) -> pulumi.Output[str]:
    """The name of the linked hub in Azure."""
    hub = link.hub
    return hub.hub_name if isinstance(hub, TrustedHub) else when_known(LinkError, lambda text: HUBS.read_id(text, "a linked hub").name, hub)


def _name(link: LinkedHub, links: Sequence[LinkedHub]) -> str:
    """What names the link in Pulumi: the hub's own name where it is known, so that no other link changes if one is removed."""
    if isinstance(link.hub, TrustedHub):
        return link.hub.pulumi_resource_name
    return HUBS.read_id(link.hub, "a hub").name if isinstance(link.hub, str) else f"hub-{links.index(link) + 1}"


def _declare(
    name: str, link: LinkedHub, service_name: pulumi.Input[str], cloud: str, deadline: Any, parent: pulumi.Resource
) -> dps.IotHubDefinitionDescriptionArgs:
    hub = link.hub
    of_hub = (
        (hub.hub_id, hub.resource)
        if isinstance(hub, TrustedHub)
        else (when_known(LinkError, lambda text: HUBS.read_id(text, "a linked hub").id, hub), None)
    )
    policy = LinkPolicy(
        name,
        hub_id=of_hub[0],
        policy_name=computed(LinkError, _POLICY.format, service_name) if link.policy is None else link.policy,
        make=link.policy is None,
        cloud=cloud,
        deadline=deadline,
        opts=pulumi.ResourceOptions(parent=parent, deleted_with=of_hub[1]),
    )
    return dps.IotHubDefinitionDescriptionArgs(
        connection_string=pulumi.Output.secret(policy.connection_string),  # type: ignore[arg-type] # it is there after an `up`
        location=policy.location if link.location is None else validated(LinkError, hub_limits.region, link.location),
        allocation_weight=validated(LinkError, provisioning_limits.weight, link.weight),
        apply_allocation_policy=validated(LinkError, _read_allocate, link.allocate),
    )


def _read_allocate(value: object) -> bool:
    if not isinstance(value, bool):
        raise DeclarationError("allocate of a linked hub", f"it is {value!r}", "use True or False")
    return value
