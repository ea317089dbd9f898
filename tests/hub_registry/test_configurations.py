"""Configurations and IoT Edge deployments over HTTP: whom they reach, what they set and take back, their metrics."""

from typing import Any

import pytest

from tests.kit.hub_client import HubClient

_ANY = {"If-Match": "*"}
_AGENT = {"properties.desired": {"modules": {"filter": {"status": "running"}}, "schemaVersion": "1.1"}}
_HUB = {"properties.desired": {"routes": {}, "schemaVersion": "1.1"}}


def _put(
    registry: HubClient, name: str, content: dict[str, Any], condition: str, headers: dict[str, str] | None = None, **members: Any
) -> Any:
    body = {"id": name, "content": content, "targetCondition": condition, **members}
    return registry.ask("PUT", f"/configurations/{name}", json=body, headers=headers)


def _desired(registry: HubClient, place: str) -> dict[str, Any]:
    properties = registry.ask("GET", f"/twins/{place}").raise_for_status().json()["properties"]["desired"]
    return {name: value for name, value in properties.items() if not name.startswith("$")}


def _statuses(registry: HubClient, place: str) -> dict[str, str]:
    found = registry.ask("GET", f"/twins/{place}").json().get("configurations", {})
    return {name: each["status"] for name, each in found.items()}


def test_the_life_of_a_configuration(registry: HubClient) -> None:
    """Empty list, 201, 409, 412, 200, 204; the content stays; the highest priority is applied, and what it set goes with it."""
    assert registry.ask("GET", "/configurations").json() == []
    for name, line in (("a", 1), ("b", 2)):
        registry.put(name)
        registry.ask("PATCH", f"/twins/{name}", json={"tags": {"line": line}, "properties": {"desired": {"own": 1}}}).raise_for_status()
    content = {"deviceContent": {"properties.desired.chiller": {"temperature": 38}, "properties.desired.fan.speed": 2}}
    created = _put(registry, "chill", content, "tags.line = 1", priority=1, labels={"for": "tests"})
    body = created.json()
    assert (created.status_code, created.headers["etag"], body["etag"]) == (201, '"MQ=="', "MQ==")
    assert body["systemMetrics"]["results"] == {"targetedCount": 1, "appliedCount": 1}
    assert _desired(registry, "a") == {"own": 1, "chiller": {"temperature": 38}, "fan": {"speed": 2}}
    assert (_desired(registry, "b"), _statuses(registry, "a"), _statuses(registry, "b")) == ({"own": 1}, {"chill": "Applied"}, {})
    assert _put(registry, "chill", content, "*").headers["iothub-errorcode"] == "ConfigurationAlreadyExists"
    assert _put(registry, "chill", content, "*", {"If-Match": '"Mg=="'}).status_code == 412
    other = _put(registry, "chill", {"deviceContent": {"properties.desired.x": 1}}, "*", _ANY)
    assert other.headers["iothub-errorcode"] == "CannotModifyImmutableConfigurationContent"
    changed = _put(registry, "chill", content, "*", {"If-Match": body["etag"]}, priority=1).json()
    assert (changed["etag"], changed["createdTimeUtc"], changed["labels"]) == ("Mg==", body["createdTimeUtc"], {})
    assert changed["systemMetrics"]["results"] == {"targetedCount": 2, "appliedCount": 2}
    _put(
        registry, "warm", {"deviceContent": {"properties.desired": {"chiller": {"pressure": 7}}}}, "tags.line = 2", priority=5
    ).raise_for_status()
    assert _desired(registry, "b") == {"own": 1, "chiller": {"pressure": 7}, "fan": {}}
    assert _statuses(registry, "b") == {"chill": "Targeted", "warm": "Applied"}
    registry.ask("PATCH", "/twins/b", json={"tags": {"line": 1}}).raise_for_status()
    assert _desired(registry, "b") == _desired(registry, "a")
    assert [each["id"] for each in registry.ask("GET", "/configurations").json()] == ["chill", "warm"]
    assert len(registry.ask("GET", "/configurations?top=1").json()) == 1
    assert registry.ask("DELETE", "/configurations/chill", headers={"If-Match": '"Mg=x"'}).status_code == 412
    assert registry.ask("DELETE", "/configurations/chill").status_code == 204
    assert (_desired(registry, "a"), _statuses(registry, "a")) == ({"own": 1, "fan": {}}, {})
    for method in ("GET", "DELETE"):
        gone = registry.ask(method, "/configurations/chill")
        assert (gone.status_code, gone.headers["iothub-errorcode"]) == (404, "ConfigurationNotFound")


