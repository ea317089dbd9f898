"""What a back end tells a connected device, and what it asks of it: paho, unmodified, with one hub for all tests."""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from tests.kit.hub_client import HubClient, signature
from tests.kit.local_azure import LocalAzure
from tests.kit.mqtt_device import attempts, until
from tests.kit.paho_device import PahoDevice

CALLS, RESPONSES, CHANGES = "$iothub/methods/POST/#", "$iothub/twin/res/#", "$iothub/twin/PATCH/properties/desired/#"


@pytest.fixture(scope="module")
def hub(azure: LocalAzure) -> Iterator[HubClient]:
    """A hub; each test has devices of its own."""
    found = HubClient(azure, azure.hub())
    yield found
    found.http.close()


class Plant:
    """Devices with keys, on one hub."""

    def __init__(self, hub: HubClient, folder: Path) -> None:
        self.hub, self.folder = hub, folder
        self._keys: dict[str, str] = {}

    def create(self, *devices: str) -> None:
        """Register devices."""
        for device in devices:
            created = self.hub.put(device, authentication={"type": "sas"})
            self._keys[device] = created["authentication"]["symmetricKey"]["primaryKey"]

    def create_module(self, device: str, module: str) -> None:
        """Register a module."""
        body = {"deviceId": device, "moduleId": module, "authentication": {"type": "sas"}}
        created = self.hub.ask("PUT", f"/devices/{device}/modules/{module}", json=body).raise_for_status().json()
        self._keys[f"{device}/{module}"] = created["authentication"]["symmetricKey"]["primaryKey"]

    def line(self, device: str, *, module: str = "", **options: Any) -> PahoDevice:
        """A client for a device or module."""
        path = f"{self.hub.host}/devices/{device}" + (f"/modules/{module}" if module else "")
        key = self._keys[f"{device}/{module}" if module else device]
        return PahoDevice(self.hub, device, self.folder, password=signature(path, "", key), module=module, **options)

    def send(self, device: str, payload: bytes, **more: Any) -> str:
        """Send a cloud-to-device message."""
        body = {"host": self.hub.host, "device": device, "payload": base64.b64encode(payload).decode(), **more}
        return str(self.hub.azure.control("POST", "/messages", body)["messageId"])

    def waiting(self, device: str) -> int:
        """How many cloud-to-device messages wait."""
        return int(self.hub.ask("GET", f"/devices/{device}").json()["cloudToDeviceMessageCount"])

    def events(self, device: str) -> list[dict[str, Any]]:
        """What a device has sent, with payload and properties."""
        found = self.hub.azure.control("GET", f"/messages?device={device}&payload=1")
        return [each for each in found if each["host"] == self.hub.host]


@pytest.fixture
def plant(hub: HubClient, tmp_path: Path) -> Plant:
    """The devices of one test."""
    return Plant(hub, tmp_path)


def test_changes_of_desired_properties(plant: Plant) -> None:
    """A patch is told as it was made, a replacement as what it changed; nothing is told before the subscription and after its end."""
    plant.create("told")
    with plant.line("told") as device:
        device.connect()
        plant.hub.ask("PATCH", "/twins/told", json={"properties": {"desired": {"before": 1}}}).raise_for_status()
        assert device.subscribe(CHANGES) == [1]
        desired = {"rate": {"unit": "s", "value": 5}, "before": None}
        plant.hub.ask("PATCH", "/twins/told", json={"tags": {"a": 1}, "properties": {"desired": desired}}).raise_for_status()
        change = device.receive()
        assert change.topic == "$iothub/twin/PATCH/properties/desired/?$version=3"
        assert json.loads(change.payload) == {**desired, "$version": 3}
        plant.hub.ask("PATCH", "/twins/told", json={"tags": {"a": 2}}).raise_for_status()
        whole = {"properties": {"desired": {"rate": {"unit": "s"}, "new": True}}}
        plant.hub.ask("PUT", "/twins/told", json=whole, headers={"If-Match": "*"}).raise_for_status()
        assert json.loads(device.receive().payload) == {"rate": {"value": None}, "new": True, "$version": 4}
        device.unsubscribe(CHANGES)
        plant.hub.ask("PATCH", "/twins/told", json={"properties": {"desired": {"after": 1}}}).raise_for_status()
        assert device.subscribe(RESPONSES) == [1]
        device.publish("$iothub/twin/GET/?$rid=a b%20%2Bc")
        answer = device.receive()
        assert answer.topic == "$iothub/twin/res/200/?$rid=a b%20%2Bc"
        assert json.loads(answer.payload)["desired"] == {"rate": {"unit": "s"}, "new": True, "after": 1, "$version": 5}


