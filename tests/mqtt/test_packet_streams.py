"""Streams of MQTT with octets changed, left out or added: each gets whole packets as answers, and nothing fails inside."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import crypto

from local_azure_iot.mqtt import packets
from local_azure_iot.mqtt.packets import PacketType
from local_azure_iot.mqtt.plane import Plane
from local_azure_iot.tls_transport import Peer
from tests.kit import mqtt_session
from tests.kit.device_certificates import Party
from tests.kit.hub_client import signature
from tests.kit.mqtt_device import connect, packet, text
from tests.kit.provisioning_client import GLOBAL
from tests.kit.randomly import RANDOM
from tests.local_azure.in_process import InProcess, in_process
from tests.provisioning.service import Service

_SENT_BY_SERVERS = {
    PacketType.CONNACK, PacketType.PUBLISH, PacketType.PUBACK, PacketType.SUBACK, PacketType.UNSUBACK, PacketType.PINGRESP,
}  # fmt: skip


@dataclass(repr=False)
class _Service:
    """One that speaks MQTT, its client as TLS shows it, and what this client says when nothing is wrong."""

    plane: Plane
    loop: asyncio.AbstractEventLoop
    peer: Peer
    conversation: list[bytes]

    def answers(self, parts: list[bytes]) -> list[packets.Packet]:
        """What a new connection is answered to these bytes."""
        return self.loop.run_until_complete(mqtt_session.answers(self.plane, self.peer, parts))


@pytest.fixture(scope="module")
def services() -> Iterator[dict[str, _Service]]:
    """A hub and a provisioning service, each with what its device says."""
    with in_process() as found:
        plane = Plane(found.azure)
        yield {"hub": _hub(found, plane), "provisioning": _provisioning(found, plane)}


def _peer(host: str, identity: Party) -> Peer:
    return Peer(host, [crypto.X509.from_cryptography(identity.certificate)])


def _hub(found: InProcess, plane: Plane) -> _Service:
    path = found.hub()
    host = f"{path.rpartition('/')[2]}.azure-devices.net"
    keys = found.must("POST", f"{path}/listkeys?api-version=2023-06-30")["value"]
    key = next(each["primaryKey"] for each in keys if each["keyName"] == "iothubowner")
    identity = Party("press-001", authority=False)
    auth = {"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": identity.thumbprint()}}
    token = signature(host, "iothubowner", key, now=found.azure.clock.timestamp())
    body = {"deviceId": "press-001", "authentication": auth}
    assert found.ask("PUT", "/devices/press-001?api-version=2021-04-12", body, host=host, token="", authorization=token).status == 200
    events, twin = "devices/press-001/messages/events/a=b", "$iothub/twin/"
    conversation = [
        connect("press-001", f"{host}/press-001/?api-version=2021-04-12"),
        packet(PacketType.SUBSCRIBE, b"\0\7" + text(f"{twin}res/#") + b"\1" + text("$iothub/methods/POST/#") + b"\0", 0x02),
        packet(PacketType.PUBLISH, text(events) + b"\0\1hello", 0x02),
        packet(PacketType.PUBLISH, text(f"{twin}GET/?$rid=1")),
        packet(PacketType.PUBLISH, text(f"{twin}PATCH/properties/reported/?$rid=2") + b'{"a":1}'),
        packet(PacketType.UNSUBSCRIBE, b"\0\x08" + text(f"{twin}res/#"), 0x02),
        packet(PacketType.PINGREQ, b""),
    ]
    return _Service(plane, found.loop, _peer(host, identity), conversation)


def _provisioning(found: InProcess, plane: Plane) -> _Service:
    service = Service(found, found.hub(kind="provisioningServices"))
    scope = found.must("GET", f"{service.path}?api-version=2022-12-12")["properties"]["idScope"]
    identity, topic = Party("press-001", authority=False), "$dps/registrations/"
    attestation = {"type": "x509", "x509": {"clientCertificates": {"primary": {"certificate": identity.pem}}}}
    service.must("PUT", "/enrollments/press-001", {"registrationId": "press-001", "attestation": attestation})
    conversation = [
        connect("press-001", f"{scope}/registrations/press-001/api-version=2019-03-31&ClientVersion=x"),
        packet(PacketType.SUBSCRIBE, b"\0\7" + text(f"{topic}res/#") + b"\1", 0x02),
        packet(PacketType.PUBLISH, text(f"{topic}PUT/iotdps-register/?$rid=1") + b'\0\1{"registrationId":"press-001"}', 0x02),
        packet(PacketType.PUBLISH, text(f"{topic}GET/iotdps-get-operationstatus/?$rid=2&operationId=4.d0a671905ea5b2c8") + b"\0\2 ", 0x02),
        packet(PacketType.PUBACK, b"\0\1"),
        packet(PacketType.UNSUBSCRIBE, b"\0\x08" + text(f"{topic}res/#"), 0x02),
        packet(PacketType.PINGREQ, b""),
    ]
    return _Service(plane, found.loop, _peer(GLOBAL, identity), conversation)


@pytest.mark.parametrize(("name", "kinds"), [("hub", [2, 9, 4, 3, 3, 11]), ("provisioning", [2, 9, 4, 3, 4, 3, 11])])
def test_what_is_right_is_answered(services: dict[str, _Service], name: str, kinds: list[int]) -> None:
    """Each packet of it has its answer, so that what is changed of it reaches far. A ping's may come before those to questions."""
    found = services[name]
    for parts in [b"".join(found.conversation)], [bytes((each,)) for each in b"".join(found.conversation)]:
        answered = [each.kind for each in found.answers(parts)]
        assert [each for each in answered if each != PacketType.PINGRESP] == kinds
        assert answered.count(PacketType.PINGRESP) == 1


@pytest.mark.parametrize("name", ["hub", "provisioning"])
@settings(RANDOM, max_examples=150)
@given(data=st.data())
def test_changed_streams(services: dict[str, _Service], name: str, data: st.DataObject) -> None:
    """An end of the connection, or whole packets that a server may send; the next client is served as ever."""
    found = services[name]
    chosen = data.draw(st.lists(st.sampled_from(found.conversation[1:]), max_size=6))
    stream = bytearray(b"".join([found.conversation[0], *chosen]))
    for _ in range(data.draw(st.integers(1, 4))):
        at, change = data.draw(st.integers(0, len(stream) - 1)), data.draw(st.sampled_from(("replace", "remove", "insert")))
        octets = data.draw(st.binary(min_size=1, max_size=3))
        stream[at : at + (0 if change == "insert" else len(octets))] = b"" if change == "remove" else octets
        stream = stream or bytearray(b"\0")
    cut = data.draw(st.integers(0, len(stream)))
    answers = found.answers([bytes(stream[:cut]), bytes(stream[cut:])])
    assert {each.kind for each in answers} <= _SENT_BY_SERVERS
    assert found.answers(found.conversation[:1])[0].body == b"\0\0"
