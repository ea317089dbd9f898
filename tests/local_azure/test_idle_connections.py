"""Connections that do nothing: whichever of local Azure's ports they are to, and however far they came, they end; busy ones do not."""

import base64
import itertools
import secrets
import select
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.frames import Frame, Opcode

from local_azure_iot.mqtt.packets import PacketType
from local_azure_iot.mqtt.session import longest_silence
from sandbox import commands
from tests.kit.control_port import authorization, control
from tests.kit.device_certificates import Party
from tests.kit.hub_client import HubClient
from tests.kit.local_azure import PATIENCE, LocalAzure, local_azure
from tests.kit.mqtt_device import Device, attempts, connect, packet, text, until

IDLE = 2.0  # seconds: a busy machine must finish a handshake in that time
ARM, HUB = "management.azure.com", "trial.azure-devices.net"
HEAD = f"GET /metadata/endpoints?api-version=2022-09-01 HTTP/1.1\r\nHost: {ARM}\r\n"


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAzure]:
    """Local Azure that does not wait for long."""
    with local_azure(tmp_path_factory.mktemp("azure"), "--idle-seconds", str(IDLE)) as found:
        yield found


@contextmanager
def plain(azure: LocalAzure, port: str) -> Iterator[socket.socket]:
    """A TCP connection to a port: arm, control, proxy or mqtt; `arm by proxy` is a tunnel."""
    name, _, by = port.partition(" by ")
    parts = urlsplit(azure.ready[by or name])
    with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE) as sock:
        if by:
            target = f"{ARM}:443" if name == "arm" else f"{HUB}:8883"
            sock.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
            assert sock.recv(4096).startswith(b"HTTP/1.1 200")
        yield sock


@contextmanager
def secured(azure: LocalAzure, port: str) -> Iterator[socket.socket]:
    """A connection with TLS established."""
    context = ssl.create_default_context(cafile=azure.ready["ca_file"])
    with plain(azure, port) as sock, context.wrap_socket(sock, server_hostname=HUB if port.startswith("mqtt") else ARM) as found:
        yield found


def until_it_ends(sock: socket.socket, case: str = "") -> bytes:
    """What local Azure sends until it ends the connection; it must end it."""
    found = b""
    try:
        while data := sock.recv(65536):
            found += data
    except (ConnectionError, ssl.SSLEOFError):
        pass
    except TimeoutError:
        pytest.fail(f"the connection did not end within {PATIENCE} s: {case}")
    return found


_TLS = ["arm", "mqtt", "arm by proxy", "mqtt by proxy"]


def test_a_client_that_says_nothing(azure: LocalAzure) -> None:
    """It connected, and that is all: the connection ends, and not before its time. Inside TLS too, after the handshake."""
    with ExitStack() as open_:
        began = time.monotonic()
        silent = {port: open_.enter_context(plain(azure, port)) for port in (*_TLS, "control", "proxy")}
        silent |= {f"{port} after the handshake": open_.enter_context(secured(azure, port)) for port in _TLS}
        for case, sock in silent.items():
            assert until_it_ends(sock, case) == b"", case
            assert time.monotonic() - began > IDLE * 0.9, case


def test_a_handshake_that_never_ends(azure: LocalAzure) -> None:
    """The beginning of a ClientHello, and a whole one whose answer gets no answer."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    hello = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname=ARM)
    with pytest.raises(ssl.SSLWantReadError):
        hello.do_handshake()
    whole = outgoing.read()
    with ExitStack() as open_:
        begun = {(port, sent): open_.enter_context(plain(azure, port)) for port in _TLS for sent in (whole, whole[:6], whole[:-1])}
        for (_, sent), sock in begun.items():
            sock.sendall(sent)
        for (port, sent), sock in begun.items():
            answer = until_it_ends(sock, f"{port}, {len(sent)} octets")
            assert (answer[:1] == b"\x16") == (sent == whole), "the server's part of the handshake came, if the client's was whole"


@pytest.mark.parametrize("port", ["arm", "arm by proxy", "control"])
def test_the_rest_of_a_request_never_comes(azure: LocalAzure, port: str) -> None:
    """Half a head, half a body, a line's end; as the first request of a connection and as a later one."""
    host = f"Host: {ARM}\r\n"
    parts = ["G", HEAD, f"{HEAD}Content-Length: 10\r\n\r\nhalf", f"{HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhal", "\r\n"]
    whole = f"{HEAD}\r\n"
    if port == "control":
        mine = f"Host: 127.0.0.1\r\nAuthorization: {authorization(azure.ready)['Authorization']}\r\nContent-Type: application/json\r\n"
        whole, *parts = (text.replace(host, mine).replace("/metadata/endpoints", "/health") for text in (whole, *parts))
    with ExitStack() as open_:
        begun = {}
        for case in itertools.product(parts, (0, 1, 2)):
            sock = begun[case] = open_.enter_context((plain if port == "control" else secured)(azure, port))
            for _ in range(case[1]):
                sock.sendall(whole.encode())
                answer = b""
                while b"\r\n\r\n" not in answer or len(answer.partition(b"\r\n\r\n")[2]) < _length(answer):
                    answer += sock.recv(65536)
                assert answer.startswith(b"HTTP/1.1 200")
            sock.sendall(case[0].encode())
        for (part, after), sock in begun.items():
            until_it_ends(sock, f"{part!r} after {after} requests")


