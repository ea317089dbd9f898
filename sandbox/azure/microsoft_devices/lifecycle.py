"""What hubs and provisioning services have in common: names in the whole cloud, states, long-running changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.azure.microsoft_devices import errors, etags
from sandbox.azure.microsoft_devices.errors import Service
from sandbox.azure.resource_manager import errors as arm_errors
from sandbox.azure.resource_manager import group_routes, groups, long_running, regions, role_routes

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.azure.local_azure import Azure
    from sandbox.azure.store import Document
    from sandbox.azure.wire import Request

CERTIFICATE = "certificate"
CONSUMER_GROUP = "consumer-group"
NAME = "global-name"


@dataclass(frozen=True)
class Kind:
    """One of the two services, with what tells them apart here."""

    service: Service
    document: str  # the store's kind
    results: str  # the path segment of operation urls
    prefix: str  # of operation ids
    extra: str  # query of operation urls
    children: tuple[str, ...]  # the kinds of documents that go with it


HUB = Kind(
    Service.HUB, "hub", "operationResults", "os_ih", "&operationSource=os_ih", (CERTIFICATE, CONSUMER_GROUP, "device", "device-shadow")
)
PROVISIONING = Kind(Service.PROVISIONING, "provisioning-service", "provisioningserviceoperationresults", "os_id", "", (CERTIFICATE,))
KINDS = (HUB, PROVISIONING)


def key(request: Request, kind: Kind) -> str:
    """The key of the service in a request's path, and the prefix of all its children."""
    return f"{groups.group_key(request)}/{kind.service}/{request.parameters['name']}".lower()


def name_key(cloud: str, kind: Kind, name: str) -> str:
    """The key under which a name is taken in the whole cloud."""
    return f"{cloud}/{kind.service}/{name}".lower()


def find(azure: Azure, found_key: str, kind: Kind) -> Document | None:
    """The service in the state that the clock says, or None."""
    groups.find(azure, found_key.rsplit("/", 2)[0])  # a group whose deletion has come to its end takes all that is in it along
    found = azure.store.get(kind.document, found_key)
    if found is None or not found.get("operation") or not long_running.done(azure, found["operation"]["ready"]):
        return found
    if found["operation"]["what"] == "delete":
        remove(azure, found_key, found, kind)
        return None
    found["operation"] = None
    found["etag"] = etags.rowversion(azure)
    azure.store.put(kind.document, found_key, found)
    return found


def need(azure: Azure, request: Request, kind: Kind, absent: Callable[[str, str, str], Exception]) -> Document:
    """The service of a request; ``absent`` makes the error from its name, group and subscription.

    Raises:
        ArmError: Its resource group is not there.
        DevicesError: There is none.
    """
    groups.need(azure, request)
    found = find(azure, key(request, kind), kind)
    if found is None:
        raise absent(request.parameters["name"], request.parameters["group"], request.parameters["subscription"])
    return found


def remove(azure: Azure, found_key: str, found: Document, kind: Kind) -> None:
    """Forget a service with its name, its children and the roles on it."""
    azure.store.delete(kind.document, found_key)
    azure.store.delete(NAME, name_key(found["cloud"], kind, found["name"]))
    for child in kind.children:
        azure.store.delete_under(child, f"{found_key}/")
    azure.presence.changed_under(f"{found_key}/")
    role_routes.cascade(azure, identifier(found, kind))


def cascade(azure: Azure, prefix: str) -> None:
    """All services under a resource group go with it."""
    for kind in KINDS:
        for found in azure.store.list(kind.document, prefix):
            found_key = f"{prefix}{kind.service}/{found['name']}".lower()
            remove(azure, found_key, found, kind)


groups.CASCADES.append(cascade)


def named(azure: Azure, cloud: str, kind: Kind, name: str) -> tuple[str, Document] | None:
    """The service of that name in the whole cloud with its key, or None: what a host name leads to."""
    taken = azure.store.get(NAME, name_key(cloud, kind, name))
    if taken is None:
        return None
    found = find(azure, taken["key"], kind)
    return (taken["key"], found) if found else None