def test_new_and_changed_devices_and_modules_come_into_reach(registry: HubClient) -> None:
    """A device created later, and a module by its own twin; custom metrics count what they select."""
    queries = {"hot": "select deviceId from devices where properties.desired.hot = true"}
    _put(registry, "hot", {"deviceContent": {"properties.desired.hot": True}}, "*", metrics={"queries": queries}).raise_for_status()
    lens = {"moduleContent": {"properties.desired.lens": 2}}
    _put(registry, "lens", lens, "from devices.modules where moduleId = 'camera' and tags.on = true").raise_for_status()
    registry.bulk({"id": "a", "tags": {"x": 1}}, {"id": "b"}).raise_for_status()
    assert [_desired(registry, name) for name in ("a", "b")] == [{"hot": True}] * 2
    registry.ask("PUT", "/devices/a/modules/camera", json={"deviceId": "a", "moduleId": "camera"}).raise_for_status()
    assert _desired(registry, "a/modules/camera") == {}
    registry.ask("PATCH", "/twins/a/modules/camera", json={"tags": {"on": True}}).raise_for_status()
    assert (_desired(registry, "a/modules/camera"), _statuses(registry, "a/modules/camera")) == ({"lens": 2}, {"lens": "Applied"})
    assert registry.ask("GET", "/configurations/hot").json()["metrics"] == {"results": {"hot": 2}, "queries": queries}
    found = registry.ask("GET", "/configurations/lens").json()
    assert found["systemMetrics"]["results"] == {"targetedCount": 1, "appliedCount": 1}
    for query in found["systemMetrics"]["queries"].values():
        assert registry.query(query) == [[{"deviceId": "a", "moduleId": "camera"}]]
    registry.ask("PATCH", "/twins/a/modules/camera", json={"tags": {"on": False}}).raise_for_status()
    assert _desired(registry, "a/modules/camera") == {}


def test_deployments_of_iot_edge(registry: HubClient) -> None:
    """Modules are made and set as a whole; a layered deployment above adds to them; a lower one waits; one device may be set by hand."""
    registry.put("edge", capabilities={"iotEdge": True})
    registry.put("leaf")
    base = {"modulesContent": {"$edgeAgent": _AGENT, "$edgeHub": _HUB, "filter": {"properties.desired": {"threshold": 21}}}}
    created = _put(registry, "base", base, "*", priority=1).json()
    assert created["systemMetrics"]["results"] == {
        "targetedCount": 1,
        "appliedCount": 1,
        "reportedSuccessfulCount": 0,
        "reportedFailedCount": 0,
    }
    modules = {each["moduleId"]: each for each in registry.ask("GET", "/devices/edge/modules").json()}
    assert (set(modules), modules["filter"]["managedBy"]) == ({"$edgeAgent", "$edgeHub", "filter"}, "iotEdge")
    assert modules["$edgeAgent"]["authentication"]["type"] == "none"
    assert _desired(registry, "edge/modules/$edgeAgent") == _AGENT["properties.desired"]
    layer = {
        "modulesContent": {
            "$edgeAgent": {"properties.desired.modules.extra": {"status": "running"}},
            "extra": {"properties.desired.a.b": 1},
        }
    }
    _put(registry, "layer", layer, "*", priority=2).raise_for_status()
    assert set(_desired(registry, "edge/modules/$edgeAgent")["modules"]) == {"filter", "extra"}
    assert (_desired(registry, "edge/modules/extra"), _desired(registry, "edge/modules/filter")) == ({"a": {"b": 1}}, {"threshold": 21})
    assert _statuses(registry, "edge/modules/$edgeAgent") == {"base": "Applied", "layer": "Applied"}
    _put(registry, "low", layer, "*", priority=0).raise_for_status()
    assert _statuses(registry, "edge") == {"base": "Applied", "layer": "Applied", "low": "Targeted"}
    assert registry.ask("DELETE", "/configurations/layer").status_code == 204
    assert [each["moduleId"] for each in registry.ask("GET", "/devices/edge/modules").json()] == ["$edgeAgent", "$edgeHub", "filter"]
    by_hand = {"modulesContent": {"$edgeAgent": _AGENT, "$edgeHub": _HUB, "other": {"properties.desired": {"x": 1}}}}
    assert registry.ask("POST", "/devices/edge/applyConfigurationContent", json=by_hand).status_code == 204
    assert [each["moduleId"] for each in registry.ask("GET", "/devices/edge/modules").json()] == ["$edgeAgent", "$edgeHub", "other"]
    refused = registry.ask("POST", "/devices/leaf/applyConfigurationContent", json=by_hand)
    assert (refused.status_code, refused.headers["iothub-errorcode"]) == (400, "ArgumentInvalid")
    plain = {"deviceContent": {"properties.desired.y": 1}}
    assert registry.ask("POST", "/devices/leaf/applyConfigurationContent", json=plain).status_code == 204
    assert _desired(registry, "leaf") == {"y": 1}
    for device, content in (("leaf", {"moduleContent": {}}), ("none", by_hand), ("leaf", {}), ("leaf", {"deviceContent": {"tags.x": 1}})):
        assert registry.ask("POST", f"/devices/{device}/applyConfigurationContent", json=content).status_code in {400, 404}


