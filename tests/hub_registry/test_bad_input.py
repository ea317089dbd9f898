"""Requests with members of another JSON type, half characters and numbers that are none: 400 in the hub's envelope, nothing is written."""

import json
from typing import Any

import pytest

from tests.kit.hub_client import HubClient

_ODD = (5, 1.5, True, "x", [1], [None])
_DEVICE = {"deviceId": "press-001"}
_MODULE = {**_DEVICE, "moduleId": "belt"}


def _bodies() -> list[tuple[str, str, Any]]:
    """Method, path and body of requests that have a member of each odd type where an object belongs."""
    found: list[tuple[str, str, Any]] = []
    for odd in _ODD:
        found += [("PUT", "/devices/press-001", {**_DEVICE, name: odd}) for name in ("authentication", "capabilities")]
        found += [("PUT", "/devices/press-001", {**_DEVICE, "authentication": {"x509Thumbprint": odd}})]
        found += [("PUT", "/devices/press-001", {**_DEVICE, "capabilities": {"iotEdge": odd}})] if odd is not True else []
        found += [("PUT", "/devices/press-001/modules/belt", {**_MODULE, "authentication": odd})]
        found += [("PUT", "/devices/press-001/modules/belt", {**_MODULE, "authentication": {"symmetricKey": odd}})]
        for path in ("/twins/press-001", "/twins/press-001/modules/belt"):
            found += [(method, path, body) for method in ("PATCH", "PUT") for body in ({"properties": odd}, {"tags": odd})]
            found += [("PATCH", path, {"properties": {"desired": odd}})]
        for mode in ("update", "updateTwin"):
            member = "authentication" if mode == "update" else "properties"
            found += [("POST", "/devices", [{"id": "press-001", "importMode": mode, member: odd}])]
            found += [("POST", "/devices", [{"id": "press-001", "moduleId": "belt", "importMode": mode, member: odd}])]
    job = {"jobId": "a", "queryCondition": "deviceId = 'press-001'", "maxExecutionTimeInSeconds": 5}
    found += [("PUT", "/jobs/v2/a", {**job, "type": "scheduleUpdateTwin", "updateTwin": {"properties": 5}})]
    found += [("PUT", "/jobs/v2/a", {**job, "type": "scheduleDeviceMethod", "cloudToDeviceMethod": {"methodName": 5}})]
    found += [("PUT", "/jobs/v2/a", {**job, "type": "scheduleUpdateTwin", "updateTwin": {}, "maxExecutionTimeInSeconds": 10**20})]
    times = ("0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00", "soon")
    found += [("PUT", "/jobs/v2/a", {**job, "type": "scheduleUpdateTwin", "updateTwin": {}, "startTime": time}) for time in times]
    found += [("PATCH", "/digitaltwins/press-001", [{"op": odd, "path": odd, "value": 1}]) for odd in (*_ODD, {})]
    found += [("POST", "/configurations/testQueries", {"customMetricQueries": {"m": 5}})]
    found += [("POST", "/devices", [{"id": None}]), ("POST", "/devices", [{"id": "\ud800", "importMode": "update"}])]
    found += [("POST", "/twins/press-001/methods", {"methodName": name}) for name in ("\ud800", 5, "x" * 1025)]
    return found


@pytest.fixture
def press(registry: HubClient) -> HubClient:
    """The device `press-001` and its module `belt`."""
    registry.put("press-001")
    registry.ask("PUT", "/devices/press-001/modules/belt", json=_MODULE).raise_for_status()
    return registry


def test_members_of_another_type(press: HubClient) -> None:
    """Each is refused with 400, and the device, its module and both twins stay as they are."""
    places = ("/devices/press-001", "/devices/press-001/modules/belt", "/twins/press-001", "/twins/press-001/modules/belt")
    before = [press.ask("GET", place).json() for place in places]
    for method, path, body in _bodies():
        answer = press.ask(method, path, content=json.dumps(body), headers={"If-Match": "*"})
        assert answer.status_code == 400, (method, path, body, answer.text)
        assert "iothub-errorcode" in answer.headers or answer.json()["isSuccessful"] is False
    assert [press.ask("GET", place).json() for place in places] == before
    found = press.ask("POST", "/configurations/testQueries", json={"customMetricQueries": {"m": None}}).json()
    assert found["customMetricQueryErrors"] == {"m": "it ends too early"}
    content = {"deviceContent": {"properties.desired.x": 1}}
    configuration = {"id": "c", "content": content, "metrics": {"queries": {"m": None}}}
    assert press.ask("PUT", "/configurations/c", json=configuration).status_code == 400
    path = "/digitaltwins/press-001/commands/stop"
    assert {press.ask("POST", path, content=each).status_code for each in (b"NaN", b"[1e999]", b"{")} == {400}


@pytest.mark.parametrize("text", ["\u00b2", "\u0663", "9" * 5000, "1.5", "x"])
def test_numbers_that_are_none(press: HubClient, text: str) -> None:
    """In a query or a header, other digits than ASCII's and more of them than a number has."""
    latin = text.encode("latin-1", "replace")
    for method, path, headers in (
        ("GET", f"/devices?top={text}", {}),
        ("GET", f"/configurations?top={text}", {}),
        ("GET", "/jobs/v2/query", {"x-ms-continuation": latin}),
        ("POST", "/devices/query", {"x-ms-max-item-count": latin}),
        ("POST", f"/digitaltwins/press-001/commands/a?responseTimeoutInSeconds={text}", {}),
    ):
        content = b'{"query": "SELECT * FROM devices"}' if method == "POST" else b""
        answer = press.ask(method, path, headers=headers, content=content)  # type: ignore[arg-type]  # bytes are headers too
        assert answer.status_code == 400, (path, answer.text)


def test_a_job_start_is_shown_in_utc(press: HubClient) -> None:
    """It may be asked for in another time zone."""
    job = {
        "jobId": "later",
        "queryCondition": "deviceId = 'press-001'",
        "type": "scheduleUpdateTwin",
        "updateTwin": {"tags": {}},
        "startTime": "2999-01-01T02:00:00+02:00",
    }
    press.ask("PUT", "/jobs/v2/later", json=job).raise_for_status()
    assert press.ask("GET", "/jobs/v2/later").json()["startTime"].startswith("2999-01-01T00:00:00")


@pytest.mark.parametrize(("text", "found"), [
    ("null", "null"), ("[]", "an array"), ('"x"', "a string"), ("true", "a boolean"), ("1.5", "a number"),
])  # fmt: skip
def test_errors_have_the_names_of_json(press: HubClient, text: str, found: str) -> None:
    """What was found is named as JSON does, not as this program's language."""
    assert f"expected an object, found {found}" in press.ask("PUT", "/devices/press-001", content=text).json()["Message"]
