"""What a connected device may send, and what ends its session."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_azure_iot.mqtt.packets import PacketType
from tests.kit.device_certificates import Party
from tests.kit.hub_client import HubClient
from tests.kit.mqtt_device import Device, attempts, messages, packet, text, until

_EVENTS = "devices/press-001/messages/events/"


@pytest.fixture
def line(registry: HubClient, root: Party, tmp_path: Path) -> Iterator[Device]:
    """`press-001`, connected."""
    with Device(registry, root.device("press-001"), tmp_path) as found:
        assert found.connect("press-001") == 0
        yield found


def _subscribe(line: Device, *topics: str, qos: int = 1) -> list[int]:
    line.send(packet(PacketType.SUBSCRIBE, (7).to_bytes(2, "big") + b"".join(text(topic) + bytes((qos,)) for topic in topics), 0x02))
    answer = line.receive()
    assert answer
    assert (answer.kind, answer.body[:2]) == (PacketType.SUBACK, b"\0\7")
    return list(answer.body[2:])


def test_telemetry_at_qos_0_and_1(registry: HubClient, line: Device) -> None:
    """QoS 1 is acknowledged with its packet id; the control port shows both messages with topic and size, without payload."""
    topic = f"{_EVENTS}shift=night&%24.ct=application%2Fjson"
    line.send(packet(PacketType.PUBLISH, text(_EVENTS) + b"hello"), packet(PacketType.PUBLISH, text(topic) + b"\0\x2a" + b"x" * 300, 0x02))
    answer = line.receive()
    assert answer
    assert (answer.kind, answer.body) == (PacketType.PUBACK, b"\0\x2a")
    shown = [(each["topic"], each["size"], each["qos"]) for each in messages(registry, "press-001")]
    assert shown == [(_EVENTS, 5, 0), (topic, 300, 1)]


def test_packets_need_not_match_tls_records(line: Device) -> None:
    """A packet may arrive in several records, and one record may hold several packets."""
    raw = packet(PacketType.PUBLISH, text(_EVENTS) + b"\0\1" + b"y" * 20000, 0x02)
    for at in range(0, len(raw), 4999):
        line.send(raw[at : at + 4999])
    line.send(packet(PacketType.PINGREQ, b""), packet(PacketType.PINGREQ, b""))
    assert [answer.kind for answer in (line.receive(), line.receive(), line.receive()) if answer] == [13 - 9, 13, 13]


def test_subscriptions(line: Device) -> None:
    """A device's own topics are granted up to QoS 1, every other filter is refused."""
    own, other = "devices/press-001/messages/devicebound/#", "devices/press-002/messages/devicebound/#"
    assert _subscribe(line, own, other, "#", "$iothub/methods/POST/#", qos=2) == [1, 0x80, 0x80, 1]
    line.send(packet(PacketType.UNSUBSCRIBE, (9).to_bytes(2, "big") + text(own), 0x02))
    answer = line.receive()
    assert answer
    assert (answer.kind, answer.body) == (PacketType.UNSUBACK, b"\0\x09")


def test_the_twin(registry: HubClient, line: Device) -> None:
    """GET returns desired and reported properties but no tags; a patch of the reported ones is merged."""
    body = {"tags": {"secret": "plan"}, "properties": {"desired": {"rate": 5}}}
    registry.ask("PATCH", "/twins/press-001", json=body).raise_for_status()
    assert _subscribe(line, "$iothub/twin/res/#") == [1]

    def ask(topic: str, payload: bytes = b"") -> tuple[str, bytes]:
        line.send(packet(PacketType.PUBLISH, text(topic) + payload))
        answer = line.receive()
        assert answer
        length = int.from_bytes(answer.body[:2], "big")
        return answer.body[2 : 2 + length].decode(), answer.body[2 + length :]

    topic, payload = ask("$iothub/twin/GET/?$rid=1a")
    assert topic == "$iothub/twin/res/200/?$rid=1a"
    assert json.loads(payload) == {"desired": {"rate": 5, "$version": 2}, "reported": {"$version": 1}}
    patch = "$iothub/twin/PATCH/properties/reported/?$rid="
    assert ask(f"{patch}2", b'{"firmware": {"version": "1.2"}}') == ("$iothub/twin/res/204/?$rid=2&$version=2", b"")
    assert ask(f"{patch}3", b"[1]") == ("$iothub/twin/res/400/?$rid=3", b"")
    assert ask(f"{patch}4", b'{"a.b": 1}') == ("$iothub/twin/res/400/?$rid=4", b"")
    reported = registry.ask("GET", "/twins/press-001").json()["properties"]["reported"]
    assert (reported["firmware"], reported["$version"]) == ({"version": "1.2"}, 2)