@pytest.mark.parametrize(("patch", "status"), [
    ('{"n": 4503599627370495}', 204),
    ('{"n": 4503599627370496}', 400),
    ('{"n": -4503599627370497}', 400),
    ('{"n": 1e999}', 400),
    ('{"n": NaN}', 400),
    ('{"n": ' + "9" * 5000 + "}", 400),
    ('{"n": [1, null]}', 400),
    ('{"n.m": 1}', 400),
    ("[" * 100_000, 400),
    ('{"n": "' + "x" * 4097 + '"}', 400),
    ("{", 400),
    ("", 400),
    ("null", 400),
], ids=lambda value: str(value)[:30])  # fmt: skip
def test_what_a_twin_takes(plant: Plant, patch: str, status: int) -> None:
    """The limits are the back end's too; the session goes on after each."""
    device_id = f"reports-{abs(hash(patch))}"
    plant.create(device_id)
    with plant.line(device_id) as device:
        device.connect()
        device.subscribe(RESPONSES)
        device.publish("$iothub/twin/PATCH/properties/reported/?$rid=1", patch)
        version = "&$version=2" if status == 204 else ""
        assert device.receive().topic == f"$iothub/twin/res/{status}/?$rid=1{version}"
        device.publish("$iothub/twin/PATCH/properties/reported/?$rid=2&$version=99", "{}")
        assert device.receive().topic == "$iothub/twin/res/412/?$rid=2"


def _invoke(plant: Plant, path: str, name: str, payload: Any = None) -> httpx.Response:
    body = {"methodName": name, "payload": payload, "responseTimeoutInSeconds": 30}
    return plant.hub.ask("POST", f"/twins/{path}/methods", json=body)


def test_direct_methods(plant: Plant) -> None:
    """A call reaches the device that subscribed, and its answer the caller; a module has calls of its own."""
    plant.create("called")
    plant.create_module("called", "arm")
    with plant.line("called") as device, plant.line("called", module="arm", web_sockets=True) as module, ThreadPoolExecutor() as pool:
        for each in (device, module):
            assert each.connect()[0] == "Success"
        assert _invoke(plant, "called", "early").status_code == 404
        for each, path in ((device, "called"), (module, "called/modules/arm")):
            assert each.subscribe(CALLS) == [1]
            asked = pool.submit(_invoke, plant, path, "re boot/now?", {"after": 5})
            call = each.receive()
            name, _, request = call.topic.removeprefix("$iothub/methods/POST/").partition("/?$rid=")
            assert (name, json.loads(call.payload)) == ("re%20boot%2Fnow%3F", {"after": 5})
            each.publish("$iothub/methods/res/200/?$rid=no-such-call", b"")
            each.publish(f"$iothub/methods/res/207/?$rid={request}", b'{"done": true}')
            assert asked.result(60).json() == {"status": 207, "payload": {"done": True}}
        asked = pool.submit(_invoke, plant, "called", "stop")
        request = device.receive().topic.rpartition("=")[2]
        device.publish(f"$iothub/methods/res/0/?$rid={request}")
        assert asked.result(60).json() == {"status": 0, "payload": None}


