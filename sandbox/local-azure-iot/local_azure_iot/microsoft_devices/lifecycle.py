"""What hubs and provisioning services have in common: unique names, states, changes that take time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from local_azure_iot.microsoft_devices import errors, etags
from local_azure_iot.microsoft_devices.errors import Service
from local_azure_iot.resource_manager import errors as arm_errors
from local_azure_iot.resource_manager import groups, long_running, providers, regions, resource_list, role_assignments

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.resource_manager.long_running import Operation
    from local_azure_iot.resource_manager.resource_ids import ResourceId
    from local_azure_iot.store import Document

# Kinds of documents whose keys begin with their service's key.
CERTIFICATE = "certificate"
CONSUMER_GROUP = "consumer-group"
CONFIGURATION = "configuration"
CONFIGURATION_PROGRESS = "configuration-progress"  # how far configurations have been applied to a hub's devices, after one was written
DEVICE_JOB = "device-job"  # a device's part of a scheduled job
REGISTRY_JOB = "registry-job"  # an import or export of devices
SCHEDULED_JOB = "scheduled-job"
DEVICE = "device"
MODULE = "module"  # of a device
DEVICE_SHADOW = "device-shadow"  # the previous state of a device, which queries see until their index has caught up
CLOUD_TO_DEVICE = "cloud-to-device"  # messages that wait for a device
MQTT_SESSION = "mqtt-session"  # the subscriptions of a device or module that it keeps over connections
FEEDBACK = "feedback"  # on cloud-to-device messages
FILE_NOTIFICATION = "file-notification"
FILE_UPLOAD = "file-upload"  # of a device, not yet complete
ENROLLMENT_GROUP = "enrollment-group"  # of a provisioning service
INDIVIDUAL_ENROLLMENT = "individual-enrollment"
REGISTRATION = "registration"  # of a device with a provisioning service
ENROLLMENT_MARK = "enrollment-mark"  # a certificate that an enrollment has, or to which it refers
PENDING_REGISTRATION = "pending-registration"  # of a device that waits for its hub
REGISTRATION_IN_GROUP = "registration-in-group"  # which registrations came by a group
FORGOTTEN_GROUP = "forgotten-group"  # an enrollment group that is deleted, whose registrations are still being deleted
NAME = "global-name"  # the names in use in a whole cloud
CHUNK = 1000  # documents that are deleted in one transaction: some ten milliseconds
_MANY = 1_000_000  # services; more than there are
_REMOVAL = "removal "


@dataclass(frozen=True)
class Kind:
    """One of the two services, with everything that differs between them in this module."""

    service: Service
    document: str  # the store's kind
    prefix: str  # of operation ids
    children: tuple[str, ...]  # the kinds of documents that are deleted with it


HUB = Kind(
    Service.HUB,
    "hub",
    "os_ih",
    (
        CONFIGURATION_PROGRESS,  # first what goes on in the background, which ends when it finds itself gone
        REGISTRY_JOB,
        SCHEDULED_JOB,
        CERTIFICATE,
        CLOUD_TO_DEVICE,
        CONFIGURATION,
        CONSUMER_GROUP,
        DEVICE,
        DEVICE_JOB,
        DEVICE_SHADOW,
        FEEDBACK,
        FILE_NOTIFICATION,
        FILE_UPLOAD,
        MODULE,
        MQTT_SESSION,
    ),
)
PROVISIONING = Kind(
    Service.PROVISIONING,
    "provisioning-service",
    "os_id",
    (
        PENDING_REGISTRATION,  # first what goes on in the background
        FORGOTTEN_GROUP,
        CERTIFICATE,
        ENROLLMENT_GROUP,
        ENROLLMENT_MARK,
        INDIVIDUAL_ENROLLMENT,
        REGISTRATION,
        REGISTRATION_IN_GROUP,
    ),
)
KINDS = (HUB, PROVISIONING)
# What `remove` deletes in chunks, because there may be a million of them, and what it knows them by until then.
IN_CHUNKS = (*HUB.children, *PROVISIONING.children, long_running.REMOVAL)


def store_key(resource_id: ResourceId, kind: Kind) -> str:
    """The store key of a service, and the prefix of the keys of all its children."""
    return f"{resource_id.group_key}/{kind.service}/{resource_id.name}".lower()


def name_key(cloud: str, kind: Kind, name: str) -> str:
    """The store key that reserves a name in the whole cloud."""
    return f"{cloud}/{kind.service}/{name}".lower()


def find(azure: Azure, service_key: str, kind: Kind) -> Document | None:
    """The service in its state at this moment, or None."""
    groups.find(azure, service_key.rsplit("/", 2)[0])  # deletes the group and everything in it once the group's deletion is due
    service = azure.store.get(kind.document, service_key)
    if service is None or not service.get("operation") or not long_running.is_due(azure, service["operation"]["ready"]):
        return service
    if service["operation"]["what"] == "delete":
        remove(azure, service_key, service, kind)
        return None
    if service["operation"]["what"] == "failover":
        service["failedOver"] = not service.get("failedOver")
    service["operation"] = None
    service["etag"] = etags.new_rowversion_etag(azure)
    azure.store.put(kind.document, service_key, service)
    return service


def require(azure: Azure, resource_id: ResourceId, kind: Kind, not_found: Callable[[str, str, str], Exception]) -> Document:
    """The service, which must exist; `not_found` creates the error from its name, group and subscription.

    Raises:
        ArmError: Its resource group does not exist.
        DevicesError: The service does not exist.
    """
    groups.require(azure, resource_id)
    service = find(azure, store_key(resource_id, kind), kind)
    if service is None:
        raise not_found(resource_id.name, resource_id.group, resource_id.subscription)
    return service


def require_active(service: Document, kind: Kind) -> None:
    """Check that no operation is changing the service.

    Raises:
        DevicesError: The service is being created, changed or deleted.
    """
    if service.get("operation"):
        raise errors.not_active(kind.service)


def update_tags(azure: Azure, resource_id: ResourceId, kind: Kind, service: Document, tags: dict[str, str]) -> None:
    """Replace a service's tags, at once.

    Raises:
        DevicesError: The service is being created, changed or deleted.
    """
    require_active(service, kind)
    service["tags"] = tags
    service["etag"] = etags.new_rowversion_etag(azure)
    azure.store.put(kind.document, store_key(resource_id, kind), service)


def remove(azure: Azure, service_key: str, service: Document, kind: Kind) -> None:
    """Delete a service with its reserved name, its children and the role assignments on it.

    The service is gone at once. So are its children, unless there are many: the rest goes on in the background, and until that ends no
    service can have the same key again.
    """
    azure.store.delete(kind.document, service_key)
    azure.store.delete(NAME, name_key(service["cloud"], kind, service["name"]))
    azure.presence.recheck_under(f"{service_key}/", azure.background)
    azure.events.forget(f"{service_key}/")
    role_assignments.delete_at(azure, identifier(service, kind))
    azure.store.put(long_running.REMOVAL, service_key, {"kind": kind.document})
    if _remove_children(azure, service_key, kind):
        _go_on(azure, service_key, kind)


def remove_all(azure: Azure) -> None:
    """Delete every service, as `remove` does."""
    for kind in KINDS:
        for service_key, service in azure.store.page(kind.document, "", "", _MANY):
            remove(azure, service_key, service, kind)


async def removed(azure: Azure) -> None:
    """Wait until nothing is left of the services that were deleted."""
    while tasks := azure.background.running(_REMOVAL):
        await asyncio.wait(tasks)


def resume(azure: Azure) -> None:
    """Go on with the deletions that a restart ended."""
    kinds = {kind.document: kind for kind in KINDS}
    for key, removal in azure.store.page(long_running.REMOVAL, "", "", _MANY):
        _go_on(azure, key, kinds[removal["kind"]])


def _go_on(azure: Azure, service_key: str, kind: Kind) -> None:
    # One that fails stays where it is until the next start, and the operation with it: nobody is told that something is gone which is not.
    azure.background.begin_chunks(f"{_REMOVAL}{service_key}", azure.store, lambda: _remove_children(azure, service_key, kind))


def _remove_children(azure: Azure, service_key: str, kind: Kind) -> bool:
    """Delete as many children as one transaction may. Whether there are more."""
    room = CHUNK
    for child_kind in kind.children:
        room -= azure.store.delete_under(child_kind, f"{service_key}/", room)
        if not room:
            return True
    azure.store.delete(long_running.REMOVAL, service_key)
    return False


def delete_services_of_group(azure: Azure, prefix: str) -> None:
    """Delete all services of a resource group that is being deleted; `prefix` is the group's store key with a slash."""
    for kind in KINDS:
        for service in azure.store.list(kind.document, prefix):
            service_key = f"{prefix}{kind.service}/{service['name']}".lower()
            remove(azure, service_key, service, kind)


