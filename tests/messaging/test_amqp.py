"""AMQP: who may connect, which links there are, tokens, events of partitions, cloud-to-device messages and their feedback."""

import base64
import json
import uuid
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from local_azure_iot.amqp import availability
from local_azure_iot.login import principals
from local_azure_iot.messaging import cloud_to_device, events
from local_azure_iot.messaging.events import Event
from local_azure_iot.microsoft_devices import consumer_groups, lifecycle
from local_azure_iot.testing import AzureClient, Hub
from tests.kit.http_device import device_signature
from tests.kit.local_azure import LocalAzure
from tests.kit.prerequisites import need

need(availability.available(), availability.MISSING, module=True)

from proton import Endpoint, Message, SSLDomain  # noqa: E402 - only where it is installed
from proton.utils import BlockingConnection, LinkDetached  # noqa: E402 - likewise

from tests.kit.amqp_client import AmqpClient, Server, raw, refusal  # noqa: E402 - likewise
from tests.messaging.conftest import HubState  # noqa: E402 - likewise

_DATA_CONTRIBUTOR = "4fc6c259-987e-4a07-842e-c321cc9d413f"


@pytest.fixture
def server(hub: HubState) -> Server:
    """Local Azure's AMQP."""
    return Server(hub.azure)


@pytest.fixture
def service(hub: HubState, server: Server) -> AmqpClient:
    """A client of the service's side of the hub."""
    client = AmqpClient(server, hub.host)
    assert client.put_token(hub.host, token(hub, "service")) == 200
    return client


@pytest.fixture
def reader(hub: HubState, server: Server) -> AmqpClient:
    """A client of the event-hub-compatible endpoint."""
    return event_hub_client(hub, server)


def event_hub_client(hub: HubState, server: Server, policy: str = "service") -> AmqpClient:
    """A client of the event-hub-compatible endpoint with a policy's token."""
    client = AmqpClient(server, namespace(hub))
    client.status = client.put_token(f"sb://{namespace(hub)}/{name(hub)}", event_hub_token(hub, policy))  # type: ignore[attr-defined]
    return client


def document(hub: HubState) -> dict[str, Any]:
    """The hub in the store."""
    found = lifecycle.find(hub.azure, hub.key, lifecycle.HUB)
    assert found
    return found


def name(hub: HubState) -> str:
    """Its name, which its event hub has too."""
    return hub.host.partition(".")[0]


def namespace(hub: HubState) -> str:
    """The host name of its event-hub-compatible endpoint."""
    return f"{document(hub)['namespace']}.servicebus.windows.net"


def key(hub: HubState, policy: str) -> str:
    """A policy's key."""
    return str(next(each["primaryKey"] for each in document(hub)["policies"] if each["keyName"] == policy))


def token(hub: HubState, policy: str, seconds: int = 300) -> str:
    """A policy's signature for the hub."""
    now = hub.azure.clock.timestamp()
    return device_signature(hub.host, "", key(hub, policy), policy=policy, seconds=seconds, now=now)


def event_hub_token(hub: HubState, policy: str) -> str:
    """A policy's signature for the event hub: made with the key's text, not with what it is base64 of."""
    secret = base64.b64encode(key(hub, policy).encode()).decode()
    return device_signature(f"sb://{namespace(hub)}", name(hub), secret, policy=policy, now=hub.azure.clock.timestamp())


def partition(hub: HubState, number: int | str, group: str = "$Default") -> str:
    """The address of a partition."""
    return f"amqps://{namespace(hub)}/{name(hub)}/ConsumerGroups/{group}/Partitions/{number}"


def record(hub: HubState, body: bytes, **more: Any) -> events.RecordedEvent:
    """A device's message."""
    return events.record(hub.azure, hub.key, Event(device="press-001", body=body, **more))


def bodies(client: AmqpClient, link: Any) -> list[bytes]:
    """What came on a link."""
    return [bytes(message.body) for message in client.received.get(link.name, [])]


