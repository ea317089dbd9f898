"""Devices and modules over AMQP: who may have a link, events, cloud-to-device messages, direct methods, twins."""

import asyncio
import base64
import json
import random
from typing import Any

import pytest
from OpenSSL import crypto

from local_azure_iot.amqp import availability
from local_azure_iot.hub_registry import identities, modules
from local_azure_iot.messaging import cloud_to_device, events, methods, service_queue, twin_notifications
from tests.kit.device_certificates import Party
from tests.kit.http_device import device_signature
from tests.kit.prerequisites import need

need(availability.available(), availability.MISSING, module=True)

from proton import Message, int32, symbol  # noqa: E402 - only where it is installed

from tests.kit.amqp_client import AmqpClient, Server, raw, refusal  # noqa: E402 - likewise
from tests.messaging.conftest import HubState  # noqa: E402 - likewise

_DEVICE = "/devices/press-001"


@pytest.fixture
def server(hub: HubState) -> Server:
    """Local Azure's AMQP."""
    return Server(hub.azure)


@pytest.fixture
def device(hub: HubState, server: Server) -> AmqpClient:
    """The device `press-001`, with a token."""
    client = AmqpClient(server, hub.host)
    assert client.put_token(f"{hub.host}{_DEVICE}", token(hub)) == 200
    return client


def token(hub: HubState, device: str = "press-001", module: str = "", seconds: int = 300) -> str:
    """A signature with the key of a device or module."""
    found = modules.find(hub.azure, hub.key, device, module) if module else identities.find(hub.azure, hub.key, device)
    assert found
    path = f"devices/{device}/modules/{module}" if module else f"devices/{device}"
    return device_signature(hub.host, path, found["auth"]["keys"][0], seconds=seconds, now=hub.azure.clock.timestamp())


def connected(hub: HubState, device: str = "press-001") -> bool:
    """Whether the registry says that a device is connected."""
    return hub.azure.presence.activity_of(f"{hub.key}/{device}").connection is not None


def recorded(hub: HubState) -> list[events.Event]:
    """The events of a hub."""
    count = events.partition_count(hub.azure, hub.key)
    return [each.event for number in range(count) for each in events.read(hub.azure, hub.key, number)]


def test_an_event(hub: HubState, device: AmqpClient) -> None:
    """With its properties, and what the hub says of the device; from the first link on the device is connected."""
    assert not connected(hub)
    link = device.sender(f"amqps://{hub.host}{_DEVICE}/messages/events")
    assert connected(hub)
    message = Message(
        body=b"21", inferred=True, id="m1", content_type="text/plain", properties={"line": "2", "hot": True, "n": int32(3), "x": 1.5}
    )
    assert device.send(link, message) is None
    (event,) = recorded(hub)
    assert (event.body, event.device, event.protocol) == (b"21", "press-001", "amqp")
    assert (event.system, event.properties) == (
        {"message-id": "m1", "content-type": "text/plain"},
        {"line": "2", "hot": "true", "n": "3", "x": "1.5"},
    )
    assert json.loads(event.authentication)["type"] == "sas"
    link.close()
    device.server.settle()
    assert not connected(hub)
    assert device.server.log == ["press-001"]


def test_a_batch(hub: HubState, device: AmqpClient) -> None:
    """Its data sections are the events; a body that only begins like a message is one event."""
    link = device.sender(f"{_DEVICE}/messages/events")

    def data(content: bytes) -> bytes:
        return b"\x00\x53\x75\xb0" + len(content).to_bytes(4) + content

    events_sent = [bytes(Message(body=body, inferred=True, properties={"n": body.decode()}).encode()) for body in (b"1", b"2")]
    link.delivery("batch")
    link.stream(b"".join(map(data, events_sent)))
    link.advance()
    device.server.settle()
    alone = b"\x00\x53\x75\xa0\x05ab"
    assert device.send(link, Message(body=alone, inferred=True)) is None
    assert [(each.body, each.properties) for each in recorded(hub)] == [(b"1", {"n": "1"}), (b"2", {"n": "2"}), (alone, {})]


def test_a_device_may_use_its_own_links_alone(hub: HubState, device: AmqpClient) -> None:
    """Another device's need that one's token, and the service's a policy; one connection may carry several devices."""
    hub.create("press-002")
    others = ["/devices/press-002/messages/events", "/messages/devicebound", "/devices/press-001/modules/m/messages/events"]
    assert {refusal(device.sender(each)) for each in others} == {"amqp:unauthorized-access"}
    assert device.put_token(f"{hub.host}/devices/press-002", token(hub)) == 401
    assert device.put_token(f"{hub.host}%2Fdevices%2Fpress-002", token(hub, "press-002")) == 200
    assert [refusal(device.sender(each)) for each in (others[0], f"{_DEVICE}/messages/events")] == ["", ""]
    assert "invalid" in " ".join(device.server.log)


