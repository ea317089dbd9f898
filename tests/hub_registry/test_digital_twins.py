"""Digital twins: how properties and components are shown and patched, and commands on a device that answers."""

import asyncio
import json
from typing import Any

from local_azure_iot.hub_registry import digital_twins
from local_azure_iot.messaging import methods
from tests.kit.hub_client import HubClient, signature
from tests.local_azure.in_process import in_process


def test_the_documented_example() -> None:
    """The device twin of Microsoft's page becomes the digital twin beside it."""
    time = {"$lastUpdated": "2020-07-17T06:10:31.9609233Z"}
    desired = {"thermostat1": {"__t": "c", "targetTemperature": 21.8}}
    of_desired = {"thermostat1": {"targetTemperature": {**time, "$lastUpdatedVersion": 4}}}
    reported = {
        "serialNumber": "alwinexlepaho8329",
        "thermostat1": {
            "maxTempSinceLastReboot": 25.3,
            "__t": "c",
            "targetTemperature": {"value": 21.8, "ac": 200, "ad": "Successfully executed patch", "av": 4},
        },
    }
    of_reported = {"serialNumber": time, "thermostat1": {"maxTempSinceLastReboot": time, "targetTemperature": time}}
    twin = {
        "desired": {"values": desired, "metadata": of_desired, "version": 4},
        "reported": {"values": reported, "metadata": of_reported, "version": 11},
    }
    found = digital_twins.to_json({"id": "sample-device", "modelId": "dtmi:com:example:TemperatureController;1", "twin": twin})
    answered = {"ackVersion": 4, "ackCode": 200, "ackDescription": "Successfully executed patch"}
    last = {"lastUpdateTime": time["$lastUpdated"]}
    assert found == {
        "$dtId": "sample-device",
        "serialNumber": "alwinexlepaho8329",
        "thermostat1": {
            "maxTempSinceLastReboot": 25.3,
            "targetTemperature": 21.8,
            "$metadata": {
                "targetTemperature": {"desiredValue": 21.8, "desiredVersion": 4, **answered, **last},
                "maxTempSinceLastReboot": last,
            },
        },
        "$metadata": {"$model": "dtmi:com:example:TemperatureController;1", "serialNumber": last},
    }


def _patch(registry: HubClient, *operations: Any, headers: dict[str, str] | None = None) -> Any:
    return registry.ask("PATCH", "/digitaltwins/fan", json=list(operations), headers=headers)


def test_a_patch_asks_the_device(registry: HubClient) -> None:
    """202 with the new etag; the desired properties have what was asked, components with their mark."""
    registry.put("fan")
    first = registry.ask("GET", "/digitaltwins/fan")
    assert (first.json(), first.headers["etag"]) == ({"$dtId": "fan", "$metadata": {"$model": ""}}, '"AAAAAAAAAAE="')
    thermostat = {"$metadata": {}, "target": 21}
    accepted = _patch(registry, {"op": "add", "path": "/speed", "value": 2}, {"op": "add", "path": "/thermostat", "value": thermostat})
    assert (accepted.status_code, accepted.content, accepted.headers["etag"] != first.headers["etag"]) == (202, b"", True)
    assert _patch(registry, {"op": "replace", "path": "/thermostat/target", "value": 22}).status_code == 202
    desired = registry.ask("GET", "/twins/fan").json()["properties"]["desired"]
    assert (desired["speed"], desired["thermostat"]) == (2, {"__t": "c", "target": 22})
    shown = registry.ask("GET", "/digitaltwins/fan").json()
    assert shown["$metadata"]["speed"] == {"desiredValue": 2, "desiredVersion": 2}
    assert shown["thermostat"]["$metadata"]["target"]["desiredValue"] == 22
    assert _patch(registry, {"op": "remove", "path": "/speed"}, headers={"If-Match": '"AAAAAAAAAAE="'}).status_code == 412
    assert _patch(registry, {"op": "remove", "path": "/speed"}, headers={"If-Match": "*"}).status_code == 202
    assert "speed" not in registry.ask("GET", "/twins/fan").json()["properties"]["desired"]
    for operation, code in (
        ({"op": "remove", "path": "/speed"}, "InvalidDigitalTwinPatch"),
        ({"op": "test", "path": "/thermostat", "value": 1}, "InvalidDigitalTwinPatch"),
        ({"op": "add", "path": "/speed"}, "InvalidDigitalTwinPatch"),
        ({"op": "add", "path": "speed", "value": 1}, "InvalidDigitalTwinPatchPath"),
        ({"op": "add", "path": "/a/b/c", "value": 1}, "InvalidDigitalTwinPatchPath"),
        ({"op": "add", "path": "/$metadata", "value": 1}, "InvalidDigitalTwinPatchPath"),
    ):
        refused = _patch(registry, operation)
        assert (refused.status_code, refused.headers["iothub-errorcode"]) == (400, code)
    assert registry.ask("PATCH", "/digitaltwins/fan", json={}).status_code == 400
    assert registry.ask("GET", "/digitaltwins/none").status_code == 404
    offline = registry.ask("POST", "/digitaltwins/fan/commands/reboot?connectTimeoutInSeconds=0", json=1)
    assert (offline.status_code, offline.headers["iothub-errorcode"]) == (404, "DeviceNotOnline")
    assert registry.ask("POST", "/digitaltwins/fan/commands/reboot?responseTimeoutInSeconds=x", json=1).status_code == 400
    for seconds, status in (("30", 404), (30, 404), ("301", 400), ("soon", 400), (True, 400), (7.5, 400)):  # the CLI sends texts
        body = {"methodName": "reboot", "responseTimeoutInSeconds": seconds}
        assert registry.ask("POST", "/twins/fan/methods", json=body).status_code == status


