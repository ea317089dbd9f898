"""Operations on a hub's message routing: the health of its endpoints, and which routes a message would take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot import shapes
from local_azure_iot.microsoft_devices import hub_routing, hubs, route_trial
from local_azure_iot.microsoft_devices.versions import HUB_VERSIONS
from local_azure_iot.resource_manager.request_ids import resource_id
from local_azure_iot.routing import Evidence, table
from local_azure_iot.wire import MalformedJsonError, Reply

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import Request


def list_health(azure: Azure, request: Request) -> Reply:
    """The health of the custom endpoints. Local Azure sends them nothing, so that each is `unknown`, which Azure says of unused ones."""
    routing = hubs.require(azure, resource_id(request))["properties"].get("routing") or {}
    value = [{"endpointId": endpoint["id"], "healthStatus": "unknown"} for endpoint in hub_routing.endpoints_of(routing)]
    return Reply(body={"value": value})


def test_all(azure: Azure, request: Request) -> Reply:
    """The hub's routes that a message would take."""
    hub, body = hubs.require(azure, resource_id(request)), request.json_object(shapes.TRIAL_OF_ROUTES)
    routing = hub_routing.shown(hub["properties"].get("routing"))
    found = route_trial.matching(routing, body.get("routingSource") or route_trial.DEFAULT_SOURCE, _message(body))
    return Reply(body={"routes": [{"properties": route} for route in found]})


def test_new(azure: Azure, request: Request) -> Reply:
    """Whether a message would take a route that the hub does not have yet."""
    hubs.require(azure, resource_id(request))
    body = request.json_object(shapes.TRIAL_OF_ROUTES)
    route = body.get("route")
    if route is None:
        raise MalformedJsonError("Required property 'route' not found in JSON")
    result, reason = route_trial.verdict(route, _message(body))
    return Reply(body={"result": result, "details": {"compilationErrors": [_compilation_error(route, reason)] if reason else []}})


def _message(body: dict[str, Any]) -> dict[str, Any]:
    return route_trial.document(body.get("message") or {}, body.get("twin"))


def _compilation_error(route: dict[str, Any], reason: str) -> dict[str, Any]:
    last = len(str(route.get("condition")))
    location = {"start": {"line": 1, "column": 1}, "end": {"line": 1, "column": last}}
    return {"message": reason, "severity": "error", "location": location}


_HUB = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Devices/IotHubs/{name}"
_ACTION = "Microsoft.Devices/IotHubs"
_TRIAL = "guesses: where in the condition the error is; the fallback route is named where no other fits"
ROUTES = table(
    (
        (
            "IotHubResource_GetEndpointHealth",
            "GET",
            f"{_HUB}/routingEndpointsHealth",
            list_health,
            Evidence.DOCUMENTED,
            f"{_ACTION}/routingEndpointsHealth/read",
            "always unknown: nothing is sent to endpoints",
        ),
        (
            "IotHubResource_TestAllRoutes",
            "POST",
            f"{_HUB}/routing/routes/$testall",
            test_all,
            Evidence.DOCUMENTED,
            f"{_ACTION}/routing/routes/$testall/action",
            _TRIAL,
        ),
        (
            "IotHubResource_TestRoute",
            "POST",
            f"{_HUB}/routing/routes/$testnew",
            test_new,
            Evidence.DOCUMENTED,
            f"{_ACTION}/routing/routes/$testnew/action",
            _TRIAL,
        ),
    ),
    versions=HUB_VERSIONS,
    resource_type="Microsoft.Devices/IotHubs",
)