def list_resources(azure: Azure, resource_id: ResourceId) -> list[dict[str, Any]]:
    """All hubs and provisioning services in a resource group or subscription, as the list of all resources shows them."""
    return [
        {
            "id": identifier(service, kind),
            "name": service["name"],
            "type": f"Microsoft.Devices/{kind.service}",
            "location": regions.normalized(service["location"]),
            "sku": service["sku"],
            "tags": service["tags"],
        }
        for kind in KINDS
        for service in services_in(azure, resource_id, kind)
    ]


groups.ON_GROUP_DELETION.append(delete_services_of_group)
long_running.FINDERS |= {kind.document: partial(find, kind=kind) for kind in KINDS}
resource_list.PROVIDERS.append(list_resources)


def find_by_name(azure: Azure, cloud: str, kind: Kind, name: str) -> tuple[str, Document] | None:
    """The store key of the service that has this name in the whole cloud, and the service itself; None if no service has the name."""
    taken = azure.store.get(NAME, name_key(cloud, kind, name))
    if taken is None:
        return None
    service = find(azure, taken["key"], kind)
    return (taken["key"], service) if service else None


def check_put(azure: Azure, resource_id: ResourceId, kind: Kind, body: dict[str, Any]) -> tuple[str, Document | None, str]:
    """The checks of every PUT: group, provider, location, state, name. Returns the key, the existing service, and the location.

    Raises:
        ArmError: The group is missing or being deleted, the provider is not registered, or the location is missing, unknown or different.
        DevicesError: The name is in use, or the service is being created, changed or deleted.
    """
    group = groups.require_not_deleting(azure, resource_id)
    if not providers.registered(azure, resource_id.subscription, "Microsoft.Devices"):
        raise arm_errors.provider_not_registered("Microsoft.Devices")
    service_key, name = store_key(resource_id, kind), resource_id.name
    existing = find(azure, service_key, kind)
    if azure.store.get(long_running.REMOVAL, service_key):
        raise errors.not_active(kind.service)
    location = str(body.get("location") or "")
    if not location:
        raise arm_errors.location_required(name)
    if not regions.known(location):
        raise arm_errors.location_unavailable(location, f"Microsoft.Devices/{kind.service}", regions.DISPLAY_BY_NAME)
    if existing is None:
        if find_by_name(azure, resource_id.cloud.name, kind, name):
            raise errors.name_taken(name, kind.service)
        return service_key, None, location
    if regions.normalized(location) != regions.normalized(existing["location"]):
        raise arm_errors.location_differs(name, f"Microsoft.Devices/{kind.service}", group["name"], existing["location"], location)
    require_active(existing, kind)
    return service_key, existing, location


