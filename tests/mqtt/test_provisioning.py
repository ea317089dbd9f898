"""The provisioning plane over MQTT: who may connect, in which order packets come, and what ends a connection."""

import base64
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from local_azure_iot.mqtt.packets import PacketType
from tests.kit.device_certificates import Party
from tests.kit.hub_client import HubClient
from tests.kit.local_azure import LocalAzure
from tests.kit.mqtt_device import Device, connect, packet, text, until
from tests.kit.provisioning_client import GLOBAL, ProvisioningClient
from tests.kit.registering_device import RegisteringDevice, device_password

ACCEPTED, UNAVAILABLE, NOT_AUTHORIZED = 0, 3, 5
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
ANSWERS = "$dps/registrations/res/#"
REGISTER, STATUS = "$dps/registrations/PUT/iotdps-register/", "$dps/registrations/GET/iotdps-get-operationstatus/"


@dataclass
class Name:
    """A host name of provisioning services, as a device connects to it."""

    azure: LocalAzure
    host: str = GLOBAL


@pytest.fixture(scope="module")
def service(azure: LocalAzure) -> Iterator[ProvisioningClient]:
    """A provisioning service without enrollments."""
    found = ProvisioningClient(azure, azure.hub("provisioningServices"))
    yield found
    found.http.close()


@dataclass
class Plant:
    """A hub, linked to a service that has a group by the issuing CA below its verified root."""

    hub: HubClient
    service: ProvisioningClient
    issuing: Party

    def device(self, registration_id: str, folder: Path, **members: Any) -> RegisteringDevice:
        """A device of the group."""
        identity = self.issuing.device(registration_id)
        return RegisteringDevice(self.service, registration_id, folder, identity=identity, above=(self.issuing,), **members)


@pytest.fixture(scope="module")
def plant(azure: LocalAzure) -> Iterator[Plant]:
    """A hub, a service, a group."""
    hub, service = HubClient(azure, azure.hub()), ProvisioningClient(azure, azure.hub("provisioningServices"))
    root = Party("Plant root")
    found = Plant(hub, service, root.authority_below("Plant issuing"))
    service.link(hub)
    service.service.put("root", root.pem, isVerified=True)
    service.put_group("plant", found.issuing)
    yield found
    service.http.close()
    hub.http.close()


@pytest.fixture(scope="module")
def leaf() -> Party:
    """The certificate of `press-001`, of a CA that the service does not know: it is not judged before the registration."""
    return Party("Some root").device("press-001")


@pytest.fixture
def line(service: ProvisioningClient, leaf: Party, tmp_path: Path) -> Iterator[Device]:
    """`press-001`, connected at the name that all devices use."""
    with Device(Name(service.azure), leaf, tmp_path) as found:
        assert _code(found, f"{service.id_scope}/registrations/press-001/api-version=2019-03-31") == ACCEPTED
        yield found


def _code(line: Device, username: str, client_id: str = "press-001", password: str = "") -> int:
    line.send(connect(client_id, username, password))
    answer = line.receive()
    assert answer
    assert (answer.kind, answer.body[0]) == (PacketType.CONNACK, 0)
    return answer.body[1]


def _attempts(azure: LocalAzure, host: str = GLOBAL) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = azure.control("GET", "/connections")
    return [each for each in found if each["host"] == host]


def _subscribe(line: Device, *filters: str, qos: int = 1) -> list[int]:
    line.send(packet(PacketType.SUBSCRIBE, b"\0\7" + b"".join(text(each) + bytes((qos,)) for each in filters), 0x02))
    answer = line.receive()
    assert answer
    assert (answer.kind, answer.body[:2]) == (PacketType.SUBACK, b"\0\7")
    return list(answer.body[2:])


@dataclass
class Message:
    """A PUBLISH of the service."""

    topic: str
    qos: int
    packet_id: int
    body: Any


