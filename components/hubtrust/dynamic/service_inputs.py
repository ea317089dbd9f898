"""Inputs that every resource of a provisioning service has, and the client of its enrollments."""

from dataclasses import dataclass
from functools import partial

import pulumi

from hubtrust.azure.enrollment_service import EnrollmentService
from hubtrust.azure.service import Service, service
from hubtrust.azure_inputs import same_id
from hubtrust.dynamic.service_endpoint import EndpointInputs, require_host
from hubtrust.enrollments.service_facts import ServiceFacts, service_facts
from hubtrust.inputs import input_field
from hubtrust.process import show_message
from hubtrust.reconcile_errors import DeclarationError

_EXAMPLE = "dps-7.azure-devices-provisioning.net"


def require_provisioning_service(value: object) -> Service:
    """The provisioning service with the ARM id ``value``.

    Raises:
        DeclarationError: it is the id of a hub.
        RefusedError: it is no id of either.
    """
    found = service(value)
    if found.kind != "provisioningservices":
        raise DeclarationError("serviceId", "it names an IoT hub, where nobody enrols", "give the id of a provisioning service")
    return found


@dataclass(frozen=True, kw_only=True)
class ServiceInputs(EndpointInputs):
    """A provisioning service."""

    service_id: Service = input_field(
        require_provisioning_service, "ARM id of the provisioning service.", required=True, kept=True, replaces=True, same=same_id
    )
    host_name: str | None = input_field(
        partial(require_host, noun="provisioning service", example=_EXAMPLE),
        f"its host name for programs, such as {_EXAMPLE}; without it, Resource Manager is asked.",
        kept=True,
    )

    @property
    def service(self) -> Service:
        """The provisioning service."""
        return self.service_id

    def open_enrollments(self, *, reading: bool = False, refreshing: bool = False) -> EnrollmentService:
        """The service's enrollments, for a `with` statement; see ``endpoint_options``.

        Raises:
            CloudError, NotFoundError, AzureError: there is no such cloud or service.
        """
        return EnrollmentService(report=show_message, **self.endpoint_options(reading=reading, refreshing=refreshing))

    def facts(self, fresh: bool) -> ServiceFacts:
        """See ``service_facts``."""
        with self.resource_manager() as client:
            return service_facts(client, self.service_id, fresh=fresh)


class ServiceOutputs:
    """The outputs of every resource of a provisioning service."""

    service_id: pulumi.Output[str]
    """ARM id of the provisioning service."""
    host_name: pulumi.Output[str]
    """The service's host name for programs."""
    cloud: pulumi.Output[str | None]
    """The cloud, as declared."""
    deadline: pulumi.Output[float | None]
    """The deadline in seconds, as declared."""
