"""Operations on the consumer groups of a hub's built-in endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot import shapes
from local_azure_iot.microsoft_devices import consumer_groups, errors, hubs, lifecycle
from local_azure_iot.microsoft_devices.lifecycle import HUB
from local_azure_iot.microsoft_devices.versions import HUB_VERSIONS
from local_azure_iot.resource_manager.request_ids import resource_id
from local_azure_iot.routing import Evidence, table
from local_azure_iot.wire import NO_BODY, Reply

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import Request


def list_groups(azure: Azure, request: Request) -> Reply:
    """The consumer groups."""
    hub = _hub(azure, request)
    found = consumer_groups.consumer_groups_of(azure, hub, _hub_key(request))
    return Reply(body={"value": [consumer_groups.to_json(hub, each) for each in found]})


def put_group(azure: Azure, request: Request) -> Reply:
    """Create a consumer group: 200. This answer alone repeats the request's `properties`."""
    hub = _hub(azure, request)
    declared = request.json_object(shapes.CONSUMER_GROUP).get("properties")
    answer = consumer_groups.to_json(hub, consumer_groups.create(azure, hub, _hub_key(request), request.parameters["consumers"]))
    if declared:
        answer["properties"]["properties"] = declared
    return Reply(body=answer)


def get_group(azure: Azure, request: Request) -> Reply:
    """A consumer group."""
    hub = _hub(azure, request)
    return Reply(body=consumer_groups.to_json(hub, consumer_groups.require(azure, hub, _hub_key(request), request.parameters["consumers"])))


def delete_group(azure: Azure, request: Request) -> Reply:
    """Delete a consumer group: 200."""
    _hub(azure, request)
    consumer_groups.delete(azure, _hub_key(request), request.parameters["consumers"])
    return Reply(body=NO_BODY)


def _hub(azure: Azure, request: Request) -> dict[str, Any]:
    """The hub, whose one endpoint this must be."""
    hub = hubs.require(azure, resource_id(request))
    if request.parameters["endpoint"].lower() != "events":
        raise errors.event_hub_endpoint_not_found(request.parameters["endpoint"])
    return hub


def _hub_key(request: Request) -> str:
    return lifecycle.store_key(resource_id(request), HUB)


_ALL = (
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Devices/IotHubs/{name}"
    "/eventHubEndpoints/{endpoint}/ConsumerGroups"
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
