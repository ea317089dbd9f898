"""The provisioning service of a ProvisioningService, whoever manages it: the program's own resource, or any by its resource id."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.settings import get_monitor
from pulumi_azure_native import deviceprovisioningservices as dps

from hubtrust.azure import clouds
from hubtrust.azure.absence import read_service
from hubtrust.azure.errors import AzureError
from hubtrust.azure.retry import READ_DEADLINE, RetryLimits
from hubtrust.azure.service import Service, service
from hubtrust.azure_inputs import AzureInputs
from hubtrust.known_values import when_known
from hubtrust.program_errors import ProgramError

_REMEDY = "use /subscriptions/…/resourceGroups/…/providers/Microsoft.Devices/provisioningServices/…"


class ProvisioningServiceIdError(ProgramError):
    """What is given is neither a provisioning service nor the resource id of one, or there is none with this id."""


@dataclass(frozen=True, kw_only=True)
class Provisioning:
    """A provisioning service whose certificates are proven."""

    id: pulumi.Output[str]
    name: pulumi.Output[str]
    group: pulumi.Output[str]
    id_scope: pulumi.Output[str]
    host_name: pulumi.Output[str]
    device_host_name: pulumi.Output[str]
    resource: pulumi.Resource | None
    """What certificates and roles are deleted with; None if it is not a resource of this program, or is only read by it."""


def service_of_program(resource: dps.IotDpsResource, cloud: str) -> Provisioning:
    """A provisioning service that the program declares, or that this package declares for it."""
    found = resource.id.apply(lambda text: read_service_id(text, "the provisioning service's id"))

    def of(name: str) -> pulumi.Output[Any]:
        # The keys of its links are secrets among its properties, which makes all of them one.
        return pulumi.Output.unsecret(resource.properties.apply(lambda properties: getattr(properties, name)))

    return Provisioning(
        id=resource.id,
        name=found.apply(lambda known: known.name),
        group=found.apply(lambda known: known.group),
        id_scope=of("id_scope"),
        # A preview of a change knows its id and not its properties: everything on it would be shown as changed.
        host_name=found.apply(lambda one: host_name(one.name, cloud)) if cloud in clouds.KNOWN else of("service_operations_host_name"),
        device_host_name=pulumi.Output.from_input(device_host_name(cloud))
        if cloud in clouds.KNOWN
        else of("device_provisioning_host_name"),
        resource=None if _is_read(resource) else resource,
    )


def _is_read(resource: pulumi.Resource) -> bool:
    """Whether the program only reads it (``IotDpsResource.get``): it stays when the stack is destroyed; see ``hub_kinds``."""
    return "resource_group_name" not in vars(resource)


def service_by_id(service_id: pulumi.Input[str], cloud: str) -> Provisioning:
    """A provisioning service that another program, team or tool manages. Resource Manager is asked for its id scope, in previews too.

    Raises:
        ProvisioningServiceIdError: it is not the resource id of a provisioning service. Where it is an Output, the attributes raise it.
    """
    found = when_known(ProvisioningServiceIdError, lambda known: read_service_id(known, "provisioning service"), service_id)

    async def read(known: Service) -> Mapping[str, Any]:
        if isinstance(get_monitor(), MockMonitor):
            return {}  # unit tests have no Azure to ask
        return await asyncio.to_thread(_properties, known, cloud)

    properties: pulumi.Output[Mapping[str, Any]] = found.apply(read)
    return Provisioning(
        id=found.apply(lambda known: known.id),
        name=found.apply(lambda known: known.name),
        group=found.apply(lambda known: known.group),
        id_scope=properties.apply(lambda known: str(known.get("idScope", ""))),
        host_name=properties.apply(lambda known: str(known.get("serviceOperationsHostName", ""))),
        device_host_name=properties.apply(lambda known: str(known.get("deviceProvisioningHostName", ""))),
        resource=None,
    )


def _properties(known: Service, cloud: str) -> Mapping[str, Any]:
    with ProvisioningServiceIdError.told():
        limits = RetryLimits(deadline=READ_DEADLINE, not_found=0.0)
        with AzureInputs.read({"cloud": cloud}).resource_manager(limits) as client:
            properties = read_service(client, known)
    if properties is None or not properties.get("idScope"):
        fact = "it does not exist" if properties is None else "it has no id scope yet"
        raise ProvisioningServiceIdError(known.title, fact, "check its resource id, or run again when it is there")
    return properties


def is_service_resource(value: object) -> bool:
    """Whether it is azure-native's provisioning service, in any of its API versions."""
    kind = getattr(value, "pulumi_resource_type", "") if isinstance(value, pulumi.Resource) else ""
    return kind.startswith("azure-native:") and kind.endswith(":IotDpsResource")


def is_id(value: object) -> bool:
    """Whether it can be a resource id, now or when it is known."""
    return isinstance(value, str | pulumi.Output | Awaitable)


def read_service_id(value: object, what: str) -> Service:
    """The provisioning service with this resource id.

    Raises:
        ProvisioningServiceIdError: it is something else.
    """
    if not isinstance(value, str):
        raise wrong_service(value, what)
    try:
        found = service(value)
    except AzureError:
        found = None
    if found is None or found.kind != "provisioningservices":
        raise ProvisioningServiceIdError(f"{what} '{value}'", "it is not the resource id of a provisioning service", _REMEDY)
    return found


def wrong_service(value: Any, what: str) -> ProvisioningServiceIdError:
    """The error for something that is no provisioning service at all."""
    remedy = "give an IotDpsResource, the resource id of a provisioning service, or ProvisioningServiceArgs(…)"
    if isinstance(value, pulumi.Resource):
        return ProvisioningServiceIdError(what, f"it is a resource of type {value.pulumi_resource_type}", remedy)
    if value is None:
        return ProvisioningServiceIdError(what, "it is None, as an output is that another stack does not have", remedy)
    return ProvisioningServiceIdError(what, f"it is of type {type(value).__name__}", remedy)


def host_name(name: str, cloud: str) -> str:
    """The host name of the service ``name`` in a known cloud, where enrollments are managed."""
    return f"{name}.{clouds.KNOWN[cloud].provisioning_suffix}"


def device_host_name(cloud: str) -> str:
    """The host name at which devices enrol in a known cloud, the same for every service."""
    return f"global.{clouds.KNOWN[cloud].provisioning_suffix}"