@pytest.mark.parametrize(("topic", "payload", "reason"), [
    ("$iothub/methods/res/ok/?$rid=1", b"", "lacks an integer as status"),
    ("$iothub/methods/res/200/", b"", "or a '$rid'"),
    ("$iothub/methods/res/200/?$rid=1", b"{", "not JSON"),
    ("$iothub/methods/res/200/?$rid=1", b'"' + b"x" * 131_072 + b'"', "131072 are allowed"),
])  # fmt: skip
def test_answers_that_end_the_session(plant: Plant, topic: str, payload: bytes, reason: str) -> None:
    """The caller gets an error at once, and the control port says why."""
    device_id = f"answers-{abs(hash((topic, payload)))}"
    plant.create(device_id)
    with plant.line(device_id) as device, ThreadPoolExecutor() as pool:
        device.connect()
        device.subscribe(CALLS)
        asked = pool.submit(_invoke, plant, device_id, "go")
        device.receive()
        device.client.publish(topic, payload, 0)
        assert not asked.result(60).is_success
    assert any(reason in each["reason"] for each in attempts(plant.hub, device_id))


def test_cloud_to_device_messages(plant: Plant) -> None:
    """What waits comes with the subscription, the rest when it is sent: with its properties, until it is acknowledged."""
    plant.create("bound")
    properties = {"plain": "1", "odd name": "ä&=/+#", "empty": ""}
    first = plant.send(
        "bound", b"\0first", properties=properties, system={"content-type": "text/plain", "correlation-id": "c 1"}, ack="full"
    )
    with plant.line("bound") as device:
        device.connect()
        assert device.subscribe("devices/bound/messages/devicebound/#") == [1]
        message = device.receive()
        assert (message.payload, message.qos, message.dup) == (b"\0first", 1, False)
        bag = message.topic.removeprefix("devices/bound/messages/devicebound/")
        assert "+" not in bag
        assert dict(parse_qsl(bag, keep_blank_values=True)) == {
            "$.mid": first, "$.to": "/devices/bound/messages/devicebound", "$.ct": "text/plain", "$.cid": "c 1", "iothub-ack": "full",
            **properties,
        }  # fmt: skip
        for number in range(3):
            plant.send("bound", str(number).encode())
        assert [device.receive().payload for _ in range(3)] == [b"0", b"1", b"2"]
        until(lambda: plant.waiting("bound") == 0)
        device.unsubscribe("devices/bound/messages/devicebound/#")
        plant.send("bound", b"later")
        assert device.subscribe("devices/bound/messages/devicebound/#", qos=0) == [0]
        assert (device.receive().payload, plant.waiting("bound")) == (b"later", 0)


def test_a_message_that_is_not_acknowledged_comes_again(plant: Plant) -> None:
    """To the next connection, marked as a repetition."""
    plant.create("forgets")
    with plant.line("forgets", clean=False) as device:
        device.client.manual_ack_set(on=True)
        assert device.connect() == ("Success", False)
        device.subscribe("devices/forgets/messages/devicebound/#")
        plant.send("forgets", b"take this")
        assert device.receive().payload == b"take this"
        assert plant.waiting("forgets") == 1
        device.lose_line()
    until(lambda: plant.hub.ask("GET", "/devices/forgets").json()["connectionState"] == "Disconnected")
    plant.send("forgets", b"and this")
    with plant.line("forgets", clean=False) as device:
        assert device.connect() == ("Success", True)
        assert [(each.payload, each.dup) for each in (device.receive(), device.receive())] == [(b"take this", True), (b"and this", False)]
        until(lambda: plant.waiting("forgets") == 0)


def test_what_no_topic_can_carry(plant: Plant) -> None:
    """A topic has 65,535 bytes: a message with more properties is rejected and the next one comes; a `$rid` that long ends the session."""
    plant.create("narrow")
    with plant.line("narrow") as device:
        device.connect()
        device.subscribe("devices/narrow/messages/devicebound/#", RESPONSES)
        wide = plant.send("narrow", b"wide", properties={"wide": "ü" * 15_000}, ack="full")
        plant.send("narrow", b"next")
        assert device.receive().payload == b"next"
        records = plant.hub.ask("GET", "/messages/serviceBound/feedback").json()
        assert [each["statusCode"] for each in records if each["originalMessageId"] == wide] == ["Rejected"]
        topic = "$iothub/twin/GET/?$rid="
        device.client.publish(topic + "1" * (65_535 - len(topic)), b"", 0)
        until(lambda: "too long" in attempts(plant.hub, "narrow")[-1]["reason"])