def _message(line: Device) -> Message:
    found = line.receive()
    assert found
    assert found.kind == PacketType.PUBLISH
    qos, end = found.flags >> 1, 2 + int.from_bytes(found.body[:2], "big")
    number = int.from_bytes(found.body[end : end + 2], "big") if qos else 0
    return Message(found.body[2:end].decode(), qos, number, json.loads(found.body[end + (2 if qos else 0) :]))


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize(
    "tail",
    [
        "api-version=2019-03-31",
        "api-version=2019-03-31&ClientVersion=azure-iot-device-provisioning%2F2.14.0",
        "api-version=2018-11-01&ClientVersion=prov_device_client/1.14.0",
        "api-version=2025-07-01-preview&ClientVersion=x",
        "?API-Version=2021-06-01",
        "ClientVersion=x&api-version=2021-06-01",
    ],
)
def test_who_is_let_in(service: ProvisioningClient, leaf: Party, tmp_path: Path, tail: str, *, own: bool) -> None:
    """At the name that all devices use and at the service's own, with each client's user name; the certificate is not judged yet."""
    name = Name(service.azure, service.host if own else GLOBAL)
    with Device(name, leaf, tmp_path) as line:
        assert _code(line, f"{service.id_scope}/registrations/press-001/{tail}") == ACCEPTED
    last = _attempts(service.azure, name.host)[-1]
    assert (last["accepted"], last["device"], last["subject"]) == (True, "press-001", "CN=press-001")


@pytest.mark.parametrize(("client_id", "username", "code", "reason"), [
    ("press-001", "0ne000000FF/registrations/press-001/api-version=2019-03-31", UNAVAILABLE, "no provisioning service has the id scope"),
    ("press-001", "{scope}x/registrations/press-001/api-version=2019-03-31", UNAVAILABLE, "no provisioning service has the id scope"),
    ("press-002", "{scope}/registrations/press-001/api-version=2019-03-31", NOT_AUTHORIZED, "'press-002' is not the registration id"),
    ("press-002", "{scope}/registrations/press-002/api-version=2019-03-31", NOT_AUTHORIZED, "of its certificate is 'press-001'"),
    ("", "{scope}/registrations/press-001/api-version=2019-03-31", NOT_AUTHORIZED, "client id '' is not the registration id"),
    ("press-001", "{scope}/registrations/press-001", NOT_AUTHORIZED, "has no api-version"),
    ("press-001", "{scope}/registrations/press-001/api-version=", NOT_AUTHORIZED, "has no api-version"),
    ("press-001", "{scope}/registrations/press-001/api-version=2016-01-01", NOT_AUTHORIZED, "'2016-01-01' in the user name is not known"),
    ("press-001", "{scope}/registrations/press-001/api-version=2999-01-01", NOT_AUTHORIZED, "is not known"),
    ("press-001", "{scope}/registrations/press-001/api-version=latest", NOT_AUTHORIZED, "is not known"),
    ("press-001", "{scope}/devices/press-001/api-version=2019-03-31", NOT_AUTHORIZED, "is not written as idScope/registrations/"),
    ("press-001", "{scope}/registrations/a/press-001/api-version=2019-03-31", NOT_AUTHORIZED, "is not written as idScope/registrations/"),
    ("press-001", "{scope}/registrations//api-version=2019-03-31", NOT_AUTHORIZED, "is not written as idScope/registrations/"),
    ("press-001", "/registrations/press-001/api-version=2019-03-31", NOT_AUTHORIZED, "is not written as idScope/registrations/"),
    ("press-001", "", NOT_AUTHORIZED, "is not written as idScope/registrations/"),
    ("press-001", "trial.azure-devices.net/press-001/?api-version=2021-04-12", NOT_AUTHORIZED, "is not written as idScope/registrations/"),
])  # fmt: skip
def test_a_connect_that_is_refused(
    service: ProvisioningClient, leaf: Party, tmp_path: Path, client_id: str, username: str, code: int, reason: str
) -> None:
    """A wrong id scope looks as if the service were down; whatever else is wrong is not authorized. The control port says what it was."""
    with Device(Name(service.azure), leaf, tmp_path) as line:
        assert _code(line, username.format(scope=service.id_scope), client_id) == code
        assert line.receive() is None
    assert reason in _attempts(service.azure)[-1]["reason"]


def test_the_id_scope_must_be_the_services_own(service: ProvisioningClient, leaf: Party, tmp_path: Path) -> None:
    """At a service's own name another service's scope is unknown, and so is any at a name that no service has."""
    other = ProvisioningClient(service.azure, service.azure.hub("provisioningServices"))
    other.http.close()
    for host in (other.host, "nobody-has-this-one.azure-devices-provisioning.net", "global.azure-devices-provisioning.cn"):
        with Device(Name(service.azure, host), leaf, tmp_path) as line:
            assert _code(line, f"{service.id_scope}/registrations/press-001/api-version=2019-03-31") == UNAVAILABLE