def test_a_wrong_beginning_gets_the_right_header_and_the_end(server: Server) -> None:
    """HTTP, other versions of AMQP, broken frames and random bytes end the connection, and nothing else."""
    for data in (
        b"GET / HTTP/1.1\r\n",
        b"AMQP\x00\x00\x09\x01",
        b"AMQP\x03\x01\x00\x00" + b"\x00\x00\x00\x04\x02\x01\x00\x00",  # a frame shorter than its own head
        b"\x16\x03\x01\x02\x00",
    ):
        sent = raw(server, data)
        assert sent.closed, data
    for cut in range(0, 64, 7):
        sent = raw(server, b"AMQP\x00\x01\x00\x00" + bytes(range(cut, cut + 60)))
        sent.outgoing()
        sent.lost()


@pytest.mark.parametrize(
    ("mechanism", "user", "password", "expected"),
    [
        ("ANONYMOUS", "", "", True),
        ("MSSBCBS", "", "", True),
        ("EXTERNAL", "", "", True),
        ("SCRAM-SHA-1", "", "", False),
        ("PLAIN", "service@sas.root.{name}", "{token}", True),
        ("PLAIN", "service@sas.root.{name}", "{device token}", False),
        ("PLAIN", "service@sas.root.other", "{token}", False),
        ("PLAIN", "service", "{key}", False),
    ],
)
def test_mechanisms(hub: HubState, server: Server, mechanism: str, user: str, password: str, expected: bool) -> None:
    """Tokens come later, but PLAIN has one, which must be right."""
    values = {"{token}": token(hub, "service"), "{device token}": token(hub, "service")[:-1], "{key}": key(hub, "service"), "": ""}
    response = f"\0{user.format(name=name(hub))}\0{values[password]}".encode() if user else b""
    client = AmqpClient(server, hub.host, mechanism, response)
    assert client.let_in == expected
    if mechanism == "PLAIN" and expected:
        assert refusal(client.sender("/messages/devicebound")) == ""


def test_a_policy_and_its_key_at_the_event_hub(hub: HubState, server: Server) -> None:
    """PLAIN there has the policy's name and its key."""
    good, bad = (AmqpClient(server, namespace(hub), "PLAIN", f"\0service\0{each}".encode()) for each in (key(hub, "service"), "wrong"))
    assert (good.let_in, bad.let_in) == (True, False)
    assert refusal(good.receiver(partition(hub, 0))) == ""


def test_a_host_without_a_hub_is_refused(server: Server) -> None:
    """The connection is closed with the reason."""
    client = AmqpClient(server, "nowhere.azure-devices.net")
    assert client.connection.remote_condition.name == "amqp:not-found"


@pytest.mark.parametrize("mechanism", ["ANONYMOUS", "EXTERNAL", "MSSBCBS"])
@pytest.mark.parametrize("host", ["global.azure-devices-provisioning.net", "trial.azure-devices-provisioning.cn"])
def test_provisioning_services_do_not_speak_it(server: Server, host: str, mechanism: str) -> None:
    """A device that wants to enrol is told so by AMQP's own word for it, and what it can use instead."""
    condition = AmqpClient(server, host, mechanism).connection.remote_condition
    assert condition
    assert (condition.name, condition.description) == ("amqp:not-implemented", availability.NOT_FOR_PROVISIONING)


def test_links_need_a_right(hub: HubState, server: Server) -> None:
    """Without a token, with a policy that lacks ServiceConnect, and after the key was replaced."""
    client = AmqpClient(server, hub.host)
    assert refusal(client.sender("/messages/devicebound")) == "amqp:unauthorized-access"
    assert client.put_token(hub.host, token(hub, "device")) == 200
    assert refusal(client.sender("/messages/devicebound")) == "amqp:unauthorized-access"
    assert client.put_token(f"{hub.host}/messages", token(hub, "service").replace("sig=", "sig=A")) == 401
    assert client.put_token(hub.host, token(hub, "service")) == 200
    link = client.sender(f"amqps://{hub.host}/messages/devicebound")
    assert refusal(link) == ""
    assert refusal(client.sender("/nothing")) == "amqp:not-found"
    stored = document(hub)
    for policy in stored["policies"]:
        policy["primaryKey"] = base64.b64encode(uuid.uuid4().bytes * 2).decode()
    hub.azure.store.put(lifecycle.HUB.document, hub.key, stored)
    client.theirs.recheck()
    server.settle()
    assert refusal(link) == "amqp:unauthorized-access"