def accept(azure: Azure, request: Request, kind: Kind, body: dict[str, Any]) -> tuple[str, Document | None, str]:
    """The checks that every PUT passes: group, provider, place, state, name. Gives key, what exists, and the location.

    Raises:
        ArmError: The front door refuses.
        DevicesError: The provider refuses.
    """
    group = groups.need_alive(azure, request)
    if not group_routes.registered(azure, request, "Microsoft.Devices"):
        raise arm_errors.provider_not_registered("Microsoft.Devices")
    found_key, name = key(request, kind), request.parameters["name"]
    existing = find(azure, found_key, kind)
    location = str(body.get("location") or "")
    if not location:
        raise arm_errors.location_required(name)
    if not regions.known(location):
        raise arm_errors.location_unavailable(location, f"Microsoft.Devices/{kind.service}", regions.DISPLAY_BY_NAME)
    if existing is None:
        if named(azure, request.place.cloud.name, kind, name):
            raise errors.name_taken(name, kind.service)
        return found_key, None, location
    if regions.normalized(location) != regions.normalized(existing["location"]):
        raise arm_errors.location_differs(name, f"Microsoft.Devices/{kind.service}", group["name"], existing["location"], location)
    if existing.get("operation"):
        raise errors.not_active(kind.service)
    return found_key, existing, location


def begin(azure: Azure, request: Request, kind: Kind, found: Document, what: str) -> dict[str, str]:
    """Begin to make, change or delete a service; gives the headers that tell where to ask.

    A PUT is answered with Azure-AsyncOperation alone, a DELETE with Location and Retry-After too: as recorded.
    """
    operation = long_running.begin(azure, prefix=kind.prefix, location=found["location"])
    found["operation"] = {"what": what, "ready": operation.ready.isoformat()}
    found["etag"] = etags.rowversion(azure)
    azure.store.put(kind.document, key(request, kind), found)
    subscription = request.parameters["subscription"]
    progress, location = long_running.urls(request, operation, subscription=subscription, results=kind.results, extra=kind.extra)
    headers = {"azure-asyncoperation": progress}
    if what == "delete":
        headers |= {"location": location, "retry-after": long_running.retry_after(azure)}
    elif azure.dials.retry_after is not None:
        headers["retry-after"] = str(azure.dials.retry_after)
    return headers


def identifier(found: Document, kind: Kind) -> str:
    """The resource id."""
    return (
        f"/subscriptions/{found['subscription']}/resourceGroups/{found['group']}/providers/Microsoft.Devices/{kind.service}/{found['name']}"
    )


def state(found: Document) -> tuple[str, str]:
    """`state` and `provisioningState` between and after changes."""
    if not found.get("operation"):
        return "Active", "Succeeded"
    word = {"create": "Activating", "update": "Transitioning", "delete": "Deleting"}[found["operation"]["what"]]
    return word, word


def sku(body: dict[str, Any]) -> dict[str, Any]:
    """A request's sku with its tier."""
    declared = body.get("sku") or {}
    name = str(declared.get("name") or "")
    tier = {"F": "Free", "B": "Basic", "S": "Standard"}.get(name[:1].upper(), "Standard")
    return {"name": name, "tier": tier, "capacity": 1 if declared.get("capacity") is None else declared["capacity"]}


def listed(azure: Azure, request: Request, kind: Kind) -> list[Document]:
    """All of a kind in the request's resource group, or in its subscription where it names none.

    Raises:
        ArmError: The resource group is not there.
    """
    prefix = f"{request.place.cloud.name}/{request.parameters['subscription']}/".lower()
    if "group" in request.parameters:
        groups.need(azure, request)
        prefix = f"{groups.group_key(request)}/"
    each = (named(azure, one["cloud"], kind, one["name"]) for one in azure.store.list(kind.document, prefix))
    return [found[1] for found in each if found]