def test_plain(hub: HubState, server: Server) -> None:
    """`{device}@sas.{hub}` and a token."""
    name = hub.host.partition(".")[0]
    good = AmqpClient(server, hub.host, "PLAIN", f"\0press-001@sas.{name}\0{token(hub)}".encode())
    assert good.let_in
    assert refusal(good.sender(f"{_DEVICE}/messages/events")) == ""
    assert not AmqpClient(server, hub.host, "PLAIN", f"\0press-404@sas.{name}\0{token(hub)}".encode()).let_in


def test_a_certificate(hub: HubState, server: Server) -> None:
    """A device with a CA's certificate is let in by it, without a token; without it, or with another's, it is refused."""
    root, other = Party("Root"), Party("Other")
    text = base64.b64encode(root.pem.encode()).decode()
    hub.process.must(
        "PUT", f"{hub.path}/certificates/root?api-version=2023-06-30", {"properties": {"certificate": text, "isVerified": True}}
    )
    hub.create("press-ca", authentication={"type": "certificateAuthority"})
    address = "/devices/press-ca/messages/events"

    def client(*sent: Party) -> AmqpClient:
        return AmqpClient(server, hub.host, "EXTERNAL", chain=[crypto.X509.from_cryptography(each.certificate) for each in sent])

    assert refusal(client(root.device("press-ca")).sender(address)) == ""
    assert recorded(hub) == []
    found = [refusal(client(*sent).sender(address)) for sent in ((), (other.device("press-ca"),), (root.device("press-002"),))]
    assert found == ["amqp:unauthorized-access"] * 3
    assert [entry.partition(": ")[0] for entry in server.log] == ["press-ca"] * 4
    assert "common name" in server.log[-1]


def test_a_device_that_is_disabled_or_connects_again(hub: HubState, device: AmqpClient) -> None:
    """Its links end; so they do when its token's time is over."""
    first = device.sender(f"{_DEVICE}/messages/events")
    again = AmqpClient(device.server, hub.host)
    again.put_token(f"{hub.host}{_DEVICE}", token(hub, seconds=60))
    second = again.sender(f"{_DEVICE}/messages/events")
    device.server.settle()
    assert (refusal(first), refusal(second)) == ("amqp:link:detach-forced", "")
    assert connected(hub)
    hub.azure.clock.advance(61)
    again.theirs.recheck()
    device.server.settle()
    assert refusal(second) == "amqp:unauthorized-access"
    again.put_token(f"{hub.host}{_DEVICE}", token(hub))
    third = again.sender(f"{_DEVICE}/messages/events")
    with hub.azure.store.transaction():
        identities.update(hub.azure, hub.key, identities.require(hub.azure, hub.key, "press-001"), {"status": "disabled"})
    again.theirs.recheck()
    device.server.settle()
    assert refusal(third) == "amqp:not-found"


@pytest.mark.parametrize(("outcome", "told"), [("ACCEPTED", ["Success"]), ("REJECTED", ["Rejected"]), ("RELEASED", [])])
def test_cloud_to_device(hub: HubState, device: AmqpClient, outcome: str, told: list[str]) -> None:
    """What waits and what comes; the device settles each message, and gives back what it can't take now."""
    first = cloud_to_device.Message(body=b"1", message_id="m1", ack="negative", properties={"a": "b"})
    cloud_to_device.send(hub.azure, hub.key, "press-001", first)
    link = device.receiver(f"{_DEVICE}/messages/devicebound", credit=1)
    (message,) = device.received[link.name]
    assert (bytes(message.body), message.id, message.properties) == (b"1", "m1", {"iothub-ack": "negative", "a": "b"})
    assert message.address == f"{_DEVICE}/messages/devicebound"
    assert cloud_to_device.waiting(hub.azure, hub.key, "press-001") == 0
    link.accepts = False
    cloud_to_device.send(hub.azure, hub.key, "press-001", cloud_to_device.Message(body=b"2", ack="full"))
    link.flow(1)
    device.server.settle()
    device.settle(device.unsettled[-1], outcome)
    assert cloud_to_device.waiting(hub.azure, hub.key, "press-001") == (1 if outcome == "RELEASED" else 0)
    batch = service_queue.receive(hub.azure, hub.key, service_queue.FEEDBACK)
    assert [each["statusCode"] for each in (batch.records if batch else [])] == told


def test_a_method(hub: HubState, device: AmqpClient) -> None:
    """A call comes by one link, the answer goes by the other; nobody answers for a device without the links."""
    calls, answers = device.receiver(f"{_DEVICE}/methods/devicebound"), device.sender(f"{_DEVICE}/methods/devicebound")

    async def call() -> methods.MethodAnswer:
        asked = asyncio.create_task(methods.invoke(hub.azure, hub.key, "press-001", "", "open", b'{"gap": 2}'))
        await asyncio.sleep(0)
        device.server.settle()
        (message,) = device.received[calls.name]
        assert (bytes(message.body), message.properties) == (b'{"gap": 2}', {"IoThub-methodname": "open"})
        wrong = Message(body=b"{", inferred=True, properties={"IoThub-status": 200})
        rejected = device.send(answers, wrong)
        assert rejected
        answer = Message(body=b'{"done": true}', inferred=True, properties={"IoThub-status": int32(200)})
        answer.correlation_id = message.correlation_id
        assert device.send(answers, answer) is None
        return await asked

    assert asyncio.run(call()) == methods.MethodAnswer(200, b'{"done": true}')