def test_commands_and_method_jobs_on_a_device_that_answers() -> None:
    """A command is a direct method, of a component with its name in front; a job's outcome has what the device answered."""
    with in_process() as azure:
        path = azure.hub()
        host, version = f"{path.rpartition('/')[2]}.azure-devices.net", "api-version=2021-04-12"
        key = azure.must("POST", f"{path}/listkeys?api-version=2023-06-30")["value"][0]["primaryKey"]
        signed = {"host": host, "authorization": signature(host, "iothubowner", key)}
        for name in ("fan", "off"):
            azure.must("PUT", f"/devices/{name}?{version}", {"deviceId": name}, **signed)
        calls: list[tuple[str, Any]] = []

        def answer(call: methods.Invocation) -> None:
            calls.append((call.name, json.loads(call.payload)))
            call.answer(202, b'{"done":true}')

        (hub_key,) = [key for key, _ in azure.azure.store.page("hub", "", "", 9)]
        stop = methods.serve(azure.azure, hub_key, "fan", "", answer)
        root = azure.ask("POST", f"/digitaltwins/fan/commands/reboot?{version}", {"in": 5}, **signed)
        part = azure.ask("POST", f"/digitaltwins/fan/components/t1/commands/log?{version}", **signed)
        assert [(each.status, each.headers["x-ms-command-statuscode"], each.json()) for each in (root, part)] == [
            (200, "202", {"done": True}),
            (200, "202", {"done": True}),
        ]
        assert calls == [("reboot", {"in": 5}), ("t1*log", None)]
        job = {"type": "scheduleDeviceMethod", "cloudToDeviceMethod": {"methodName": "blink", "payload": 1}, "queryCondition": "*"}
        azure.must("PUT", f"/jobs/v2/blink?{version}", job, **signed)
        while azure.must("GET", f"/jobs/v2/blink?{version}", **signed)["status"] not in {"completed", "failed"}:
            azure.loop.run_until_complete(asyncio.sleep(0))
        parts = azure.must("POST", f"/devices/query?{version}", {"query": "SELECT * FROM devices.jobs"}, **signed)
        assert [each["status"] for each in parts] == ["completed", "failed"]
        assert parts[0]["outcome"] == {"deviceMethodResponse": {"status": 202, "payload": {"done": True}}}
        assert azure.must("GET", f"/jobs/v2/blink?{version}", **signed)["deviceJobStatistics"]["succeededCount"] == 1
        stop()