def _length(answer: bytes) -> int:
    head = answer.partition(b"\r\n\r\n")[0].decode("latin-1").lower()
    return int(head.partition("content-length: ")[2].partition("\r\n")[0])


@pytest.mark.parametrize(("port", "piece"), [("arm", b"X-More: 1\r\n"), ("control", b"a"), ("proxy", b"X-More: 1\r\n")])
def test_a_request_in_drops(azure: LocalAzure, port: str, piece: bytes) -> None:
    """Each drop comes soon after the one before it, and the request has no end: the whole of it has one limit."""
    with (secured if port == "arm" else plain)(azure, port) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nX: ")
        sock.settimeout(IDLE / 10)
        end = time.monotonic() + PATIENCE
        while True:
            assert time.monotonic() < end, "the connection did not end"
            try:
                sock.sendall(piece)
                if sock.recv(4096) == b"":
                    break
            except TimeoutError:
                continue
            except (ConnectionError, ssl.SSLError):
                break


def test_the_rest_of_a_connect_never_comes(azure: LocalAzure) -> None:
    """A device that sent half a CONNECT; the log says how long it had."""
    with ExitStack() as open_:
        for port, sent in itertools.product(("mqtt", "mqtt by proxy"), (b"\x10", connect("press-001", "u")[:-3])):
            sock = open_.enter_context(secured(azure, port))
            sock.sendall(sent)
            open_.callback(until_it_ends, sock, f"{port}, {len(sent)} octets")

    until(
        lambda: any(f"no CONNECT within {IDLE:g} seconds" in each["reason"] for each in control(azure.ready, "GET", "/connections").json())
    )


