"""A device without a client library, so that a test can send packets that no library would send."""

import socket
import ssl
import time
from pathlib import Path
from typing import Any, Protocol, Self
from urllib.parse import quote, urlsplit

from local_azure_iot.mqtt import packets, sent_packets
from tests.kit.device_certificates import Party
from tests.kit.hub_client import HubClient
from tests.kit.local_azure import LocalAzure

API = "?api-version=2021-04-12"


def text(value: str) -> bytes:
    """A string in MQTT's encoding."""
    raw = value.encode()
    return len(raw).to_bytes(2, "big") + raw


def packet(kind: int, body: bytes, flags: int = 0) -> bytes:
    """A control packet."""
    return bytes((kind << 4 | flags,)) + sent_packets.length(len(body)) + body


def connect(client_id: str, username: str, password: str = "", *, keep_alive: int = 60, level: int = 4) -> bytes:
    """A CONNECT."""
    flags = 0x82 | (0x40 if password else 0)
    body = text("MQTT") + bytes((level, flags)) + keep_alive.to_bytes(2, "big")
    if level == 5:
        body += b"\0"
    return packet(1, body + text(client_id) + text(username) + (text(password) if password else b""))


class Place(Protocol):
    """A hub, or another service that devices connect to."""

    azure: LocalAzure

    @property
    def host(self) -> str:
        """Its host name."""


class Device:
    """One TLS connection to a host name."""

    def __init__(
        self,
        client: Place,
        identity: Party | None,
        folder: Path,
        *,
        above: tuple[Party, ...] = (),
        name: str | None = None,
        version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    ) -> None:
        context = ssl.create_default_context(cafile=client.azure.ready["ca_file"])
        context.maximum_version = version
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # so that the client sends whatever it has
        if identity:
            context.load_cert_chain(*identity.files(folder, *above))
        if name == "":
            context.check_hostname = False
        place = urlsplit(client.azure.ready["mqtt"])
        plain = socket.create_connection((place.hostname, place.port), timeout=120)
        self._buffer = bytearray()
        self.host = client.host
        self.tls = context.wrap_socket(plain, server_hostname=(client.host if name is None else name) or None)

    def __enter__(self) -> Self:
        """Use it in a `with`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection without DISCONNECT."""
        self.tls.close()

    def send(self, *raw: bytes) -> None:
        """Send packets in one write."""
        self.tls.sendall(b"".join(raw))

    def receive(self) -> packets.Packet | None:
        """The next packet, or None once the hub has closed."""
        while (found := packets.split(self._buffer)) is None:
            try:
                data = self.tls.recv(4096)
            except (ConnectionError, ssl.SSLError):
                return None
            if not data:
                return None
            self._buffer += data
        return found

    def connect(self, device: str, **members: Any) -> int | None:
        """Send CONNECT as this device; returns the return code, or None if the hub closed the connection without one."""
        self.send(connect(device, f"{self.host}/{device}/{API}", **members))
        answer = self.receive()
        return answer.body[1] if answer else None


def attempts(client: HubClient, device: str) -> list[dict[str, Any]]:
    """The connection attempts of a device on this hub, from the control port."""
    found = client.azure.control("GET", f"/connections?device={quote(device, safe='')}")
    return [each for each in found if each["host"] == client.host]


def messages(client: HubClient, device: str) -> list[dict[str, Any]]:
    """The messages that a device sent to this hub, from the control port."""
    found = client.azure.control("GET", f"/messages?device={quote(device, safe='')}")
    return [each for each in found if each["host"] == client.host]


def until(condition: Any) -> Any:
    """Wait up to 60 seconds for a true value of ``condition``, and return it."""
    end = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < end, "the condition was not met within 60 s"
        time.sleep(0.02)
    return found