def test_a_token_that_ends_takes_its_links_along(hub: HubState, server: Server) -> None:
    """Unless another one was put in time; the deadline is told."""
    client = AmqpClient(server, hub.host)
    client.put_token(hub.host, token(hub, "service", seconds=60))
    assert client.deadlines == [int(hub.azure.clock.timestamp()) + 60]
    link = client.sender("/messages/devicebound")
    hub.azure.clock.advance(61)
    client.put_token(hub.host, token(hub, "service"))
    client.theirs.recheck()
    server.settle()
    assert refusal(link) == ""
    hub.azure.clock.advance(301)
    client.theirs.recheck()
    server.settle()
    assert refusal(link) == "amqp:unauthorized-access"


@pytest.mark.parametrize(
    ("settings", "hub_status", "event_hub_status"),
    [
        ({"networkRuleSets": {"defaultAction": "Deny", "applyToBuiltInEventHubEndpoint": True, "ipRules": []}}, None, None),
        ({"networkRuleSets": {"defaultAction": "Deny", "applyToBuiltInEventHubEndpoint": False, "ipRules": []}}, None, 202),
        ({"ipFilterRules": [{"filterName": "all", "action": "Reject", "ipMask": "0.0.0.0/0"}]}, None, 202),
        ({"publicNetworkAccess": "Disabled"}, None, None),
    ],
)
def test_network_settings(
    hub: HubState, server: Server, settings: dict[str, Any], hub_status: int | None, event_hub_status: int | None
) -> None:
    """Rules hold at the event-hub-compatible endpoint where `applyToBuiltInEventHubEndpoint` says so; the older rules never do."""
    hub.set(**settings)
    for host, audience, signature, expected in (
        (hub.host, hub.host, token(hub, "service"), hub_status),
        (namespace(hub), f"sb://{namespace(hub)}/{name(hub)}", event_hub_token(hub, "service"), event_hub_status),
    ):
        client = AmqpClient(server, host)
        condition = client.connection.remote_condition
        assert (condition.name if condition else None) == ("amqp:unauthorized-access" if expected is None else None)
        if expected:
            assert client.put_token(audience, signature) == expected
        else:
            assert "network settings" in server.log[-1]
            assert condition.description == f"Unauthorized access to '{hub.host}'"


def test_an_api_version_behind_the_resource(hub: HubState, server: Server) -> None:
    """Some tools sign `{host}/api-version=…`: over AMQP it counts as over HTTPS and MQTT."""
    service, now = key(hub, "service"), hub.azure.clock.timestamp()
    signature = device_signature(hub.host, "api-version=2016-11-14", service, policy="service", now=now)
    client = AmqpClient(server, hub.host)
    assert client.put_token(hub.host, signature) == 200
    assert refusal(client.sender("/messages/devicebound")) == ""


def test_an_entra_token(hub: HubState, server: Server) -> None:
    """With a role it opens the hub's links, as on HTTPS; the event-hub-compatible endpoint takes shared access signatures alone."""
    client, other = AmqpClient(server, hub.host), AmqpClient(server, namespace(hub))
    deployer = principals.find(hub.azure.store, principals.directory(hub.azure.store).client_id)
    assert deployer
    sent = hub.azure.tokens.issue(deployer, "https://iothubs.azure.net")
    assert client.put_token("https://iothubs.azure.net/.default", sent, "bearer") == 200
    assert refusal(client.sender("/messages/devicebound")) == "amqp:unauthorized-access"
    subscription = f"/subscriptions/{hub.azure.subscription_id}/providers/Microsoft.Authorization"
    role = {"roleDefinitionId": f"{subscription}/roleDefinitions/{_DATA_CONTRIBUTOR}", "principalId": deployer.object_id}
    hub.process.must("PUT", f"{subscription}/roleAssignments/{uuid.uuid4()}?api-version=2022-04-01", {"properties": role})
    assert refusal(client.sender("/messages/devicebound")) == ""
    assert client.put_token("https://iothubs.azure.net/.default", "Bearer a.b.c", "jwt") == 401
    assert other.put_token(f"sb://{namespace(hub)}/{name(hub)}", sent, "jwt") == 401