@pytest.mark.parametrize("web_sockets", [False, True])
def test_a_token_ends_by_the_clock_that_a_test_sets(plant: Plant, web_sockets: bool) -> None:
    """The session ends when the clock passes the end of the token, and not before."""
    device_id = f"late-{web_sockets}"
    plant.create(device_id)
    with plant.line(device_id, web_sockets=web_sockets) as device:
        assert device.connect()[0] == "Success"
        try:
            for seconds in (60, -60):
                plant.hub.azure.control("PUT", "/clock", {"advance": seconds})
            device.publish(f"devices/{device_id}/messages/events/", b"still here")
            plant.hub.azure.control("PUT", "/clock", {"advance": 86_400 * 400})
            until(lambda: attempts(plant.hub, device_id)[-1]["reason"] == "closed: the device's token has expired")
        finally:
            plant.hub.azure.control("DELETE", "/clock")


def test_a_session_lasts(plant: Plant) -> None:
    """With CleanSession 0 its subscriptions hold over connections of either kind; with 1 they are gone, and so is the kept session."""
    plant.create("lasts")
    with plant.line("lasts", clean=False) as device:
        assert device.connect() == ("Success", False)
        assert device.subscribe(RESPONSES, CALLS, "devices/lasts/messages/devicebound/#") == [1, 1, 1]
        device.lose_line()
    with plant.line("lasts", clean=False, web_sockets=True) as device, ThreadPoolExecutor() as pool:
        assert device.connect() == ("Success", True)
        device.publish("$iothub/twin/GET/?$rid=7")
        assert device.receive().topic == "$iothub/twin/res/200/?$rid=7"
        asked = pool.submit(_invoke, plant, "lasts", "go")
        device.publish(f"$iothub/methods/res/1/?$rid={device.receive().topic.rpartition('=')[2]}")
        assert asked.result(60).json()["status"] == 1
        device.unsubscribe(CALLS)
    with plant.line("lasts", clean=False) as device:
        assert device.connect() == ("Success", True)
        plant.send("lasts", b"hello")
        assert device.receive().payload == b"hello"
        assert _invoke(plant, "lasts", "go").status_code == 404
    with plant.line("lasts") as device:
        assert device.connect() == ("Success", False)
    with plant.line("lasts", clean=False) as device:
        assert device.connect() == ("Success", False)


def test_a_device_that_is_created_again_has_no_session(plant: Plant) -> None:
    """It is another device."""
    plant.create("reborn")
    with plant.line("reborn", clean=False) as device:
        device.connect()
        device.subscribe(RESPONSES)
    plant.hub.ask("DELETE", "/devices/reborn", headers={"If-Match": "*"}).raise_for_status()
    plant.create("reborn")
    with plant.line("reborn", clean=False) as device:
        assert device.connect() == ("Success", False)