def test_names_are_compared_without_case(service: ProvisioningClient, leaf: Party, tmp_path: Path) -> None:
    """Registration ids are, so a client id or a common name may be written otherwise."""
    with Device(Name(service.azure), leaf, tmp_path) as line:
        assert _code(line, f"{service.id_scope}/Registrations/Press-001/api-version=2019-03-31", "PRESS-001") == ACCEPTED


def test_credentials(service: ProvisioningClient, tmp_path: Path) -> None:
    """A device without a certificate and without a password is refused; a token is judged with the registration."""
    username = f"{service.id_scope}/registrations/press-001/api-version=2019-03-31"
    key = base64.b64encode(b"not the key that the service has").decode()
    with Device(Name(service.azure), None, tmp_path) as line:
        assert _code(line, username) == NOT_AUTHORIZED
    assert "neither a certificate nor a password" in _attempts(service.azure)[-1]["reason"]
    with Device(Name(service.azure), None, tmp_path) as line:
        assert _code(line, username, password=device_password(service.id_scope, "press-001", key)) == ACCEPTED


def test_another_protocol_level(service: ProvisioningClient, leaf: Party, tmp_path: Path) -> None:
    """MQTT 5 gets return code 1."""
    with Device(Name(service.azure), leaf, tmp_path) as line:
        line.send(connect("press-001", f"{service.id_scope}/registrations/press-001/api-version=2019-03-31", level=5))
        answer = line.receive()
        assert answer
        assert answer.body == b"\0\1"


@pytest.mark.parametrize("web_sockets", [False, True])
@pytest.mark.parametrize("own", [False, True])
def test_no_enrollment(service: ProvisioningClient, leaf: Party, tmp_path: Path, *, web_sockets: bool, own: bool) -> None:
    """The device is let in and may subscribe; the refusal is the answer to its registration, in the service's own envelope."""
    host = service.host if own else GLOBAL
    with RegisteringDevice(service, "press-001", tmp_path, identity=leaf, web_sockets=web_sockets, host=host) as device:
        assert device.connect() == "Success"
        answer = device.register()
        assert (answer.status, answer.body["errorCode"], answer.retry_after) == (401, 401002, None)
        assert device.status("4.0000000000000000.00000000-0000-0000-0000-000000000000").status == 404


@pytest.mark.parametrize("web_sockets", [False, True])
@pytest.mark.parametrize("own", [False, True])
def test_a_device_that_enrols_itself(plant: Plant, tmp_path: Path, *, web_sockets: bool, own: bool) -> None:
    """202 with an operation, then 200 with its hub, where it is known by its certificate's thumbprint, and connects."""
    name = f"press-{web_sockets}-{own}".lower()
    with plant.device(name, tmp_path, web_sockets=web_sockets, host=plant.service.host if own else GLOBAL) as device:
        assert device.connect() == "Success"
        first = device.register()
        assert (first.status, first.retry_after, first.body["status"]) == (202, 3, "assigning")
        last = device.outcome()
        assert (last.status, last.retry_after, last.body["status"]) == (200, None, "assigned")
        assert last.body["registrationState"]["assignedHub"] == plant.hub.host
    assert plant.hub.ask("GET", f"/devices/{name}").json()["authentication"]["type"] == "selfSigned"
    with Device(plant.hub, plant.issuing.device("another"), tmp_path) as line:
        assert line.connect(name) == NOT_AUTHORIZED


def test_a_device_with_a_key(plant: Plant, tmp_path: Path) -> None:
    """Its token is judged with its registration: with another key, or another's scope in it, it is not the device's."""
    key = plant.service.put_enrollment_with_key("by-key")
    with RegisteringDevice(plant.service, "by-key", tmp_path, key=key) as device:
        assert device.connect() == "Success"
        assert device.outcome().body["registrationState"]["assignedHub"] == plant.hub.host
    other = base64.b64encode(b"not the key that the service has").decode()
    with RegisteringDevice(plant.service, "by-key", tmp_path, key=other) as device:
        assert device.connect() == "Success"
        answer = device.register()
        assert (answer.status, answer.body["errorCode"]) == (401, 401002)


def test_a_disabled_enrollment(plant: Plant, tmp_path: Path) -> None:
    """The answer to the registration says so, with 200 and no operation."""
    identity = plant.issuing.device("retired")
    plant.service.put_enrollment("retired", identity, provisioningStatus="disabled")
    with RegisteringDevice(plant.service, "retired", tmp_path, identity=identity, above=(plant.issuing,)) as device:
        assert device.connect() == "Success"
        answer = device.register()
        assert (answer.status, answer.retry_after) == (200, None)
        assert answer.body == {
            "operationId": "", "status": "disabled", "registrationState": {"registrationId": "retired", "status": "disabled"},
        }  # fmt: skip