def test_the_hub_leads_to_its_event_hub(hub: HubState, service: AmqpClient) -> None:
    """`messages/events` is elsewhere: the link is ended with the address, for the rest of the path too."""
    link = service.receiver("/messages/events/ConsumerGroups/$Default/Partitions/1")
    assert refusal(link) == "amqp:link:redirect"
    info = {str(field): value for field, value in link.remote_condition.info.items()}
    assert info["hostname"] == namespace(hub)
    assert info["address"] == f"amqps://{namespace(hub)}:5671/{name(hub)}/ConsumerGroups/$Default/Partitions/1"


def test_management(hub: HubState, reader: AmqpClient) -> None:
    """An event hub and a partition as they are read; what does not exist has 404 or 400."""
    whole = reader.ask("$management", None, operation="READ", type="com.microsoft:eventhub", name=name(hub))
    assert whole.properties["status-code"] == 200
    assert list(whole.body["partition_ids"]) == ["0", "1", "2", "3"]
    sent = record(hub, b"x")
    ask = {"operation": "READ", "type": "com.microsoft:partition", "name": name(hub), "partition": str(sent.partition)}
    part = reader.ask("$management", None, **ask)
    assert (part.body["begin_sequence_number"], part.body["last_enqueued_sequence_number"]) == (sent.sequence, sent.sequence)
    assert (part.body["last_enqueued_offset"], part.body["is_partition_empty"]) == (str(sent.offset), False)
    wrong = [{"partition": "9"}, {"name": "other"}, {"operation": "WRITE"}, {"type": "x"}]
    answers = [reader.ask("$management", None, **ask | each).properties["status-code"] for each in wrong]
    assert answers == [400, 404, 501, 400]


def test_events(hub: HubState, reader: AmqpClient) -> None:
    """What came before the reader and what comes after it, with the properties of the application and of the hub."""
    first = record(hub, b"1", system={"content-type": "application/json", "message-id": "m", "dt-subject": "t"}, properties={"line": "2"})
    link = reader.receiver(partition(hub, first.partition))
    record(hub, b"2")
    reader.server.settle()
    one, two = reader.received[link.name]
    assert (bytes(one.body), bytes(two.body)) == (b"1", b"2")
    assert (one.content_type, one.id, one.properties, one.address) == (
        "application/json", "m", {"line": "2"}, "/devices/press-001/messages/events",
    )  # fmt: skip
    found = {str(annotation): value for annotation, value in one.annotations.items()}
    assert (found["iothub-connection-device-id"], found["dt-subject"]) == ("press-001", "t")
    assert (found["x-opt-sequence-number"], found["x-opt-offset"]) == (first.sequence, str(first.offset))


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("amqp.annotation.x-opt-offset > '-1'", b"0123"),
        ("amqp.annotation.x-opt-offset > '{offset}'", b"23"),
        ("amqp.annotation.x-opt-offset >= '{offset}'", b"123"),
        ("amqp.annotation.x-opt-sequence-number > {sequence}", b"23"),
        ("amqp.annotation.x-opt-enqueued-time > '{time}'", b"23"),
        ("amqp.annotation.x-opt-enqueuedtimeutc > {time}", b"23"),
        ("amqp.annotation.x-opt-offset > '@latest'", b""),
    ],
)
def test_positions(hub: HubState, reader: AmqpClient, selector: str, expected: bytes) -> None:
    """A reader begins after an offset, a sequence number or a time, with it, or at the end."""
    sent = []
    for number in range(4):
        sent.append(record(hub, str(number).encode()))
        hub.azure.clock.advance(1)
    values = {"offset": sent[1].offset, "sequence": sent[1].sequence, "time": int(sent[1].enqueued.timestamp() * 1000)}
    link = reader.receiver(partition(hub, sent[0].partition), selector=selector.format(**values))
    record(hub, b"9")
    reader.server.settle()
    assert b"".join(bodies(reader, link)) == expected + b"9"