def test_a_module(plant: Plant) -> None:
    """Its twin, topics and events are its own; it ends with itself, and with its device."""
    plant.create("machine")
    plant.create_module("machine", "arm")
    with plant.line("machine") as device, plant.line("machine", module="arm") as module:
        assert (device.connect()[0], module.connect()[0]) == ("Success", "Success")
        assert plant.hub.ask("GET", "/statistics/service").json() == {"connectedDeviceCount": 1}
        own, other = "devices/machine/modules/arm/inputs/#", "devices/machine/messages/devicebound/#"
        assert module.subscribe(RESPONSES, CHANGES, own, other) == [1, 1, 1, 0x80]
        module.publish("devices/machine/modules/arm/messages/events/%24.on=out&a=b", b"from the arm")
        module.publish("$iothub/twin/PATCH/properties/reported/?$rid=1", b'{"angle": 90}')
        assert module.receive().topic == "$iothub/twin/res/204/?$rid=1&$version=2"
        twin = plant.hub.ask("PATCH", "/twins/machine/modules/arm", json={"properties": {"desired": {"angle": 45}}}).json()
        assert twin["properties"]["reported"]["angle"] == 90
        assert json.loads(module.receive().payload) == {"angle": 45, "$version": 2}
        event = plant.events("machine")[-1]
        assert (event["module"], base64.b64decode(event["payload"])) == ("arm", b"from the arm")
        assert (event["system"], event["properties"]) == ({"iothub-output-name": "out"}, {"a": "b"})
        plant.hub.ask("DELETE", "/devices/machine/modules/arm", headers={"If-Match": "*"}).raise_for_status()
        until(lambda: any("the module was deleted" in each["reason"] for each in attempts(plant.hub, "machine/arm")))
    plant.create_module("machine", "leg")
    with plant.line("machine", module="leg") as module:
        assert module.connect()[0] == "Success"
        body = {"deviceId": "machine", "authentication": {"type": "sas"}, "status": "disabled"}
        plant.hub.ask("PUT", "/devices/machine", json=body, headers={"If-Match": "*"}).raise_for_status()
        until(lambda: any("the device was disabled" in each["reason"] for each in attempts(plant.hub, "machine/leg")))


def test_properties_of_events(plant: Plant) -> None:
    """Those of the application and those with a meaning; a message to be retained says so."""
    plant.create("tells")
    with plant.line("tells") as device:
        device.connect()
        device.publish("devices/tells/messages/events/%24.ct=application%2Fjson&%24.mid=m1&shift=night%2Bday&%C3%A4=%2F&none", b"{}")
        device.client.publish("devices/tells/messages/events/?a=1", b"kept", 1, retain=True).wait_for_publish(60)
    first, second = plant.events("tells")
    assert (first["system"], first["properties"]) == (
        {"content-type": "application/json", "message-id": "m1"},
        {"shift": "night+day", "ä": "/", "none": ""},
    )
    assert second["properties"] == {"a": "1", "mqtt-retain": "true"}


def test_a_will(plant: Plant) -> None:
    """It is told when the line is lost, not after a DISCONNECT, nor where the hub took the device away."""
    plant.create("mortal")
    will = ("devices/mortal/messages/events/why=line", b"gone", 1)
    with plant.line("mortal", will=will) as device:
        device.connect()
        device.lose_line()
    until(lambda: plant.events("mortal"))
    with plant.line("mortal", will=will) as device:
        device.connect()
    with plant.line("mortal", will=("devices/other/messages/events/", b"not mine", 1)) as device:
        device.connect()
        device.lose_line()
    until(lambda: plant.hub.ask("GET", "/devices/mortal").json()["connectionState"] == "Disconnected")
    (event,) = plant.events("mortal")
    assert (base64.b64decode(event["payload"]), event["properties"]) == (b"gone", {"why": "line", "iothub-MessageType": "Will"})


def test_a_hub_of_the_basic_tier(azure: LocalAzure, tmp_path: Path) -> None:
    """It takes events, and has nothing else."""
    plant = Plant(HubClient(azure, azure.hub()), tmp_path)
    azure.ask("PUT", plant.hub.hub.id, json={"location": "westus", "sku": {"name": "B1", "capacity": 1}, "properties": {}})
    azure.until(lambda: azure.ask("GET", plant.hub.hub.id).json()["properties"]["state"] == "Active")
    plant.create("basic")
    with plant.line("basic") as device:
        device.connect()
        assert device.subscribe(RESPONSES, "devices/basic/messages/devicebound/#") == [0x80, 0x80]
        device.publish("devices/basic/messages/events/", b"hello")
        device.client.publish("$iothub/twin/GET/?$rid=1", b"", 0)
        until(lambda: any("basic tier" in each["reason"] for each in attempts(plant.hub, "basic")))
    assert len(plant.events("basic")) == 1
    plant.hub.http.close()
