"""What hubs and provisioning services have in common: unique names, states, changes that take time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.azure.microsoft_devices import errors, etags
from sandbox.azure.microsoft_devices.errors import Service
from sandbox.azure.resource_manager import errors as arm_errors
from sandbox.azure.resource_manager import groups, long_running, providers, regions, role_assignments

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.azure.local_azure import Azure
    from sandbox.azure.resource_manager.long_running import Operation
    from sandbox.azure.resource_manager.resource_ids import ResourceId
    from sandbox.azure.store import Document

# Kinds of documents whose keys begin with their service's key.
CERTIFICATE = "certificate"
CONSUMER_GROUP = "consumer-group"
DEVICE = "device"
DEVICE_SHADOW = "device-shadow"  # a device as the lagging index of queries still sees it
NAME = "global-name"


@dataclass(frozen=True)
class Kind:
    """One of the two services, with what differs between them here."""

    service: Service
    document: str  # the store's kind
    prefix: str  # of operation ids
    children: tuple[str, ...]  # the kinds of documents that are deleted with it


HUB = Kind(Service.HUB, "hub", "os_ih", (CERTIFICATE, CONSUMER_GROUP, DEVICE, DEVICE_SHADOW))
PROVISIONING = Kind(Service.PROVISIONING, "provisioning-service", "os_id", (CERTIFICATE,))
KINDS = (HUB, PROVISIONING)


def store_key(identity: ResourceId, kind: Kind) -> str:
    """The store key of a service, and the prefix of the keys of all its children."""
    return f"{identity.group_key}/{kind.service}/{identity.name}".lower()


def name_key(cloud: str, kind: Kind, name: str) -> str:
    """The store key that reserves a name in the whole cloud."""
    return f"{cloud}/{kind.service}/{name}".lower()


def find(azure: Azure, found_key: str, kind: Kind) -> Document | None:
    """The service in its state at this moment, or None."""
    groups.find(azure, found_key.rsplit("/", 2)[0])  # removes the group, with everything in it, once its deletion is due
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


def require(azure: Azure, identity: ResourceId, kind: Kind, absent: Callable[[str, str, str], Exception]) -> Document:
    """The service; ``absent`` makes the error from its name, group and subscription.

    Raises:
        ArmError: Its resource group does not exist.
        DevicesError: The service does not exist.
    """
    groups.require(azure, identity)
    found = find(azure, store_key(identity, kind), kind)
    if found is None:
        raise absent(identity.name, identity.group, identity.subscription)
    return found


def require_active(found: Document, kind: Kind) -> None:
    """Let a service pass that no operation is changing.

    Raises:
        DevicesError: It is being created, changed or deleted.
    """
    if found.get("operation"):
        raise errors.not_active(kind.service)


def write_tags(azure: Azure, identity: ResourceId, kind: Kind, found: Document, tags: dict[str, str]) -> None:
    """Replace a service's tags, at once.

    Raises:
        DevicesError: It is being created, changed or deleted.
    """
    require_active(found, kind)
    found["tags"] = tags
    found["etag"] = etags.rowversion(azure)
    azure.store.put(kind.document, store_key(identity, kind), found)


def remove(azure: Azure, found_key: str, found: Document, kind: Kind) -> None:
    """Remove a service with its name, its children and the role assignments on it."""
    azure.store.delete(kind.document, found_key)
    azure.store.delete(NAME, name_key(found["cloud"], kind, found["name"]))
    for child in kind.children:
        azure.store.delete_under(child, f"{found_key}/")
    azure.presence.changed_under(f"{found_key}/")
    role_assignments.delete_at(azure, identifier(found, kind))


def delete_services_of_group(azure: Azure, prefix: str) -> None:
    """Remove all services of a resource group that is being removed."""
    for kind in KINDS:
        for found in azure.store.list(kind.document, prefix):
            found_key = f"{prefix}{kind.service}/{found['name']}".lower()
            remove(azure, found_key, found, kind)


groups.ON_GROUP_DELETION.append(delete_services_of_group)


def find_by_name(azure: Azure, cloud: str, kind: Kind, name: str) -> tuple[str, Document] | None:
    """The service that has this name in the whole cloud, with its key, or None: what its host name resolves to."""
    taken = azure.store.get(NAME, name_key(cloud, kind, name))
    if taken is None:
        return None
    found = find(azure, taken["key"], kind)
    return (taken["key"], found) if found else None


def check_put(azure: Azure, identity: ResourceId, kind: Kind, body: dict[str, Any]) -> tuple[str, Document | None, str]:
    """The checks of every PUT: group, provider, location, state, name. Returns the key, the existing service, and the location.

    Raises:
        ArmError: ARM refuses.
        DevicesError: The provider refuses.
    """
    group = groups.require_not_deleting(azure, identity)
    if not providers.registered(azure, identity.subscription, "Microsoft.Devices"):
        raise arm_errors.provider_not_registered("Microsoft.Devices")
    found_key, name = store_key(identity, kind), identity.name
    existing = find(azure, found_key, kind)
    location = str(body.get("location") or "")
    if not location:
        raise arm_errors.location_required(name)
    if not regions.known(location):
        raise arm_errors.location_unavailable(location, f"Microsoft.Devices/{kind.service}", regions.DISPLAY_BY_NAME)
    if existing is None:
        if find_by_name(azure, identity.cloud.name, kind, name):
            raise errors.name_taken(name, kind.service)
        return found_key, None, location
    if regions.normalized(location) != regions.normalized(existing["location"]):
        raise arm_errors.location_differs(name, f"Microsoft.Devices/{kind.service}", group["name"], existing["location"], location)
    require_active(existing, kind)
    return found_key, existing, location


def begin(azure: Azure, identity: ResourceId, kind: Kind, found: Document, what: str) -> Operation:
    """Begin to create, change or delete a service; `what` is `create`, `update` or `delete`."""
    operation = long_running.begin(azure, prefix=kind.prefix, location=found["location"])
    found["operation"] = {"what": what, "ready": operation.ready.isoformat()}
    found["etag"] = etags.rowversion(azure)
    azure.store.put(kind.document, store_key(identity, kind), found)
    return operation


def identifier(found: Document, kind: Kind) -> str:
    """The resource id."""
    return (
        f"/subscriptions/{found['subscription']}/resourceGroups/{found['group']}/providers/Microsoft.Devices/{kind.service}/{found['name']}"
    )


def state(found: Document) -> tuple[str, str]:
    """`state` and `provisioningState`, during an operation and after it."""
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


def services_in(azure: Azure, identity: ResourceId, kind: Kind) -> list[Document]:
    """All services of a kind in a resource group, or in the whole subscription where the id names no group.

    Raises:
        ArmError: The resource group does not exist.
    """
    prefix = identity.subscription_prefix
    if identity.group:
        groups.require(azure, identity)
        prefix = f"{identity.group_key}/"
    each = (find_by_name(azure, one["cloud"], kind, one["name"]) for one in azure.store.list(kind.document, prefix))
    return [found[1] for found in each if found]