def test_what_changes_while_a_device_is_connected(azure: LocalAzure, tmp_path: Path) -> None:
    """Enrollments and hubs are those of the moment of each registration, not of the CONNECT."""
    service, hub = ProvisioningClient(azure, azure.hub("provisioningServices")), HubClient(azure, azure.hub())
    identity = Party("late", authority=False)
    with RegisteringDevice(service, "late", tmp_path, identity=identity) as device:
        assert device.connect() == "Success"
        assert device.register().status == 401
        service.put_enrollment("late", identity)
        assert device.outcome().body["status"] == "failed"
        service.link(hub)
        assert device.outcome().body["status"] == "assigned"
    service.http.close()
    hub.http.close()


def test_throttled(plant: Plant, tmp_path: Path) -> None:
    """429 with the seconds after which the device is to ask again."""
    with plant.device("press-throttled", tmp_path) as device:
        assert device.connect() == "Success"
        plant.hub.configure(registrations_per_minute=1)
        try:
            answers = [device.register() for _ in range(3)]
        finally:
            plant.hub.configure(registrations_per_minute=None)
    assert [each.status for each in answers][1:] == [429, 429]
    assert answers[-1].retry_after


def test_a_device_that_registers_twice_at_once(plant: Plant, tmp_path: Path) -> None:
    """The second is refused with 409, and the first goes on."""
    with plant.device("press-twice", tmp_path) as first, plant.device("press-twice", tmp_path) as second:
        assert (first.connect(), second.connect()) == ("Success", "Success")
        plant.hub.configure(registration_seconds=30)
        try:
            answer = first.register()
            refused = second.register()
        finally:
            plant.hub.configure(registration_seconds=0)
        assert (refused.status, refused.body["errorCode"]) == (409, 409203)
        waiting = first.status(answer.body["operationId"])
        assert (waiting.status, waiting.body["registrationState"]) == (202, {"registrationId": "press-twice", "status": "assigning"})


def test_the_longest_rid(plant: Plant, tmp_path: Path) -> None:
    """One that fits in the topic of a question and not in that of its answer, which has the seconds to wait too."""
    identity, name = plant.issuing.device("press-rid"), Name(plant.service.azure)
    longest = 65_535 - len(f"{REGISTER}?$rid=")
    for length, answered in ((longest - 2, True), (longest - 1, False)):
        with Device(name, identity, tmp_path, above=(plant.issuing,)) as line:
            assert _code(line, f"{plant.service.id_scope}/registrations/press-rid/api-version=2019-03-31", "press-rid") == ACCEPTED
            _subscribe(line, ANSWERS)
            line.send(_publish(f"{REGISTER}?$rid={'x' * length}"))
            if answered:
                assert _message(line).topic.endswith("x&retry-after=3")
            else:
                assert line.receive() is None
    assert "too long for the topic of the answer" in until(lambda: _attempts(name.azure)[-1]["reason"])


def _publish(topic: str, body: bytes = b"{}", *, qos: int = 0) -> bytes:
    return packet(PacketType.PUBLISH, text(topic) + (b"\0\x2a" if qos else b"") + body, qos << 1)


def test_the_order_of_packets(line: Device) -> None:
    """SUBACK, then for each question PUBACK and PUBLISH, as .NET's client demands, however fast a device asks."""
    ask = _publish(f"{REGISTER}?$rid=c2a9", qos=1)
    line.send(packet(PacketType.SUBSCRIBE, b"\0\7" + text(ANSWERS) + b"\1", 0x02), ask, ask)
    ids = set[int]()
    for expected in ((PacketType.SUBACK, b"\0\7\1"), (PacketType.PUBACK, b"\0\x2a"), None, (PacketType.PUBACK, b"\0\x2a"), None):
        if expected is None:
            found = _message(line)
            assert (found.topic, found.qos) == ("$dps/registrations/res/401/?$rid=c2a9", 1)
            ids.add(found.packet_id)
        else:
            answer = line.receive()
            assert answer
            assert (answer.kind, answer.body) == expected
    assert len(ids) == 2
    line.send(*(packet(PacketType.PUBACK, each.to_bytes(2, "big")) for each in (*ids, 999)), packet(PacketType.PINGREQ, b""))
    pong = line.receive()
    assert pong
    assert pong.kind == PacketType.PINGRESP


