"""Operations on configurations and IoT Edge deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import (
    configuration_content,
    configuration_metrics,
    configuration_passes,
    configurations,
    edge_deployment,
    entries,
    errors,
    identities,
    tier,
)
from local_azure_iot.hub_registry.route_table import HubTable
from local_azure_iot.hub_registry.throttle import Operation
from local_azure_iot.microsoft_devices import lifecycle
from local_azure_iot.routing import Evidence
from local_azure_iot.shapes import Each
from local_azure_iot.wire import NO_BODY, LaterReply, Reply, whole_number

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import Request

_CONTENT = {"deviceContent": dict, "moduleContent": dict, "modulesContent": Each(dict)}
_SHAPE = {
    "id": str,
    "schemaVersion": str,
    "labels": Each(str),
    "content": _CONTENT,
    "targetCondition": str,
    "priority": int,
    "metrics": {"queries": Each(str)},
}


def list_configurations(azure: Azure, request: Request) -> LaterReply:
    """The configurations of a hub, at most `top`; there are no pages."""
    hub_key = _hub_key(azure, request)
    text = request.query.get("top", str(configurations.MAX_CONFIGURATIONS))
    top = whole_number(text)
    if not top:
        raise errors.argument_invalid(f"top must be 1 or more, not '{text[:50]}'")
    found = configurations.all_of(azure, hub_key)[:top]

    async def answer() -> Reply:
        counts = await configuration_metrics.results(azure, hub_key, found)
        return Reply(body=[configurations.to_json(each, counts[each["id"]]) for each in found])

    return LaterReply(answer)


def get_configuration(azure: Azure, request: Request) -> LaterReply:
    """A configuration, with its metrics as they are now."""
    hub_key = _hub_key(azure, request)
    return _reply(azure, hub_key, configurations.require(azure, hub_key, request.parameters["id"]))


def put_configuration(azure: Azure, request: Request) -> LaterReply:
    """Create a configuration (no If-Match: 201, 409 where it exists) or change it (If-Match: 200, 404 where it does not exist).

    In a hub with many devices its metrics have no results yet.
    """
    hub_key, body, if_match = _hub_key(azure, request), request.json_object(_SHAPE), request.header("if-match")
    if body.get("id") != request.parameters["id"]:
        raise errors.argument_invalid(f"id in the body is {errors.said(body.get('id'))}, and not '{request.parameters['id']}' of the path")
    if if_match is None:
        hub = lifecycle.find(azure, hub_key, lifecycle.HUB)
        free = hub is not None and str(hub["sku"]["name"]).upper().startswith("F")
        most = configurations.MAX_OF_FREE_HUB if free else configurations.MAX_CONFIGURATIONS
        written, status = configurations.create(azure, hub_key, body, most=most), 201
    else:
        found = configurations.require(azure, hub_key, request.parameters["id"])
        if not entries.matches(if_match, found):
            raise errors.etag_invalid()
        written, status = configurations.update(azure, hub_key, found, body), 200
    evaluated = configuration_passes.begin(azure, hub_key)
    return _reply(azure, hub_key, written, status=status, evaluated=evaluated)


def delete_configuration(azure: Azure, request: Request) -> Reply:
    """Delete a configuration: 204. Microsoft's Node client sends no If-Match."""
    hub_key, if_match = _hub_key(azure, request), request.header("if-match")
    found = configurations.require(azure, hub_key, request.parameters["id"])
    if if_match is not None and not entries.matches(if_match, found):
        raise errors.etag_invalid()
    configurations.delete(azure, hub_key, found)
    configuration_passes.begin(azure, hub_key)
    return Reply(status=204, body=NO_BODY)


def test_queries(azure: Azure, request: Request) -> Reply:
    """Say what is wrong with a target condition and with metrics, without a configuration."""
    _hub_key(azure, request)
    body = request.json_object({"targetCondition": str, "customMetricQueries": Each(str)})
    problems = {name: configurations.metric_problem(text) for name, text in (body.get("customMetricQueries") or {}).items()}
    result: dict[str, Any] = {
        "targetConditionError": configurations.condition_problem(body.get("targetCondition") or "") or None,
        "customMetricQueryErrors": {name: problem for name, problem in problems.items() if problem},
    }
    return Reply(body=result)


def apply_content(azure: Azure, request: Request) -> Reply:
    """Give one device what a configuration's content declares: 204."""
    hub_key = _hub_key(azure, request)
    device = identities.require(azure, hub_key, request.parameters["id"])
    content = request.json_object(_CONTENT)
    kind = configuration_content.kind_of(content)
    if kind == "modulesContent":
        edge_deployment.apply(azure, hub_key, device, [content])
    elif kind == "deviceContent":
        desired = configuration_content.nested(configuration_content.paths(content["deviceContent"]))
        identities.change_twin(azure, hub_key, device, {"properties": {"desired": desired}})
    else:
        raise errors.configuration_content_invalid("a device takes deviceContent or modulesContent, not moduleContent")
    return Reply(status=204, body=NO_BODY)


def _hub_key(azure: Azure, request: Request) -> str:
    hub_key = request.parameters["hub_key"]
    tier.require_standard(azure, hub_key)
    return hub_key


def _reply(azure: Azure, hub_key: str, configuration: dict[str, Any], *, status: int = 200, evaluated: bool = True) -> LaterReply:
    async def answer() -> Reply:
        counts = await configuration_metrics.results(azure, hub_key, [configuration] if evaluated else [])
        body = configurations.to_json(configuration, counts.get(configuration["id"], {}))
        return Reply(status=status, body=body, headers={"etag": f'"{body["etag"]}"'})

    return LaterReply(answer)


_TABLE = HubTable()
ROUTES, RIGHTS = _TABLE.routes, _TABLE.rights
_DOCUMENTED, _ACTIONS = Evidence.DOCUMENTED, "configurations"
_READ, _WRITE = ("RegistryRead", Operation.CONFIGURATION), ("RegistryWrite", Operation.CONFIGURATION)
_METRICS = "guesses: the rights of signatures, numbers and messages of errors, metrics as of now"
_MADE = "guess: modules that a deployment made and the next does not name are deleted"
_APPLIED = f"applied at once to the first {configuration_passes.CHUNK} devices, then in the background, where Azure takes minutes; {_MADE}"
_TABLE.add("Configuration_GetConfigurations", "GET /configurations", list_configurations, *_READ, f"{_ACTIONS}/read", _DOCUMENTED)
_TABLE.add(
    "Configuration_TestQueries", "POST /configurations/testQueries", test_queries, *_READ, f"{_ACTIONS}/testQueries/action", _DOCUMENTED,
    "guess: the errors' words",
)  # fmt: skip
_TABLE.add("Configuration_Get", "GET /configurations/{id}", get_configuration, *_READ, f"{_ACTIONS}/read", _DOCUMENTED, _METRICS)
_TABLE.add(
    "Configuration_CreateOrUpdate", "PUT /configurations/{id}", put_configuration, *_WRITE, f"{_ACTIONS}/write", _DOCUMENTED, _APPLIED
)  # fmt: skip
_TABLE.add("Configuration_Delete", "DELETE /configurations/{id}", delete_configuration, *_WRITE, f"{_ACTIONS}/delete", _DOCUMENTED)
_TABLE.add(
    "Configuration_ApplyOnEdgeDevice", "POST /devices/{id}/applyConfigurationContent", apply_content, *_WRITE,
    f"{_ACTIONS}/applyToEdgeDevice/action", _DOCUMENTED, _MADE,
)  # fmt: skip
