"""An IoT hub or a provisioning service, by its ARM id."""

import re
from dataclasses import dataclass

from hubtrust.azure.errors import RefusedError

_RESOURCE = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"/providers/Microsoft\.Devices/(?P<kind>IotHubs|provisioningServices)/(?P<name>[^/]+)",
    re.IGNORECASE,
)
_TITLES = {"iothubs": "IoT hub", "provisioningservices": "provisioning service"}


@dataclass(frozen=True, slots=True)
class Service:
    """An IoT hub or a provisioning service, by its ARM id."""

    id: str
    kind: str  # lower case: iothubs or provisioningservices
    subscription: str
    group: str
    name: str

    @property
    def title(self) -> str:
        """Its name in messages."""
        return f"{_TITLES[self.kind]} '{self.name}'"


def service(resource_id: str) -> Service:
    """The hub or service with this ARM id.

    Raises:
        RefusedError: it is not the id of a hub or provisioning service.
    """
    found = _RESOURCE.fullmatch(resource_id.rstrip("/"))
    if not found:
        remedy = "give /subscriptions/…/resourceGroups/…/providers/Microsoft.Devices/IotHubs/… or …/provisioningServices/…"
        raise RefusedError(f"resource id '{resource_id}'", "it is not the id of an IoT hub or a provisioning service", remedy)
    return Service(resource_id.rstrip("/"), found["kind"].lower(), found["subscription"], found["group"], found["name"])