def test_quality_of_service(line: Device) -> None:
    """A subscription at QoS 0 gets answers at QoS 0, one at QoS 2 at QoS 1.

    A question at QoS 0 has no PUBACK, and its answer is not there before the client can have noted that it sent the question.
    """
    for asked, granted in ((0, 0), (1, 1), (2, 1)):
        assert _subscribe(line, ANSWERS, qos=asked) == [granted]
        line.send(_publish(f"{REGISTER}?$rid=1"), packet(PacketType.PINGREQ, b""))
        pong = line.receive()
        assert pong
        assert pong.kind == PacketType.PINGRESP
        assert _message(line).qos == granted


def test_subscriptions(line: Device) -> None:
    """Nobody is answered without a subscription, or after its end; every other filter is refused."""
    line.send(_publish(f"{REGISTER}?$rid=1"), _publish(f"{REGISTER}?$rid=2", qos=1))
    answer = line.receive()
    assert answer
    assert answer.kind == PacketType.PUBACK
    assert _subscribe(line, "#", "$dps/#", "$dps/registrations/res/401/#", "$iothub/twin/res/#", ANSWERS) == [0x80] * 4 + [1]
    line.send(_publish(f"{REGISTER}?$rid=3"))
    assert _message(line).topic.endswith("?$rid=3")
    line.send(
        packet(PacketType.UNSUBSCRIBE, b"\0\x09" + text(ANSWERS), 0x02), _publish(f"{REGISTER}?$rid=4"), packet(PacketType.PINGREQ, b"")
    )
    for expected in (PacketType.UNSUBACK, PacketType.PINGRESP):
        answer = line.receive()
        assert answer
        assert answer.kind == expected


def test_no_session_is_kept(service: ProvisioningClient, leaf: Party, tmp_path: Path) -> None:
    """SessionPresent is 0 and no subscription is left, whatever CleanSession says; a device may be connected twice."""
    username = f"{service.id_scope}/registrations/press-001/api-version=2019-03-31"
    hello = packet(PacketType.CONNECT, text("MQTT") + b"\4\x80\0\x3c" + text("press-001") + text(username))
    with Device(Name(service.azure), leaf, tmp_path) as first, Device(Name(service.azure), leaf, tmp_path) as second:
        for line in (first, second):
            line.send(hello)
            answer = line.receive()
            assert answer
            assert answer.body == b"\0\0"
            line.send(_publish(f"{REGISTER}?$rid=1"), packet(PacketType.PINGREQ, b""))
            answer = line.receive()
            assert answer
            assert answer.kind == PacketType.PINGRESP
            assert _subscribe(line, ANSWERS) == [1]
        first.send(_publish(f"{REGISTER}?$rid=2"))
        assert _message(first).topic.endswith("?$rid=2")


@pytest.mark.parametrize("rid", ["0", "1", "7e7c0c8e-2f0a-4b0b-9a3e-0d1c2b3a4f5e", "%2F%3f", "a=b", "é", "x" * 60_000])
def test_the_rid_is_echoed(line: Device, rid: str) -> None:
    """As the device wrote it, and first in the topic of the answer, wherever it was in the question."""
    _subscribe(line, ANSWERS)
    line.send(_publish(f"{REGISTER}?other=1&$rid={rid}"))
    assert _message(line).topic == f"$dps/registrations/res/401/?$rid={rid}"


