"""MQTT over WebSockets on 443: paho, unmodified, and what only a client of the tests' own would send."""

import asyncio
import base64
import secrets
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_web_socket
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from local_azure_iot.mqtt.packets import PacketType
from tests.kit.device_certificates import Party
from tests.kit.hub_client import HubClient, signature
from tests.kit.mqtt_device import attempts, connect, messages, packet, text, until
from tests.kit.paho_device import PahoDevice

PATH = "/$iothub/websocket"


def test_a_device_with_a_certificate(registry: HubClient, root: Party, tmp_path: Path) -> None:
    """The chain that it sends in TLS on 443 is judged as on 8883; its messages arrive."""
    issuing = root.authority_below("Issuing")
    with PahoDevice(registry, "press-001", tmp_path, identity=issuing.device("press-001"), above=(issuing,), web_sockets=True) as device:
        assert device.connect() == ("Success", False)
        device.publish("devices/press-001/messages/events/", b"hello")
        device.publish("devices/press-001/messages/events/", b"x" * 200_000)
    assert [each["size"] for each in messages(registry, "press-001")] == [5, 200_000]
    entry = attempts(registry, "press-001")[0]
    assert (entry["accepted"], entry["subject"], entry["issuer"]) == (True, "CN=press-001", "CN=Issuing")
    until(lambda: registry.ask("GET", "/devices/press-001").json()["connectionState"] == "Disconnected")
    asked = [each for each in registry.azure.control("GET", "/requests") if each["path"] == PATH and each["host"] == registry.host]
    assert [(each["method"], each["status"]) for each in asked] == [("GET", 101)]


def test_a_device_that_may_not(registry: HubClient, tmp_path: Path) -> None:
    """The reason is the same as over TLS alone: of a chain, and of no chain at all."""
    for identity, reason in ((Party("Stranger").device("press-001"), "neither verified here"), (None, "no certificate was sent")):
        with PahoDevice(registry, "press-001", tmp_path, identity=identity, web_sockets=True) as device:
            assert device.connect()[0] == "Not authorized"
        assert reason in attempts(registry, "press-001")[-1]["reason"]


def test_a_device_with_a_key(registry: HubClient, tmp_path: Path) -> None:
    """A shared access signature is its password."""
    key = registry.put("by-key", authentication={"type": "sas"})["authentication"]["symmetricKey"]["primaryKey"]
    password = signature(f"{registry.host}/devices/by-key", "", key)
    with PahoDevice(registry, "by-key", tmp_path, password=password, web_sockets=True) as device:
        assert device.connect()[0] == "Success"
        assert device.subscribe("$iothub/twin/res/#") == [1]
        device.publish("$iothub/twin/GET/?$rid=1")
        assert device.receive().topic == "$iothub/twin/res/200/?$rid=1"


class _Line:
    """A WebSocket, one call after the other.

    The library's own client for threads reads and writes TLS in two threads, which older Pythons do not protect from each other:
    under load, one opening handshake of hundreds got no answer.
    """

    def __init__(self, runner: asyncio.Runner, connection: ClientConnection) -> None:
        self._runner, self._connection = runner, connection
        self.subprotocol = connection.subprotocol

    def send(self, message: str | bytes | list[bytes]) -> None:
        """Send one message, of one frame or of several."""
        self._runner.run(self._connection.send(message))

    def recv(self) -> str | bytes:
        """The next message, which must come within a minute."""
        return self._runner.run(asyncio.wait_for(self._connection.recv(), 60))


@contextmanager
def _open(hub: HubClient, *subprotocols: str) -> Iterator[_Line]:
    trust = ssl.create_default_context(cafile=hub.azure.ready["ca_file"])
    offered = [Subprotocol(each) for each in subprotocols]

    async def opened() -> ClientConnection:
        url = f"wss://{hub.host}{PATH}"
        return await open_web_socket(url, ssl=trust, proxy=hub.azure.ready["proxy"], compression=None, subprotocols=offered)

    with asyncio.Runner() as runner:
        connection = runner.run(opened())
        try:
            yield _Line(runner, connection)
        finally:
            runner.run(connection.close())


