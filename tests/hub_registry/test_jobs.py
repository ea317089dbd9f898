"""Scheduled jobs over HTTP: updates of many twins now and later, what becomes of each device, cancelling, queries."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.kit.hub_client import HubClient, signature


def _schedule(registry: HubClient, job: str, condition: str = "*", **members: Any) -> Any:
    body = {"jobId": job, "type": "scheduleUpdateTwin", "updateTwin": {"etag": "*", "tags": {"line": 7}}, "queryCondition": condition}
    return registry.ask("PUT", f"/jobs/v2/{job}", json=body | members)


def _job(registry: HubClient, job: str) -> dict[str, Any]:
    found: dict[str, Any] = registry.ask("GET", f"/jobs/v2/{job}").raise_for_status().json()
    return found


def _over(registry: HubClient, job: str) -> dict[str, Any]:
    registry.azure.until(lambda: _job(registry, job)["status"] in {"completed", "failed", "cancelled"})
    return _job(registry, job)


def test_twins_are_updated_at_once(registry: HubClient) -> None:
    """Those that meet the condition; `devices.jobs` has each device's part, and the job its counts."""
    registry.bulk(*({"id": f"d-{n:03}", "tags": {"even": n % 2 == 0}} for n in range(99))).raise_for_status()
    created = _schedule(registry, "now", "tags.even = true", maxExecutionTimeInSeconds=60, startTime="1970-01-01T00:00:00.000Z").json()
    assert (created["jobId"], created["type"], created["status"]) == ("now", "scheduleUpdateTwin", "queued")
    assert (created["updateTwin"], created["maxExecutionTimeInSeconds"]) == ({"etag": "*", "tags": {"line": 7}}, 60)
    done = _over(registry, "now")
    assert (done["status"], done["endTime"] >= done["startTime"]) == ("completed", True)
    assert done["deviceJobStatistics"] == {"deviceCount": 50, "failedCount": 0, "succeededCount": 50, "runningCount": 0, "pendingCount": 0}
    assert registry.query("SELECT COUNT() AS n FROM devices WHERE tags.line = 7") == [[{"n": 50}]]
    query = {"query": "SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'now' AND devices.jobs.deviceId = 'd-002'"}
    answer = registry.ask("POST", "/devices/query", json=query)
    (part,) = answer.json()
    assert (answer.headers["x-ms-item-type"], part["status"], part["jobType"]) == ("DeviceJob", "completed", "scheduleUpdateTwin")
    assert part["outcome"] == {"deviceMethodResponse": None}
    pages = registry.query("SELECT * FROM devices.jobs WHERE status = 'completed'", 20)
    assert [len(page) for page in pages] == [20, 20, 10]


def test_a_job_for_later_waits_and_may_be_cancelled(registry: HubClient) -> None:
    """It runs when local Azure's clock has come to its start; one that ran is not cancelled."""
    registry.put("a")
    registry.authorization = signature(registry.host, "iothubowner", registry.key("iothubowner"), seconds=9999)
    start = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    for job in ("later", "never"):
        assert _schedule(registry, job, startTime=start).json()["status"] == "scheduled"
    assert registry.ask("POST", "/jobs/v2/never/cancel").json()["status"] == "cancelled"
    assert registry.ask("GET", "/twins/a").json()["tags"] == {}
    registry.azure.control("PUT", "/clock", {"advance": 3601})
    try:
        registry.azure.until(lambda: registry.ask("GET", "/twins/a").json()["tags"] == {"line": 7})  # nobody asks for the job meanwhile
        assert (_over(registry, "later")["status"], _job(registry, "never")["status"]) == ("completed", "cancelled")
    finally:
        registry.azure.control("DELETE", "/clock")