def test_more_answers_than_fit_at_once(registry: HubClient, line: Device) -> None:
    """A device that asks on without reading gets all of its answers, in their order, once it reads."""
    desired = {f"part{number}": "x" * 4000 for number in range(7)}
    registry.ask("PATCH", "/twins/press-001", json={"properties": {"desired": desired}}).raise_for_status()
    _subscribe(line, "$iothub/twin/res/#", qos=0)
    line.send(*(packet(PacketType.PUBLISH, text(f"$iothub/twin/GET/?$rid={number}")) for number in range(400)))
    for number in range(400):
        answer = line.receive()
        assert answer
        assert answer.body[2:].startswith(f"$iothub/twin/res/200/?$rid={number}{{".encode())


@pytest.mark.parametrize(("raw", "reason"), [
    (packet(PacketType.PUBLISH, text("devices/press-002/messages/events/") + b"x"), "not this device's to use"),
    (packet(PacketType.PUBLISH, text(_EVENTS) + b"\0\1x", 0x04), "QoS 2"),
    (packet(PacketType.PUBLISH, text(_EVENTS) + b"x" * (256 * 1024 + 1)), "262144 are allowed"),
    (packet(PacketType.PUBLISH, text("a/#") + b"x"), "an invalid PUBLISH"),
    (packet(PacketType.CONNECT, text("MQTT") + b"\4\2\0\0\0\0"), "a packet of type 1"),
    (packet(PacketType.SUBSCRIBE, b"\0\1", 0x02), "an invalid SUBSCRIBE"),
    (packet(PacketType.SUBSCRIBE, b"\0\1" + text("$iothub/twin/res/#") + b"\3", 0x02), "a QoS above 2"),
    (packet(PacketType.SUBSCRIBE, b"\0\1" + text("$iothub/twin/res/#") + b"\x81", 0x02), "a QoS above 2"),
    (packet(PacketType.SUBSCRIBE, b"\0\1" + text("") + b"\1", 0x02), "an empty filter"),
    (packet(PacketType.SUBSCRIBE, b"\0\0" + text("$iothub/twin/res/#") + b"\1", 0x02), "whose id is 0"),
    (packet(PacketType.SUBSCRIBE, b"\0\1" + text("$iothub/twin/res/#") + b"\1"), "an invalid SUBSCRIBE: other flags"),
    (packet(PacketType.SUBSCRIBE, b"\0\1" + text("$iothub/twin/res/#"), 0x02), "ends too early"),
    (packet(PacketType.UNSUBSCRIBE, b"\0\1", 0x02), "an invalid UNSUBSCRIBE"),
    (packet(PacketType.UNSUBSCRIBE, b"\0\1" + text("a")), "an invalid UNSUBSCRIBE: other flags"),
    (packet(PacketType.UNSUBSCRIBE, b"\0\0" + text("a"), 0x02), "whose id is 0"),
    (packet(PacketType.PUBLISH, text(_EVENTS) + b"\0\1x", 0x06), "QoS 3"),
    (packet(PacketType.PUBLISH, text(_EVENTS) + b"x", 0x08), "a repetition at QoS 0"),
    (packet(PacketType.PUBLISH, text(_EVENTS) + b"\0\0x", 0x02), "whose id is 0"),
    (packet(PacketType.PUBLISH, text("") + b"x"), "its topic is empty"),
    (packet(PacketType.PUBLISH, b"\0\2\xc3\x28x"), "not UTF-8"),
    (packet(PacketType.PUBLISH, b"\0\3\xed\xa0\x80x"), "not UTF-8"),
    (packet(PacketType.PUBLISH, text("a\0b") + b"x"), "a zero in it"),
    (packet(PacketType.PUBACK, b"\0"), "ends too early"),
    (packet(PacketType.PUBACK, b"\0\0"), "whose id is 0"),
    (packet(PacketType.PUBACK, b"\0\1\0"), "1 bytes too many"),
    (packet(PacketType.PUBACK, b"\0\1", 0x02), "an invalid PUBACK"),
    (packet(PacketType.PINGREQ, b"x"), "with something in it"),
    (packet(PacketType.PINGREQ, b"", 0x01), "with something in it"),
    (packet(PacketType.DISCONNECT, b"x"), "with something in it"),
    (packet(PacketType.DISCONNECT, b"", 0x08), "with something in it"),
    *((packet(kind, b"\0\1"), f"a packet of type {kind}") for kind in (0, 2, 5, 6, 7, 9, 11, 13, 15)),
    (b"\x30\xff\xff\xff\xff\xff", "more than four bytes"),
    (b"\x30\xff\xff\x7f", "a packet of 2097151 bytes"),
    (packet(PacketType.PUBLISH, b"\0\xff" + b"x"), "ends too early"),
], ids=lambda value: value if isinstance(value, str) else f"{len(value)}:{value[:30].hex()}")  # fmt: skip
def test_forbidden_packets_close_the_connection(registry: HubClient, line: Device, raw: bytes, reason: str) -> None:
    """The connection ends without an answer, and the control port says why."""
    line.send(raw)
    assert line.receive() is None
    assert reason in until(lambda: attempts(registry, "press-001")[1:])[-1]["reason"]