@pytest.mark.parametrize(("members", "code"), [
    ({"content": {}}, "InvalidConfigurationContent"),
    ({"content": {"deviceContent": {"properties.reported.x": 1}}}, "InvalidConfigurationContent"),
    ({"content": {"deviceContent": {"properties.desired.x": 1}, "moduleContent": {}}}, "InvalidConfigurationContent"),
    ({"content": {"modulesContent": {"m": {"properties.desired": 7}}}}, "InvalidConfigurationContent"),
    ({"targetCondition": "tags.x ="}, "InvalidConfigurationTargetCondition"),
    ({"targetCondition": "from devices.modules where tags.x = 1"}, "InvalidConfigurationTargetCondition"),
    ({"content": {"moduleContent": {"properties.desired.x": 1}}, "targetCondition": "*"}, "InvalidConfigurationTargetCondition"),
    ({"metrics": {"queries": {"m": "select"}}}, "InvalidConfigurationCustomMetricsQuery"),
    ({"metrics": {"queries": dict.fromkeys("abcdef", "select * from devices")}}, "InvalidConfigurationCustomMetricsQuery"),
    ({"priority": -1}, "ArgumentInvalid"),
    ({"priority": "high"}, "IotHubFormatError"),
    ({"id": "other"}, "ArgumentInvalid"),
])  # fmt: skip
def test_an_invalid_configuration(registry: HubClient, members: dict[str, Any], code: str) -> None:
    """400, each with its name; nothing is written."""
    body = {"id": "c", "content": {"deviceContent": {"properties.desired.x": 1}}, "targetCondition": "*", **members}
    answer = registry.ask("PUT", "/configurations/c", json=body)
    assert (answer.status_code, answer.headers["iothub-errorcode"]) == (400, code)
    assert registry.ask("GET", "/configurations").json() == []


def test_queries_are_tested_without_a_configuration(registry: HubClient) -> None:
    """Each error has its place, and valid ones have none; what a twin can't hold is not applied, and breaks no request."""
    tested = registry.ask("POST", "/configurations/testQueries", json={
        "targetCondition": "tags.x =", "customMetricQueries": {"good": "SELECT deviceId FROM devices", "bad": "SELECT"},
    }).json()  # fmt: skip
    assert (bool(tested["targetConditionError"]), set(tested["customMetricQueryErrors"])) == (True, {"bad"})
    good = registry.ask("POST", "/configurations/testQueries", json={"targetCondition": "tags.x = 1"}).json()
    assert good == {"targetConditionError": None, "customMetricQueryErrors": {}}
    assert _put(registry, "Big Name", {"deviceContent": {"properties.desired.x": 1}}, "*").status_code == 400
    _put(registry, "too-big", {"deviceContent": {f"properties.desired.x{n}": "x" * 4000 for n in range(9)}}, "*").raise_for_status()
    registry.put("a")
    assert (_desired(registry, "a"), _statuses(registry, "a")) == ({}, {"too-big": "Targeted"})
    assert registry.ask("GET", "/configurations/too-big").json()["systemMetrics"]["results"] == {"targetedCount": 1, "appliedCount": 0}
