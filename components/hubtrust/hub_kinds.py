"""The hub of a TrustedHub, whoever manages it: the program's own resource, or any hub by its resource id."""

from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_azure_native import iothub

from hubtrust.azure import clouds
from hubtrust.known_values import when_known
from hubtrust.program_errors import ProgramError
from hubtrust.service_kinds import ServiceKind, is_only_read


class HubIdError(ProgramError):
    """What is given is neither a hub nor the resource id of one."""


HUBS: Final = ServiceKind(
    kind="iothubs",
    title="an IoT hub",
    path="IotHubs",
    resource_type="IotHubResource",
    remedy="give an IotHubResource, the resource id of a hub, or HubArgs(…)",
    error=HubIdError,
)


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
    found = hub.id.apply(lambda text: HUBS.read_id(text, "the hub's id"))
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
        resource=None if is_only_read(hub) else hub,
    )


def _public_network_access(properties: Any) -> str | None:
    return properties.public_network_access if properties else None


def hub_by_id(hub_id: pulumi.Input[str], cloud: str) -> Hub:
    """A hub that another program, team or tool manages.

    Raises:
        HubIdError: it is not the resource id of an IoT hub. Where it is an Output, the attributes raise it.
    """
    found = when_known(HubIdError, lambda known: HUBS.read_id(known, "hub"), hub_id)
    return Hub(
        id=found.apply(lambda known: known.id),
        name=found.apply(lambda known: known.name),
        group=found.apply(lambda known: known.group),
        host_name=found.apply(lambda known: host_name(known.name, cloud) if cloud in clouds.KNOWN else None),
        public_network_access=pulumi.Output.from_input(None),
        resource=None,
    )


def host_name(name: str, cloud: str) -> str:
    """The host name of the hub ``name`` in a known cloud."""
    return f"{name}.{clouds.KNOWN[cloud].hub_suffix}"