def _hello(flags: int, payload: bytes = text("press-001"), *, protocol: str = "MQTT", first: int = 0) -> bytes:
    return packet(PacketType.CONNECT, text(protocol) + bytes((4, flags)) + b"\0\x3c" + payload, first)


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        packet(PacketType.PINGREQ, b""),
        packet(PacketType.CONNECT, text("MQTT") + b"\4\2"),
        _hello(0x02, protocol="AMQP"),
        _hello(0x02, first=0x01),
        _hello(0x03),  # the reserved flag
        _hello(0x0A),  # a will's QoS without a will
        _hello(0x22),  # a will to be retained without a will
        _hello(0x1E, text("press-001") + text("a") + text("b")),  # a will at QoS 3
        _hello(0x06, text("press-001") + text("") + text("b")),  # a will without a topic
        _hello(0x06, text("press-001") + text("a/#") + text("b")),
        _hello(0x06),  # a will that is not there
        _hello(0x42, text("press-001") + text("secret")),  # a password without a user name
        _hello(0x02, text("press-001") + b"more"),
        _hello(0x02, b"\0\1\xff"),
        _hello(0x02, b""),
    ],
    ids=str,
)
def test_a_first_packet_that_is_not_connect_closes_the_connection(registry: HubClient, root: Party, tmp_path: Path, raw: bytes) -> None:
    """A connection whose first packet is not a valid CONNECT is closed."""
    with Device(registry, root.device("press-001"), tmp_path) as found:
        found.send(raw)
        assert found.receive() is None


def test_mqtt_5_is_refused(registry: HubClient, root: Party, tmp_path: Path) -> None:
    """Return code 1: unacceptable protocol level."""
    with Device(registry, root.device("press-001"), tmp_path) as found:
        assert found.connect("press-001", level=5) == 1


def test_disabling_a_device_drops_its_session(registry: HubClient, line: Device) -> None:
    """At once; the control port gives the reason."""
    body = {"deviceId": "press-001", "authentication": {"type": "certificateAuthority"}, "status": "disabled"}
    registry.ask("PUT", "/devices/press-001", json=body, headers={"If-Match": "*"}).raise_for_status()
    assert line.receive() is None
    assert "the device was disabled" in attempts(registry, "press-001")[-1]["reason"]


def test_deleting_a_device_drops_its_session(registry: HubClient, line: Device) -> None:
    """Also where it is created again at once: that is another device."""
    registry.bulk({"id": "press-001", "importMode": "delete"}).raise_for_status()
    registry.put("press-001")
    assert line.receive() is None
    assert registry.ask("GET", "/devices/press-001").json()["connectionState"] == "Disconnected"


def test_a_change_of_tags_keeps_the_session(registry: HubClient, line: Device) -> None:
    """So does an update that leaves the device enabled."""
    registry.ask("PATCH", "/twins/press-001", json={"tags": {"a": 1}}).raise_for_status()
    body = {"deviceId": "press-001", "authentication": {"type": "certificateAuthority"}}
    registry.ask("PUT", "/devices/press-001", json=body, headers={"If-Match": "*"}).raise_for_status()
    line.send(packet(PacketType.PINGREQ, b""))
    answer = line.receive()
    assert answer
    assert answer.kind == PacketType.PINGRESP


def test_deleting_a_hub_ends_its_sessions(registry: HubClient, line: Device) -> None:
    """Deleting the hub deletes its devices."""
    registry.hub.delete_hub()
    assert line.receive() is None


def test_a_second_connection_ends_the_first(registry: HubClient, root: Party, tmp_path: Path, line: Device) -> None:
    """A device has one session; the registry still shows it connected."""
    with Device(registry, root.device("press-001"), tmp_path) as second:
        assert second.connect("press-001") == 0
        assert line.receive() is None
        assert registry.ask("GET", "/devices/press-001").json()["connectionState"] == "Connected"


def test_silence_beyond_the_keep_alive_ends_the_session(registry: HubClient, root: Party, tmp_path: Path) -> None:
    """After one and a half times the keep-alive that the device declared."""
    with Device(registry, root.device("press-001"), tmp_path) as found:
        assert found.connect("press-001", keep_alive=1) == 0
        assert found.receive() is None
    assert "nothing was heard" in attempts(registry, "press-001")[-1]["reason"]


def test_disconnect(registry: HubClient, line: Device) -> None:
    """DISCONNECT closes the connection, and no reason is logged."""
    line.send(packet(PacketType.DISCONNECT, b""))
    assert line.receive() is None
    until(lambda: registry.ask("GET", "/devices/press-001").json()["connectionState"] == "Disconnected")
    assert [each["accepted"] for each in attempts(registry, "press-001")] == [True]