def test_readers_that_are_refused(hub: HubState, reader: AmqpClient) -> None:
    """Another hub, group or partition, a filter that can't be read, a policy without ServiceConnect, and a sender."""
    with hub.azure.store.transaction():
        consumer_groups.create(hub.azure, document(hub), hub.key, "line")
    addresses = {
        partition(hub, 0, "line"): "",
        partition(hub, 4): "com.microsoft:argument-out-of-range",
        partition(hub, "x"): "com.microsoft:argument-out-of-range",
        partition(hub, 0, "other"): "amqp:not-found",
        f"{name(hub)}/Partitions/0": "amqp:not-found",
        "other/ConsumerGroups/$Default/Partitions/0": "amqp:unauthorized-access",
    }
    assert {each: refusal(reader.receiver(each)) for each in addresses} == addresses
    for selector in ("", "x > 1", "amqp.annotation.x-opt-offset > 'a'", "amqp.annotation.x-opt-color > '1'"):
        assert refusal(reader.receiver(partition(hub, 0), selector=selector)) == "amqp:invalid-field", selector
    assert refusal(reader.sender(name(hub))) == "amqp:not-allowed"
    other = event_hub_client(hub, reader.server, "device")
    assert refusal(other.receiver(partition(hub, 0))) == "amqp:unauthorized-access"


def test_levels_of_readers(hub: HubState, reader: AmqpClient) -> None:
    """The higher level takes a partition, the lower one is refused; without levels there are five at most."""
    equal = [reader.receiver(partition(hub, 0)) for _ in range(6)]
    assert [refusal(each) for each in equal] == [""] * 5 + ["amqp:resource-limit-exceeded"]
    other = event_hub_client(hub, reader.server)
    owner = other.receiver(partition(hub, 0), properties={"com.microsoft:epoch": 3})
    reader.server.settle()
    assert {refusal(each) for each in equal[:5]} == {"amqp:link:stolen"}
    late = [reader.receiver(partition(hub, 0), properties=level) for level in ({}, {"com.microsoft:epoch": 2})]
    assert [refusal(each) for each in (owner, *late)] == ["", "amqp:link:stolen", "amqp:link:stolen"]
    other.drop()
    assert refusal(reader.receiver(partition(hub, 0))) == ""


def test_a_reader_gets_no_more_than_it_asks_for(hub: HubState, reader: AmqpClient) -> None:
    """Credit is obeyed, and what is larger than a frame comes whole."""
    first = record(hub, b"x" * 200_000)
    for number in range(5):
        record(hub, str(number).encode())
    link = reader.receiver(partition(hub, first.partition), credit=2)
    assert [len(body) for body in bodies(reader, link)] == [200_000, 1]
    link.flow(3)
    reader.server.settle()
    assert [len(body) for body in bodies(reader, link)] == [200_000, 1, 1, 1, 1]


def test_cloud_to_device(hub: HubState, service: AmqpClient) -> None:
    """A message with its properties goes into the device's queue; what can't is rejected with the reason."""
    link = service.sender("/messages/devicebound")
    good = Message(body=b"go", inferred=True, id="m1", address="/devices/press-001/messages/devicebound", content_type="text/plain")
    good.properties = {"iothub-ack": "full", "speed": 3}
    good.expiry_time = hub.azure.clock.timestamp() + 60
    assert service.send(link, good) is None
    found = cloud_to_device.receive(hub.azure, hub.key, "press-001")
    assert found
    assert (found.message.body, found.message.message_id, found.message.properties) == (b"go", "m1", {"speed": "3"})
    assert found.message.system["content-type"] == "text/plain"
    assert found.expires - hub.azure.clock.now() < timedelta(seconds=61)

    assert service.send(link, Message(body={"a": [1, None, "b"]}, address=good.address)) is None
    value = cloud_to_device.receive(hub.azure, hub.key, "press-001")
    assert value
    assert value.message.body == b'{"a":[1,null,"b"]}'
    cloud_to_device.complete(hub.azure, hub.key, "press-001", value.token)

    wrong = {"/devices/none/messages/devicebound": "amqp:not-found", "press-001": "com.microsoft:argument-error"}
    for to, condition in wrong.items():
        refused = service.send(link, Message(body=b"x", inferred=True, address=to))
        assert refused
        assert refused.name == condition
    large = service.send(link, Message(body=b"x" * 65537, inferred=True, address=good.address))
    assert large
    assert large.name == "amqp:link:message-size-exceeded"
    for _ in range(49):
        cloud_to_device.send(hub.azure, hub.key, "press-001", cloud_to_device.Message(body=b""))
    full = service.send(link, Message(body=b"x", inferred=True, address=good.address))
    assert full
    assert full.name == "amqp:resource-limit-exceeded"


