"""Resource groups: rules and state."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sandbox.azure.resource_manager import errors, long_running, regions

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.azure.local_azure import Azure
    from sandbox.azure.store import Document
    from sandbox.azure.wire import Request

    # Deletes everything of one provider's whose key begins with this prefix.
    Cascade = Callable[[Azure, str], None]

GROUP = "resource-group"
_NAME = re.compile(r"[-\w.()]{0,89}[-\w()]")


def group_key(request: Request) -> str:
    """The key of the group in a request's path, and the prefix of all that lies in it."""
    return f"{request.place.cloud.name}/{request.parameters['subscription']}/{request.parameters['group']}".lower()


def find(azure: Azure, key: str) -> Document | None:
    """The group, or None; one whose deletion has come to its end is gone with all that was in it."""
    group = azure.store.get(GROUP, key)
    if group and group.get("deleted") and long_running.done(azure, group["deleted"]):
        azure.store.delete(GROUP, key)
        for cascade in CASCADES:
            cascade(azure, f"{key}/")
        return None
    return group


def need(azure: Azure, request: Request) -> Document:
    """The group of a request.

    Raises:
        ArmError: There is none.
    """
    group = find(azure, group_key(request))
    if group is None:
        raise errors.group_not_found(request.parameters["group"])
    return group


def need_alive(azure: Azure, request: Request) -> Document:
    """The group of a request, and not one that is being deleted.

    Raises:
        ArmError: There is none, or it goes away.
    """
    group = need(azure, request)
    if group.get("deleted"):
        raise errors.group_being_deleted(group["name"])
    return group


def write(azure: Azure, request: Request, body: dict[str, Any]) -> tuple[Document, bool]:
    """Make or change a group; tells whether it is new.

    Raises:
        ArmError: The name or the location is not one, or the group is elsewhere already.
    """
    name = request.parameters["group"]
    if not _NAME.fullmatch(name):
        raise errors.group_name_invalid(name)
    location = str(body.get("location") or "")
    existing = find(azure, group_key(request))
    if existing is None and not location:
        raise errors.location_required(name)
    if location and not regions.known(location):
        raise errors.location_unavailable(location, "Microsoft.Resources/resourceGroups", regions.DISPLAY_BY_NAME)
    if existing and regions.normalized(location) != existing["location"]:
        raise errors.group_location_differs(name, existing["location"], location)
    group = existing or {"name": name, "subscription": request.parameters["subscription"], "location": regions.normalized(location)}
    group["tags"] = body.get("tags")
    group["managedBy"] = body.get("managedBy")
    azure.store.put(GROUP, group_key(request), group)
    return group, existing is None


def patch(azure: Azure, request: Request, body: dict[str, Any]) -> Document:
    """Change a group's tags."""
    group = need_alive(azure, request)
    if "tags" in body:
        group["tags"] = body["tags"]
    azure.store.put(GROUP, group_key(request), group)
    return group


def delete(azure: Azure, request: Request) -> long_running.Operation:
    """Begin to delete a group and all that is in it."""
    group = need(azure, request)
    operation = long_running.begin(azure, prefix="rg", location=group["location"])
    group["deleted"] = operation.ready.isoformat()
    azure.store.put(GROUP, group_key(request), group)
    return operation


CASCADES: list[Cascade] = []  # each provider adds how its resources go with their group


def shown(group: Document, version: str) -> dict[str, Any]:
    """A group as ARM answers it; its type stands in api-versions from the middle of 2019 on."""
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
