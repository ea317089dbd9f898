"""The provisioning service of a ProvisioningService, whoever manages it: the program's own resource, or any by its resource id."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.settings import get_monitor
from pulumi_azure_native import deviceprovisioningservices as dps

from hubtrust.azure import clouds
from hubtrust.azure.absence import read_service
from hubtrust.azure.retry import READ_DEADLINE, RetryLimits
from hubtrust.azure.service import Service
from hubtrust.azure_inputs import AzureInputs
from hubtrust.known_values import when_known
from hubtrust.program_errors import ProgramError
from hubtrust.service_kinds import ServiceKind, is_only_read


class ProvisioningServiceIdError(ProgramError):
    """What is given is neither a provisioning service nor the resource id of one, or there is none with this id."""


SERVICES: Final = ServiceKind(
    kind="provisioningservices",
    title="a provisioning service",
    path="provisioningServices",
    resource_type="IotDpsResource",
    remedy="give an IotDpsResource, the resource id of a provisioning service, or ProvisioningServiceArgs(…)",
    error=ProvisioningServiceIdError,
)


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
    found = resource.id.apply(lambda text: SERVICES.read_id(text, "the provisioning service's id"))

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
        resource=None if is_only_read(resource) else resource,
    )


def service_by_id(service_id: pulumi.Input[str], cloud: str) -> Provisioning:
    """A provisioning service that another program, team or tool manages. Resource Manager is asked for its id scope, in previews too.

    Raises:
        ProvisioningServiceIdError: it is not the resource id of a provisioning service. Where it is an Output, the attributes raise it.
    """
    found = when_known(ProvisioningServiceIdError, lambda known: SERVICES.read_id(known, "provisioning service"), service_id)

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


def host_name(name: str, cloud: str) -> str:
    """The host name of the service ``name`` in a known cloud, where enrollments are managed."""
    return f"{name}.{clouds.KNOWN[cloud].provisioning_suffix}"


def device_host_name(cloud: str) -> str:
    """The host name at which devices enrol in a known cloud, the same for every service."""
    return f"global.{clouds.KNOWN[cloud].provisioning_suffix}"