def test_a_twin(hub: HubState, device: AmqpClient) -> None:
    """Read, reported, and told of changes as long as it asks for them."""
    answers, requests = device.receiver(f"{_DEVICE}/twin"), device.sender(f"{_DEVICE}/twin")

    def ask(operation: str, resource: str = "", body: bytes = b" ", version: int | None = None) -> tuple[int, Any]:
        message = Message(body=body, inferred=True, correlation_id="c1")
        message.annotations = {symbol("operation"): operation} | ({symbol("resource"): resource} if resource else {})
        message.annotations |= {} if version is None else {symbol("version"): int32(version)}
        assert device.send(requests, message) is None
        answer = device.received[answers.name].pop()
        assert answer.correlation_id == "c1"
        found = {str(name): value for name, value in answer.annotations.items()}
        return found["status"], json.loads(bytes(answer.body)) if answer.body else found.get("version")

    assert ask("GET") == (200, {"desired": {"$version": 1}, "reported": {"$version": 1}})
    assert ask("PATCH", "/properties/reported", b'{"speed": 3}') == (204, 2)
    assert ask("PATCH", "/properties/reported", b'{"speed": 4}', 2) == (204, 3)
    assert ask("PATCH", "/properties/reported", b'{"speed": 4}', 2)[0] == 412
    assert ask("PATCH", "/properties/reported", b"[]")[0] == 400
    assert ask("REMOVE")[0] == 400
    changes = "/notifications/twin/properties/desired"
    assert ask("PUT", changes) == (200, {})
    twin_notifications.desired_changed(hub.azure, hub.key, "press-001", "", {"speed": 4}, 2)
    device.server.settle()
    told = device.received[answers.name].pop()
    assert (json.loads(bytes(told.body)), told.correlation_id) == ({"speed": 4, "$version": 2}, None)
    assert ask("DELETE", changes) == (200, {})
    twin_notifications.desired_changed(hub.azure, hub.key, "press-001", "", {"speed": 5}, 3)
    device.server.settle()
    assert device.received[answers.name] == []


def test_a_module(hub: HubState, server: Server) -> None:
    """It has links of its own, with a token of its own."""
    with hub.azure.store.transaction():
        modules.create(hub.azure, hub.key, "press-001", {"deviceId": "press-001", "moduleId": "eye"})
    client = AmqpClient(server, hub.host)
    assert client.put_token(f"{hub.host}{_DEVICE}/modules/eye", token(hub, module="eye")) == 200
    link = client.sender(f"{_DEVICE}/modules/eye/messages/events")
    assert client.send(link, Message(body=b"1", inferred=True)) is None
    assert [(each.device, each.module) for each in recorded(hub)] == [("press-001", "eye")]
    assert refusal(client.receiver(f"{_DEVICE}/modules/eye/twin")) == ""
    assert refusal(client.sender(f"{_DEVICE}/messages/events")) == "amqp:unauthorized-access"


def test_damaged_bytes(hub: HubState, device: AmqpClient, caplog: pytest.LogCaptureFixture) -> None:
    """A session whose bytes are damaged somewhere, or come one by one, ends or goes on; nothing fails inside."""
    device.send(device.sender(f"{_DEVICE}/messages/events"), Message(body=b"1", inferred=True, id="m", properties={"line": 1}))
    requests = device.sender(f"{_DEVICE}/twin")
    device.receiver(f"{_DEVICE}/twin")
    device.send(requests, Message(body=b"{}", inferred=True, annotations={symbol("operation"): "GET"}))
    device.send(
        device.sender(f"{_DEVICE}/methods/devicebound"), Message(body=b"{}", inferred=True, properties={"IoThub-status": int32(200)})
    )
    whole, before = bytes(device.said), len(recorded(hub))
    chance = random.Random(5)  # noqa: S311 - the same damage each time
    raw(device.server, whole, hub.host, at_once=1).lost()
    assert len(recorded(hub)) == before + 1
    for _ in range(80):
        damaged = bytearray(whole)
        for _ in range(chance.choice((1, 1, 3))):
            place = chance.randrange(8, len(damaged))
            damaged[place : place + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
        sent = raw(device.server, bytes(damaged), hub.host, at_once=chance.choice((7, 200, 4096)))
        sent.tick()
        sent.recheck()
        sent.lost()
    assert caplog.records == []