@pytest.mark.parametrize(("raw", "reason"), [
    (_publish("$dps/registrations/PUT/iotdps-register?$rid=1"), "which is no topic of a provisioning service"),
    (_publish("$dps/registrations/POST/iotdps-register/?$rid=1"), "which is no topic of a provisioning service"),
    (_publish("$dps/registrations/res/200/?$rid=1"), "which is no topic of a provisioning service"),
    (_publish("devices/press-001/messages/events/"), "which is no topic of a provisioning service"),
    (_publish("$iothub/twin/GET/?$rid=1"), "which is no topic of a provisioning service"),
    (_publish(REGISTER), "which has no '$rid'"),
    (_publish(f"{REGISTER}?rid=1"), "which has no '$rid'"),
    (_publish(f"{STATUS}?operationId=1"), "which has no '$rid'"),
    (_publish(f"{REGISTER}?$rid=1", qos=2), "QoS 2"),
    (_publish(f"{REGISTER}?$rid=1", b"x" * (96 * 1024 + 1)), "98304 are allowed"),
    (packet(PacketType.PUBLISH, b"\0\2\xc3\x28x"), "not UTF-8"),
    (packet(PacketType.SUBSCRIBE, b"\0\1", 0x02), "an invalid SUBSCRIBE"),
    (packet(PacketType.UNSUBSCRIBE, b"\0\1", 0x02), "an invalid UNSUBSCRIBE"),
    (packet(PacketType.PUBACK, b"\0\0"), "whose id is 0"),
    (packet(PacketType.DISCONNECT, b"x"), "with something in it"),
    *((packet(kind, b"\0\1"), f"a packet of type {kind}") for kind in (0, 1, 2, 5, 6, 7, 9, 11, 13, 15)),
], ids=lambda value: value if isinstance(value, str) else f"{len(value)}:{value[:30].hex()}")  # fmt: skip
def test_forbidden_packets_close_the_connection(service: ProvisioningClient, line: Device, raw: bytes, reason: str) -> None:
    """The connection ends without an answer, and the control port says why."""
    before = len(_attempts(service.azure))
    line.send(raw)
    assert line.receive() is None
    assert reason in until(lambda: _attempts(service.azure)[before:])[-1]["reason"]


@pytest.mark.parametrize(
    "body", [b"", b" ", b"{}", b"null", b"[]", b"{", b"\xff\xfe", b'"x"', b"[" * 50_000, b'{"registrationId":7}', b"1e999"]
)
def test_odd_bodies_are_answered(line: Device, body: bytes) -> None:
    """Each gets an answer in JSON, and the connection goes on."""
    _subscribe(line, ANSWERS)
    for topic in (REGISTER, f"{STATUS}?operationId=x&"):
        line.send(_publish(f"{topic}{'' if '?' in topic else '?'}$rid=1", body))
        answer = _message(line)
        assert answer.topic.split("/")[3] in {"400", "401", "404"}
        assert {"errorCode", "message", "trackingId", "timestampUtc"} <= answer.body.keys()


def test_a_service_that_was_deleted(azure: LocalAzure, leaf: Party, tmp_path: Path) -> None:
    """Its devices get no answer any more; a new connection finds no such id scope."""
    gone = ProvisioningClient(azure, azure.hub("provisioningServices"))
    username = f"{gone.id_scope}/registrations/press-001/api-version=2019-03-31"
    with Device(Name(azure), leaf, tmp_path) as line:
        assert _code(line, username) == ACCEPTED
        gone.service.delete_hub()
        line.send(_publish(f"{REGISTER}?$rid=1"))
        assert line.receive() is None
    with Device(Name(azure), leaf, tmp_path) as line:
        assert _code(line, username) == UNAVAILABLE
    gone.http.close()


def test_amqp_is_refused_by_its_name(azure: LocalAzure) -> None:
    """The proxy has no way to port 5671 of these names, and says what the client can use instead."""
    proxy = urlsplit(azure.ready["proxy"])
    with socket.create_connection((proxy.hostname, proxy.port), timeout=60) as line:
        line.sendall(f"CONNECT {GLOBAL}:5671 HTTP/1.1\r\n\r\n".encode())
        assert b"provisioning services do not speak AMQP; let the client use MQTT or HTTPS" in line.recv(4096)


@pytest.mark.parametrize(("path", "subprotocol", "reason"), [
    ("/$iothub/websocket", "AMQPWSB10", "provisioning services do not speak AMQP"),
    ("/$iothub/websocket", "stomp", "speaks mqtt, and the client offers stomp"),
    ("/$servicebus/websocket", "mqtt", "there is no WebSocket at '/$servicebus/websocket'"),
])  # fmt: skip
def test_web_sockets_that_are_refused(service: ProvisioningClient, path: str, subprotocol: str, reason: str) -> None:
    """In the envelope of a provisioning service."""
    answer = service.http.get(path, headers=UPGRADE | {"Sec-WebSocket-Protocol": subprotocol})
    assert (answer.status_code, answer.json()["errorCode"]) == (400, 400000)
    assert reason in answer.json()["message"]


@pytest.mark.parametrize("path", ["/$iothub/websocket", "/mqtt"])
def test_web_socket_paths(service: ProvisioningClient, path: str) -> None:
    """The documented one, and the one that Microsoft's Java client asks for."""
    with service.http.stream("GET", path, headers=UPGRADE | {"Sec-WebSocket-Protocol": "mqtt"}) as answer:
        assert (answer.status_code, answer.headers["sec-websocket-protocol"]) == (101, "mqtt")