def test_which_jobs_there_are(registry: HubClient) -> None:
    """By type and status, in pages; an unknown one is 404, an id is used once."""
    registry.put("a")
    for job in ("one", "two", "three"):
        _schedule(registry, job, "deviceId = 'none'" if job == "two" else "*").raise_for_status()
        _over(registry, job)
    _schedule(registry, "later", startTime="2099-01-01T00:00:00").raise_for_status()
    first = registry.ask("GET", "/jobs/v2/query?jobType=scheduleUpdateTwin&jobStatus=completed", headers={"x-ms-max-item-count": "2"})
    assert [each["jobId"] for each in first.json()] == ["one", "two"]
    more = {"x-ms-max-item-count": "2", "x-ms-continuation": first.headers["x-ms-continuation"]}
    rest = registry.ask("GET", "/jobs/v2/query?jobType=scheduleUpdateTwin&jobStatus=completed", headers=more)
    assert ([each["jobId"] for each in rest.json()], "x-ms-continuation" in rest.headers) == (["three"], False)
    assert [each["jobId"] for each in registry.ask("GET", "/jobs/v2/query?jobStatus=scheduled").json()] == ["later"]
    assert _job(registry, "two")["deviceJobStatistics"]["deviceCount"] == 0
    again = _schedule(registry, "one")
    assert (again.status_code, again.headers["iothub-errorcode"]) == (409, "JobAlreadyExists")
    for method, path in (("GET", "/jobs/v2/none"), ("POST", "/jobs/v2/none/cancel"), ("GET", "/jobs/none"), ("DELETE", "/jobs/none")):
        missing = registry.ask(method, path)
        assert (missing.status_code, missing.headers["iothub-errorcode"]) == (404, "JobNotFound")
    over = registry.ask("POST", "/jobs/v2/one/cancel")
    assert (over.status_code, over.headers["iothub-errorcode"]) == (400, "InvalidOperation")


def test_a_method_is_called_on_each_device(registry: HubClient) -> None:
    """Devices that are not connected fail, each with its reason, and then the job does too."""
    registry.bulk({"id": "a"}, {"id": "b"}).raise_for_status()
    method = {"methodName": "blink", "payload": {"times": 2}, "responseTimeoutInSeconds": 5, "connectTimeoutInSeconds": 0}
    _schedule(registry, "blink", type="scheduleDeviceMethod", cloudToDeviceMethod=method, updateTwin=None).raise_for_status()
    done = _over(registry, "blink")
    assert (done["status"], done["deviceJobStatistics"]["failedCount"], done["cloudToDeviceMethod"]) == ("failed", 2, method)
    (parts,) = registry.query("SELECT * FROM devices.jobs WHERE jobType = 'scheduleDeviceMethod'")
    assert [(each["deviceId"], each["status"], each["error"]["code"]) for each in parts] == [
        ("a", "failed", "DeviceNotOnline"),
        ("b", "failed", "DeviceNotOnline"),
    ]


def test_a_twin_that_can_not_be_updated_fails_alone(registry: HubClient) -> None:
    """The others are updated, and the job is completed."""
    registry.bulk({"id": "full", "tags": {f"t{n}": "x" * 4000 for n in range(2)}}, {"id": "small"}).raise_for_status()
    _schedule(registry, "more", updateTwin={"tags": {"more": "y" * 2000}}).raise_for_status()
    done = _over(registry, "more")
    assert (done["status"], done["deviceJobStatistics"]["succeededCount"], done["deviceJobStatistics"]["failedCount"]) == (
        "completed",
        1,
        1,
    )


@pytest.mark.parametrize("members", [
    {"queryCondition": ""}, {"queryCondition": "tags.x ="}, {"type": "export"}, {"type": None}, {"updateTwin": None},
    {"updateTwin": {"tags": {"a.b": 1}}}, {"startTime": "tomorrow"}, {"maxExecutionTimeInSeconds": -1}, {"jobId": "other"},
    {"type": "scheduleDeviceMethod"},
    {"type": "scheduleDeviceMethod", "cloudToDeviceMethod": {"methodName": "x", "responseTimeoutInSeconds": 1}},
    {"queryCondition": 7},
])  # fmt: skip
def test_an_invalid_job(registry: HubClient, members: dict[str, Any]) -> None:
    """400, and there is no such job."""
    assert _schedule(registry, "bad", **members).status_code == 400
    assert registry.ask("GET", "/jobs/v2/bad").status_code == 404
    assert _schedule(registry, "bad_id").status_code == 400


def test_who_may_have_jobs(registry: HubClient) -> None:
    """The rights of the registry; none in the basic tier."""
    registry.authorization = signature(registry.host, "registryRead", registry.key("registryRead"))
    assert (_schedule(registry, "a").status_code, registry.ask("GET", "/jobs/v2/query").status_code) == (401, 200)
    registry.authorization = signature(registry.host, "iothubowner", registry.key("iothubowner"))
    body = {"location": "westus", "sku": {"name": "B1", "capacity": 1}, "properties": {}}
    registry.azure.ask("PUT", registry.hub.id, json=body).raise_for_status()
    registry.azure.until(lambda: registry.azure.ask("GET", registry.hub.id).json()["properties"].get("state") == "Active")
    refused = _schedule(registry, "a")
    assert (refused.status_code, refused.headers["iothub-errorcode"]) == (403, "OperationNotAllowedInCurrentTier")
