"""Resource groups: creating, changing, listing and deleting them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local_azure_iot.resource_manager import errors, long_running, regions

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.resource_manager.resource_ids import ResourceId
    from local_azure_iot.store import Document

    # Deletes all of one provider's resources whose keys begin with this prefix.
    DeleteResourcesOfGroup = Callable[[Azure, str], None]

GROUP = "resource-group"
_NAME = re.compile(r"[-\w.()]{0,89}[-\w()]")
ON_GROUP_DELETION: list[DeleteResourcesOfGroup] = []  # each resource provider adds a function that deletes its resources with their group


def find(azure: Azure, key: str) -> Document | None:
    """The resource group, or None. A group whose deletion is due is deleted here, with everything in it."""
    group = azure.store.get(GROUP, key)
    if group and group.get("deleted") and long_running.is_due(azure, group["deleted"]):
        azure.store.delete(GROUP, key)
        for delete_resources in ON_GROUP_DELETION:
            delete_resources(azure, f"{key}/")
        return None
    return group


long_running.FINDERS[GROUP] = find


def require(azure: Azure, resource_id: ResourceId) -> Document:
    """The resource group, which must exist.

    Raises:
        ArmError: The group does not exist.
    """
    group = find(azure, resource_id.group_key)
    if group is None:
        raise errors.group_not_found(resource_id.group)
    return group


def require_not_deleting(azure: Azure, resource_id: ResourceId) -> Document:
    """The resource group, which must exist and not be in deletion.

    Raises:
        ArmError: The group does not exist, or it is being deleted.
    """
    group = require(azure, resource_id)
    if group.get("deleted"):
        raise errors.group_being_deleted(group["name"])
    return group


def groups_in_subscription(azure: Azure, resource_id: ResourceId) -> list[Document]:
    """All resource groups of the subscription."""
    keys = [
        f"{resource_id.subscription_prefix}{group['name'].lower()}" for group in azure.store.list(GROUP, resource_id.subscription_prefix)
    ]
    return [group for key in keys if (group := find(azure, key))]


def create_or_update(azure: Azure, resource_id: ResourceId, body: dict[str, Any]) -> tuple[Document, bool]:
    """Create or change a group; the second value says whether it is new.

    Raises:
        ArmError: The name or the location is invalid, or the group exists in another location.
    """
    name = resource_id.group
    if not _NAME.fullmatch(name):
        raise errors.group_name_invalid(name)
    location = str(body.get("location") or "")
    existing = find(azure, resource_id.group_key)
    if existing is None and not location:
        raise errors.location_required(name)
    if location and not regions.known(location):
        raise errors.location_unavailable(location, "Microsoft.Resources/resourceGroups", regions.DISPLAY_BY_NAME)
    if existing and regions.normalized(location) != existing["location"]:
        raise errors.group_location_differs(name, existing["location"], location)
    group = existing or {"name": name, "subscription": resource_id.subscription, "location": regions.normalized(location)}
    group["tags"] = body.get("tags")
    group["managedBy"] = body.get("managedBy")
    azure.store.put(GROUP, resource_id.group_key, group)
    return group, existing is None


def update_tags(azure: Azure, resource_id: ResourceId, body: dict[str, Any]) -> Document:
    """Change a group's tags.

    Raises:
        ArmError: The group does not exist, or it is being deleted.
    """
    group = require_not_deleting(azure, resource_id)
    if "tags" in body:
        group["tags"] = body["tags"]
    azure.store.put(GROUP, resource_id.group_key, group)
    return group


def delete(azure: Azure, resource_id: ResourceId) -> long_running.Operation:
    """Begin to delete a group and everything in it.

    Raises:
        ArmError: The group does not exist.
    """
    group = require(azure, resource_id)
    operation = long_running.begin(azure, prefix="rg", location=group["location"], deletes=(GROUP, resource_id.group_key))
    group["deleted"] = operation.ready.isoformat()
    azure.store.put(GROUP, resource_id.group_key, group)
    return operation


def to_json(group: Document, version: str) -> dict[str, Any]:
    """A group as ARM returns it; api-versions from the middle of 2019 on include its type."""
    body: dict[str, Any] = {"id": f"/subscriptions/{group['subscription']}/resourceGroups/{group['name']}", "name": group["name"]}
    if version >= "2019-06":
        body["type"] = "Microsoft.Resources/resourceGroups"
    body["location"] = group["location"]
    if group.get("managedBy"):
        body["managedBy"] = group["managedBy"]
    if group.get("tags") is not None:
        body["tags"] = group["tags"]
    body["properties"] = {"provisioningState": "Deleting" if group.get("deleted") else "Succeeded"}
    return body
