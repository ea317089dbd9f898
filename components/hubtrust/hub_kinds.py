"""The hub of a TrustedHub, whoever manages it: the program's own resource, or any hub by its resource id."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_azure_native import iothub

from hubtrust.azure import clouds
from hubtrust.azure.errors import AzureError
from hubtrust.azure.service import Service, service
from hubtrust.known_values import when_known
from hubtrust.program_errors import ProgramError

_REMEDY = "use /subscriptions/…/resourceGroups/…/providers/Microsoft.Devices/IotHubs/…"


class HubIdError(ProgramError):
    """What is given is neither a hub nor the resource id of one."""


@dataclass(frozen=True, kw_only=True)
class Hub:
    """A hub that trusts authorities."""

    id: pulumi.Output[str]
    name: pulumi.Output[str]
    group: pulumi.Output[str]
    host_name: pulumi.Output[str | None]
    public_network_access: pulumi.Output[str | None]
    resource: pulumi.Resource | None
    """What certificates and roles are deleted with; None if the hub is not a resource of this program, or is only read by it."""


def hub_of_program(hub: iothub.IotHubResource, cloud: str) -> Hub:
    """A hub that the program declares, or that this package declares for it."""
    found = hub.id.apply(lambda text: read_hub_id(text, "the hub's id"))
    if cloud in clouds.KNOWN:
        # A preview of a change of the hub knows its id and not its properties: everything on the hub would be shown as changed.
        host = found.apply(lambda known: host_name(known.name, cloud))
    else:
        host = pulumi.Output.unsecret(hub.properties.apply(lambda properties: properties.host_name))
    return Hub(
        id=hub.id,
        name=hub.name,
        group=found.apply(lambda known: known.group),
        host_name=host,
        # A secret among its properties, such as an endpoint's key, makes all of them one.
        public_network_access=pulumi.Output.unsecret(hub.properties.apply(_public_network_access)),
        resource=None if _is_read(hub) else hub,
    )


def _is_read(hub: iothub.IotHubResource) -> bool:
    """Whether the program only reads the hub (``IotHubResource.get``): it stays when the stack is destroyed, so nothing goes with it.

    Pulumi gives a resource an attribute for each property that it is registered or read with; only a registration has the group's name.
    """
    return "resource_group_name" not in vars(hub)


def _public_network_access(properties: Any) -> str | None:
    return properties.public_network_access if properties else None


def hub_by_id(hub_id: pulumi.Input[str], cloud: str) -> Hub:
    """A hub that another program, team or tool manages.

    Raises:
        HubIdError: it is not the resource id of an IoT hub. Where it is an Output, the attributes raise it.
    """
    found = when_known(HubIdError, lambda known: read_hub_id(known, "hub"), hub_id)
    return Hub(
        id=found.apply(lambda known: known.id),
        name=found.apply(lambda known: known.name),
        group=found.apply(lambda known: known.group),
        host_name=found.apply(lambda known: host_name(known.name, cloud) if cloud in clouds.KNOWN else None),
        public_network_access=pulumi.Output.from_input(None),
        resource=None,
    )


def is_hub_resource(value: object) -> bool:
    """Whether it is azure-native's hub, in any of its API versions."""
    kind = getattr(value, "pulumi_resource_type", "") if isinstance(value, pulumi.Resource) else ""
    return kind.startswith("azure-native:") and kind.endswith(":IotHubResource")


def is_id(value: object) -> bool:
    """Whether it can be a resource id, now or when it is known."""
    return isinstance(value, str | pulumi.Output | Awaitable)


def read_hub_id(value: object, what: str) -> Service:
    """The hub with this resource id.

    Raises:
        HubIdError: it is something else.
    """
    if not isinstance(value, str):
        raise wrong_hub(value, what)
    try:
        found = service(value)
    except AzureError:
        found = None
    if found is None or found.kind != "iothubs":
        raise HubIdError(f"{what} '{value}'", "it is not the resource id of an IoT hub", _REMEDY)
    return found


def wrong_hub(value: Any, what: str) -> HubIdError:
    """The error for something that is no hub at all."""
    remedy = "give an IotHubResource, the resource id of a hub, or HubArgs(…)"
    if isinstance(value, pulumi.Resource):
        return HubIdError(what, f"it is a resource of type {value.pulumi_resource_type}", remedy)
    if value is None:
        return HubIdError(what, "it is None, as an output is that another stack does not have", remedy)
    return HubIdError(what, f"it is of type {type(value).__name__}", remedy)


def host_name(name: str, cloud: str) -> str:
    """The host name of the hub ``name`` in a known cloud."""
    return f"{name}.{clouds.KNOWN[cloud].hub_suffix}"