def test_feedback(hub: HubState, service: AmqpClient) -> None:
    """What a device did with a message comes to the service, again if the service does not take it."""
    link = service.receiver("/messages/serviceBound/feedback")
    link.accepts = False
    cloud_to_device.send(hub.azure, hub.key, "press-001", cloud_to_device.Message(body=b"", message_id="m1", ack="full"))
    received = cloud_to_device.receive(hub.azure, hub.key, "press-001")
    assert received
    cloud_to_device.reject(hub.azure, hub.key, "press-001", received.token)
    service.server.settle()
    (message,) = service.received[link.name]
    assert message.content_type == "application/vnd.microsoft.iothub.feedback.json"
    (entry,) = json.loads(bytes(message.body))
    assert (entry["originalMessageId"], entry["statusCode"], entry["deviceId"]) == ("m1", "Rejected", "press-001")
    link.close()
    service.server.settle()
    again = service.receiver("/messages/serviceBound/feedback")
    assert bodies(service, again) == [bytes(message.body)]
    assert bodies(service, service.receiver("/messages/serviceBound/feedback")) == []


def test_a_deleted_hub_ends_its_links(hub: HubState, service: AmqpClient) -> None:
    """At the next check."""
    link = service.sender("/messages/devicebound")
    hub.process.must("DELETE", f"{hub.path}?api-version=2023-06-30")
    service.theirs.recheck()
    service.server.settle()
    assert refusal(link) == "amqp:not-found"


def test_a_token_ends_by_the_clock_that_a_test_sets(served: LocalAzure) -> None:
    """Over a socket, with Proton as the client: the link closes when the clock passes the token's end, and not before."""
    hub = Hub.create(AzureClient(served.ready))
    place = urlsplit(served.ready["amqp"])
    trusting = SSLDomain(SSLDomain.MODE_CLIENT)
    trusting.set_trusted_ca_db(served.ready["ca_file"])
    trusting.set_peer_authentication(SSLDomain.VERIFY_PEER_NAME)
    client = BlockingConnection(
        f"amqps://{place.netloc}", ssl_domain=trusting, virtual_host=hub.host_name, allowed_mechs="ANONYMOUS", timeout=60
    )
    try:
        signature = device_signature(hub.host_name, "", _key_of(hub), policy="iothubowner")
        about = {"operation": "put-token", "type": "servicebus.windows.net:sastoken", "name": hub.host_name}
        answers = client.create_receiver("$cbs")
        client.create_sender("$cbs").send(Message(body=signature, properties=about, id="1", reply_to="cbs"))
        assert answers.receive(60).properties["status-code"] == 200
        link = client.create_sender("/messages/devicebound").link
        served.control("PUT", "/clock", {"advance": 60})
        assert link.state & Endpoint.REMOTE_ACTIVE
        served.control("PUT", "/clock", {"advance": 86_400})
        with pytest.raises(LinkDetached, match="no valid token"):
            client.wait(lambda: False, timeout=60)
    finally:
        served.control("DELETE", "/clock")
        client.close()
    hub.delete()


def _key_of(hub: Hub) -> str:
    return hub.connection_string.rpartition("SharedAccessKey=")[2]