def ends_unread(sock: socket.socket, request: bytes) -> None:
    """Send requests and read nothing, until local Azure ends the connection."""
    sock.setblocking(False)
    hung = select.poll()
    hung.register(sock.fileno(), 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that little is enough to fill it
    end = time.monotonic() + PATIENCE
    while not hung.poll(20):
        assert time.monotonic() < end, "the connection did not end"
        try:
            sock.send(request)
        except (BlockingIOError, ssl.SSLWantWriteError):
            continue
        except (ConnectionError, ssl.SSLError):
            return


@pytest.mark.parametrize("port", ["arm", "arm by proxy"])
def test_a_client_that_never_reads(azure: LocalAzure, port: str) -> None:
    """Answers that nobody reads are not kept for ever."""
    path = f"/subscriptions/{azure.ready['subscription_id']}/locations?api-version=2021-04-01"
    request = f"GET {path} HTTP/1.1\r\nHost: {ARM}\r\nAuthorization: {azure.token['Authorization']}\r\n\r\n"
    with secured(azure, port) as sock:
        ends_unread(sock, request.encode() * 20)


@pytest.fixture
def device(azure: LocalAzure, tmp_path: Path) -> Iterator[Device]:
    """A connected device whose keep-alive is a minute."""
    root = Party("Trial root")
    registry = HubClient(azure, azure.hub())
    registry.hub.put("root", root.pem, isVerified=True)
    registry.put("press-001")
    large = {"properties": {"desired": {f"text{number}": "x" * 4000 for number in range(7)}}}
    registry.ask("PATCH", "/twins/press-001", json=large).raise_for_status()
    with closing(registry.http), Device(registry, root.device("press-001"), tmp_path) as found:
        assert found.connect("press-001") == 0
        assert [each["accepted"] for each in attempts(registry, "press-001")] == [True]
        yield found


def test_a_device_that_never_reads(device: Device) -> None:
    """It asks for its twin, again and again, and never hears the answers."""
    device.send(packet(PacketType.SUBSCRIBE, b"\0\1" + text("$iothub/twin/res/#") + b"\0", 0x02))
    ends_unread(device.tls, packet(PacketType.PUBLISH, text("$iothub/twin/GET/?$rid=1")) * 20)


@contextmanager
def upgraded(azure: LocalAzure) -> Iterator[ssl.SSLSocket]:
    """A WebSocket for MQTT, as a socket."""
    place = urlsplit(azure.ready["arm"])
    context = ssl.create_default_context(cafile=azure.ready["ca_file"])
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    asking = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
    with (
        socket.create_connection((place.hostname, place.port), timeout=PATIENCE) as plain_,
        context.wrap_socket(plain_, server_hostname=HUB) as sock,
    ):
        sock.sendall(f"GET /$iothub/websocket HTTP/1.1\r\nHost: {HUB}\r\n{asking}Sec-WebSocket-Protocol: mqtt\r\n\r\n".encode())
        assert sock.recv(4096).startswith(b"HTTP/1.1 101")
        yield sock


def _frame(opcode: Opcode, data: bytes) -> bytes:
    return Frame(opcode, data).serialize(mask=True)


def test_a_web_socket_that_does_nothing(azure: LocalAzure) -> None:
    """It sends nothing, half a frame, pings alone, half a CONNECT, or does not close its side: each ends, and not before its time."""
    hello = connect("press-001", "u")
    parts = [b"", _frame(Opcode.BINARY, hello)[:5], _frame(Opcode.PING, b""), _frame(Opcode.BINARY, hello[:-3]), _frame(Opcode.TEXT, b"x")]
    with ExitStack() as open_:
        began = time.monotonic()
        for part in parts:
            sock = open_.enter_context(upgraded(azure))
            sock.sendall(part)
            open_.callback(until_it_ends, sock, f"{part!r}")
    assert time.monotonic() - began > IDLE * 0.9


def test_a_web_socket_that_never_reads(azure: LocalAzure) -> None:
    """Answers that nobody reads are not kept for ever."""
    with upgraded(azure) as sock:
        ends_unread(sock, _frame(Opcode.PING, b"x" * 100) * 200)


def test_who_is_not_idle_stays(azure: LocalAzure, device: Device) -> None:
    """A device within its keep-alive, and a client whose answer takes long: each beyond the time that an idle connection has."""
    control(azure.ready, "POST", "/faults", {"spec": f"latency:path=/metadata/endpoints:seconds={IDLE * 3}:times=2"})
    with ExitStack() as open_:
        asking = [open_.enter_context(secured(azure, port)) for port in ("arm", "arm by proxy")]
        for sock in asking:
            sock.sendall(f"{HEAD}Connection: close\r\n\r\n".encode())
        for sock in asking:
            assert until_it_ends(sock).startswith(b"HTTP/1.1 200")
    device.send(packet(PacketType.PINGREQ, b""))
    answer = device.receive()

    assert answer
    assert answer.kind == PacketType.PINGRESP


@pytest.mark.parametrize(("keep_alive", "seconds"), [(0, 1767), (1, 1.5), (60, 90), (1177, 1765.5), (1178, 1767), (65535, 1767)])
def test_a_device_that_asks_for_no_limit_has_one(keep_alive: int, seconds: float) -> None:
    """As on Azure: a device may be silent for 29.45 minutes at most, whatever its CONNECT says."""
    assert longest_silence(keep_alive) == seconds


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf"])
def test_a_limit_that_is_none(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line with what to write instead."""
    assert commands.main(["cloud", "--idle-seconds", seconds]) == 1
    assert "--idle-seconds" in capsys.readouterr().err


@pytest.mark.parametrize("more", [b"a" * 65_536, b"x: " + b"a" * 8_000 + b"\r\n"], ids=["one header", "many headers"])
def test_a_head_without_an_end(azure: LocalAzure, more: bytes) -> None:
    """The head of a request may not grow for ever: 400, long before its time is over."""
    with secured(azure, "arm") as sock:
        sock.sendall(HEAD.encode() + b"long: ")
        with pytest.raises((ConnectionError, ssl.SSLError)):
            sock.sendall(more * (64_000_000 // len(more)))
