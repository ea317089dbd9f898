"""An IoT hub or a provisioning service, by its ARM id."""

import re
from dataclasses import dataclass

from hubtrust.azure.errors import RefusedError

_RESOURCE = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"/providers/Microsoft\.Devices/(?P<kind>IotHubs|provisioningServices)/(?P<name>[^/]+)",
    re.IGNORECASE,
)
# Of certificate operations, and of the services themselves.
API_VERSIONS = {"iothubs": "2023-06-30", "provisioningservices": "2022-12-12"}
_TITLES = {"iothubs": "IoT hub", "provisioningservices": "provisioning service"}


@dataclass(frozen=True, slots=True)
class Service:
    """An IoT hub or a provisioning service, by its ARM id."""

    id: str
    kind: str  # lower case: iothubs or provisioningservices
    subscription: str
    group: str
    name: str
    title: str  # in messages, such as: IoT hub 'hub-7'


def service(resource_id: object) -> Service:
    """The hub or service with this ARM id.

    Raises:
        RefusedError: it is not the id of a hub or provisioning service.
    """
    id_ = str(resource_id).rstrip("/")
    found = _RESOURCE.fullmatch(id_)
    if not found:
        remedy = "give /subscriptions/…/resourceGroups/…/providers/Microsoft.Devices/IotHubs/… or …/provisioningServices/…"
        raise RefusedError(f"resource id '{resource_id}'", "it is not the id of an IoT hub or a provisioning service", remedy)
    kind, name = found["kind"].lower(), found["name"]
    return Service(id_, kind, found["subscription"], found["group"], name, title=f"{_TITLES[kind]} '{name}'")