def test_pieces_of_packets_and_several_at_once(registry: HubClient) -> None:
    """Where messages of a WebSocket begin and end says nothing (MQTT 3.1.1, section 6)."""
    key = registry.put("by-key", authentication={"type": "sas"})["authentication"]["symmetricKey"]["primaryKey"]
    password = signature(f"{registry.host}/devices/by-key", "", key)
    hello = connect("by-key", f"{registry.host}/by-key/?api-version=2021-04-12", password)
    ping = packet(PacketType.PINGREQ, b"")
    with _open(registry, "mqttv5", "MQTT") as line:
        assert line.subprotocol == "MQTT"
        for octet in hello[:-1]:
            line.send(bytes((octet,)))
        line.send(hello[-1:] + ping + ping[:1])
        assert line.recv() == b"\x20\x02\0\0\xd0\0"
        line.send([ping[1:], ping])  # one message in two frames
        assert line.recv() == b"\xd0\0\xd0\0"
        line.send(packet(PacketType.PUBLISH, text("a/#")))
        with pytest.raises(ConnectionClosed) as closed:
            line.recv()
    assert closed.value.rcvd
    assert "an invalid PUBLISH" in attempts(registry, "by-key")[-1]["reason"]


def test_text_is_no_mqtt(registry: HubClient) -> None:
    """Data must be in binary frames: the connection ends with code 1003 (RFC 6455, 7.4.1)."""
    with _open(registry, "mqtt") as line:
        line.send("hello")
        with pytest.raises(ConnectionClosed) as closed:
            line.recv()
    assert closed.value.rcvd
    assert closed.value.rcvd.code == 1003


def test_the_target_may_be_a_whole_url(registry: HubClient) -> None:
    """As Java's proton-j asks for a WebSocket behind a proxy (RFC 9112, 3.2.2)."""
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    asking = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key}
    whole = f"https://{registry.host}{PATH}?iothub-no-client-cert=true".encode()
    headers = asking | {"Sec-WebSocket-Protocol": "mqtt"}
    with registry.http.stream("GET", PATH, headers=headers, extensions={"target": whole}) as answer:
        assert (answer.status_code, answer.headers["sec-websocket-protocol"]) == (101, "mqtt")


def _ask(hub: HubClient, path: str = PATH, subprotocol: str = "mqtt", **headers: str) -> httpx.Response:
    """The answer to the request for a WebSocket, where it is refused."""
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    asking = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key}
    offered = {"Sec-WebSocket-Protocol": subprotocol} if subprotocol else {}
    return hub.http.get(path, headers=asking | offered | headers)


@pytest.mark.parametrize(("path", "subprotocol", "headers", "status", "says"), [
    (PATH, "soap", {}, 400, "the client offers soap"),
    (PATH, "", {}, 400, "the client offers no subprotocol"),
    ("/$other/websocket", "mqtt", {}, 400, "there is no WebSocket at '/$other/websocket'"),
    (PATH, "mqtt", {"Host": "management.azure.com"}, 400, "there is no WebSocket"),
    (PATH, "mqtt", {"Host": "example.org"}, 421, "example.org"),
    (PATH, "mqtt", {"Origin": "https://example.org"}, 403, "web page"),
    (PATH, "mqtt", {"Sec-Fetch-Site": "same-origin"}, 403, "web page"),
    (PATH, "mqtt", {"Sec-WebSocket-Version": "8"}, 400, "8"),
    (PATH, "mqtt", {"Sec-WebSocket-Key": "short"}, 400, ""),
    (PATH, "mqtt", {"Upgrade": "h2c"}, 401, "IotHubUnauthorizedAccess"),
])  # fmt: skip
def test_no_web_socket(registry: HubClient, path: str, subprotocol: str, headers: dict[str, str], status: int, says: str) -> None:
    """An HTTP answer says what there is; a web page opens none."""
    answer = _ask(registry, path, subprotocol, **headers)
    assert (answer.status_code, says in answer.text) == (status, True), answer.text


def test_a_fault_hits_the_upgrade(registry: HubClient) -> None:
    """As it hits any request: with an error, or with a lost connection."""
    hit = f"host={registry.host}:path=/$iothub/websocket:times=1"
    registry.azure.control("POST", "/faults", {"spec": f"503:{hit}"})
    assert _ask(registry).status_code == 503
    registry.azure.control("POST", "/faults", {"spec": f"drop:{hit}"})
    with pytest.raises(httpx.RemoteProtocolError):
        _ask(registry)
    with _open(registry, "mqtt") as line:
        assert line.subprotocol == "mqtt"
