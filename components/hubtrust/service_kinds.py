"""What a program may give as a hub or a provisioning service: a resource of its own, or the resource id of any."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import pulumi

from hubtrust.azure.errors import AzureError
from hubtrust.azure.service import Service, service
from hubtrust.program_errors import ProgramError


def is_id(value: object) -> bool:
    """Whether it can be a resource id, now or when it is known."""
    return isinstance(value, str | pulumi.Output | Awaitable)


def is_only_read(resource: pulumi.Resource) -> bool:
    """Whether the program only reads the resource (``get``): it stays when the stack is destroyed, so nothing goes with it.

    Pulumi gives a resource an attribute for each property that it is registered or read with; only a registration has the group's name.
    """
    return "resource_group_name" not in vars(resource)


@dataclass(frozen=True, kw_only=True)
class ServiceKind:
    """Hubs, or provisioning services."""

    kind: str
    """As ``Service`` has it: iothubs or provisioningservices."""
    title: str
    """In messages, such as `an IoT hub`."""
    path: str
    """The last part of the type in Resource Manager, such as IotHubs."""
    resource_type: str
    """azure-native's name of the resource."""
    remedy: str
    """What to give in place of something else."""
    error: type[ProgramError]

    def is_resource(self, value: object) -> bool:
        """Whether it is azure-native's resource, in any of its API versions."""
        found = getattr(value, "pulumi_resource_type", "") if isinstance(value, pulumi.Resource) else ""
        return found.startswith("azure-native:") and found.endswith(f":{self.resource_type}")

    def read_id(self, value: object, what: str) -> Service:
        """The service with this resource id; ``what`` names the argument in messages.

        Raises:
            ProgramError: it is something else.
        """
        if not isinstance(value, str):
            raise self.wrong(value, what)
        try:
            found = service(value)
        except AzureError:
            found = None
        if found is None or found.kind != self.kind:
            remedy = f"use /subscriptions/…/resourceGroups/…/providers/Microsoft.Devices/{self.path}/…"
            raise self.error(f"{what} '{value}'", f"it is not the resource id of {self.title}", remedy)
        return found

    def wrong(self, value: Any, what: str) -> ProgramError:
        """The error for something that is no such service at all."""
        if isinstance(value, pulumi.Resource):
            return self.error(what, f"it is a resource of type {value.pulumi_resource_type}", self.remedy)
        if value is None:
            return self.error(what, "it is None, as the output of a stack that does not have it", self.remedy)
        return self.error(what, f"it is of type {type(value).__name__}", self.remedy)
