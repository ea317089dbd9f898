"""Consumer groups of a hub's built-in endpoint, on the wire."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sandbox.azure import shapes
from sandbox.azure.judge import upload
from sandbox.azure.microsoft_devices import errors, hubs, lifecycle
from sandbox.azure.microsoft_devices.errors import Service
from sandbox.azure.microsoft_devices.lifecycle import CONSUMER_GROUP, HUB
from sandbox.azure.microsoft_devices.versions import HUB_VERSIONS
from sandbox.azure.routing import Evidence, table
from sandbox.azure.wire import NO_BODY, Reply

if TYPE_CHECKING:
    from sandbox.azure.local_azure import Azure
    from sandbox.azure.store import Document
    from sandbox.azure.wire import Request

_NAME = re.compile(r"[$A-Za-z0-9][\w.\-]{0,49}", re.ASCII)
_DEFAULT = "$Default"


def list_groups(azure: Azure, request: Request) -> Reply:
    """The consumer groups: `$Default` and those made."""
    hub = hubs.need(azure, request)
    made = azure.store.list(CONSUMER_GROUP, f"{lifecycle.key(request, HUB)}/")
    return Reply(body={"value": [_shown(hub, each) for each in (_default(hub), *made)]})


def put_group(azure: Azure, request: Request) -> Reply:
    """Make a consumer group: 200. What the request's `properties` held is echoed, by this answer alone."""
    hub = hubs.need(azure, request)
    name = request.parameters["consumers"]
    if not _NAME.fullmatch(name):
        raise errors.value_invalid(f"Invalid consumer group name '{name}'.", Service.HUB, 400015)
    declared = request.json_object(shapes.CONSUMER_GROUP).get("properties")
    now = upload.rfc1123(azure.clock.now())
    group = azure.store.get(CONSUMER_GROUP, _key(request)) or {"name": name, "created": now}
    azure.store.put(CONSUMER_GROUP, _key(request), group)
    shown = _shown(hub, group)
    if declared:
        shown["properties"]["properties"] = declared
    return Reply(body=shown)


def get_group(azure: Azure, request: Request) -> Reply:
    """A consumer group."""
    hub = hubs.need(azure, request)
    name = request.parameters["consumers"]
    found = _default(hub) if name.lower() == _DEFAULT.lower() else azure.store.get(CONSUMER_GROUP, _key(request))
    if found is None:
        raise errors.consumer_group_not_found(name)
    return Reply(body=_shown(hub, found))


def delete_group(azure: Azure, request: Request) -> Reply:
    """Remove a consumer group: 200."""
    hubs.need(azure, request)
    azure.store.delete(CONSUMER_GROUP, _key(request))
    return Reply(body=NO_BODY)


def _key(request: Request) -> str:
    return f"{lifecycle.key(request, HUB)}/{request.parameters['consumers'].lower()}"


def _default(hub: Document) -> Document:
    return {"name": _DEFAULT, "created": upload.rfc1123(datetime.fromisoformat(hub["created"]))}


def _shown(hub: Document, group: Document) -> dict[str, Any]:
    return {
        "properties": {"created": group["created"]},
        "id": f"{lifecycle.identifier(hub, HUB)}/eventHubEndpoints/events/ConsumerGroups/{group['name']}",
        "name": group["name"],
        "type": "Microsoft.Devices/IotHubs/EventHubEndpoints/ConsumerGroups",
        "etag": None,
    }


_ALL = (
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Devices/IotHubs/{name}"
    "/eventHubEndpoints/events/ConsumerGroups"
)
_ONE = f"{_ALL}/{{consumers}}"
_ACTION = "Microsoft.Devices/IotHubs/eventHubEndpoints/consumerGroups"
_RECORDED, _DOCUMENTED = Evidence.RECORDED, Evidence.DOCUMENTED
ROUTES = table(
    (
        ("IotHubResource_ListEventHubConsumerGroups", "GET", _ALL, list_groups, _DOCUMENTED, f"{_ACTION}/read"),
        (
            "IotHubResource_CreateEventHubConsumerGroup",
            "PUT",
            _ONE,
            put_group,
            _RECORDED,
            f"{_ACTION}/write",
            "guess: the answer to a bad name",
        ),
        ("IotHubResource_GetEventHubConsumerGroup", "GET", _ONE, get_group, _DOCUMENTED, f"{_ACTION}/read", "the 404's body is a guess"),
        ("IotHubResource_DeleteEventHubConsumerGroup", "DELETE", _ONE, delete_group, _RECORDED, f"{_ACTION}/delete"),
    ),
    versions=HUB_VERSIONS,
    resource_type="Microsoft.Devices/IotHubs",
)