def begin(azure: Azure, resource_id: ResourceId, kind: Kind, service: Document, change: str) -> Operation:
    """Begin an operation on a service: `create`, `update`, `delete` or `failover`. Once it is done, the service is active, or gone."""
    service_key = store_key(resource_id, kind)
    deletes = (kind.document, service_key) if change == "delete" else None
    operation = long_running.begin(azure, prefix=kind.prefix, location=service["location"], deletes=deletes)
    service["operation"] = {"what": change, "ready": operation.ready.isoformat()}
    service["etag"] = etags.new_rowversion_etag(azure)
    azure.store.put(kind.document, service_key, service)
    return operation


def identifier(service: Document, kind: Kind) -> str:
    """The resource id."""
    group_id = f"/subscriptions/{service['subscription']}/resourceGroups/{service['group']}"
    return f"{group_id}/providers/Microsoft.Devices/{kind.service}/{service['name']}"


def state(service: Document) -> tuple[str, str]:
    """The service's `state` and `provisioningState`, in this order."""
    if not service.get("operation"):
        return "Active", "Succeeded"
    word = {"create": "Activating", "update": "Transitioning", "delete": "Deleting", "failover": "FailingOver"}[
        service["operation"]["what"]
    ]
    return word, word


def sku(body: dict[str, Any]) -> dict[str, Any]:
    """A request's sku with its tier."""
    declared = body.get("sku") or {}
    name = str(declared.get("name") or "")
    tier = {"F": "Free", "B": "Basic", "S": "Standard"}.get(name[:1].upper(), "Standard")
    return {"name": name, "tier": tier, "capacity": 1 if declared.get("capacity") is None else declared["capacity"]}


def services_in(azure: Azure, resource_id: ResourceId, kind: Kind) -> list[Document]:
    """All services of a kind in a resource group, or in the whole subscription where the id names no group.

    Raises:
        ArmError: The resource group does not exist.
    """
    prefix = resource_id.subscription_prefix
    if resource_id.group:
        groups.require(azure, resource_id)
        prefix = f"{resource_id.group_key}/"
    stored = azure.store.list(kind.document, prefix)
    found = (find_by_name(azure, service["cloud"], kind, service["name"]) for service in stored)
    return [key_and_service[1] for key_and_service in found if key_and_service]
