"""One MQTT 3.1.1 connection over TLS with a client certificate, through the environment's proxy if there is one.

Devices use it for their hub and for their provisioning service. Each failure is one line that says where it failed.
"""

import os
import socket
import ssl
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import certifi
import socks
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, LogLevel

from hubtrust.azure.addresses import address_parts
from hubtrust.azure.errors import SessionError
from hubtrust.azure.retry import DEVICE_CONNECT_TIMEOUT
from hubtrust.azure.time_limit import TimeOverError, within
from hubtrust.errors import one_line

PORT = 8883
_STEP = 0.1  # seconds that the client's loop waits for its socket
_PORT_REMEDY = "open port 8883, also in the proxy of HTTPS_PROXY, or turn the check off (connectionCheck: false)"
_PROXIES = {"http": socks.HTTP, "https": socks.HTTP, "socks5": socks.SOCKS5, "socks5h": socks.SOCKS5, "socks4": socks.SOCKS4}
# MQTT 3.1.1's return codes of a CONNACK (3.2.2.3), by the numbers of MQTT 5 that paho has for them.
_RETURN_CODES = {132: 1, 133: 2, 136: 3, 134: 4, 135: 5}


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device authenticates with: its chain, its own certificate first, and its key, encrypted because it passes through a file."""

    chain: str  # PEM
    private_key: bytes = field(repr=False)  # PEM, encrypted PKCS#8
    passphrase: bytes = field(repr=False)


def context(identity: Identity) -> ssl.SSLContext:
    """TLS as a device uses it: the hub is verified with the roots in SSL_CERT_FILE, otherwise with the machine's roots and certifi's.

    Python loads keys from files only: this one is encrypted, readable by its owner alone, and deleted when the context is created.

    Raises:
        SessionError: OpenSSL does not load the chain.
    """
    tls = ssl.create_default_context()
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    if not os.environ.get("SSL_CERT_FILE"):
        tls.load_verify_locations(cafile=certifi.where())
    with tempfile.TemporaryDirectory(prefix="hubtrust-") as folder:  # created with mode 0700
        chain, key = Path(folder) / "chain.pem", Path(folder) / "key.pem"
        chain.write_text(identity.chain, encoding="utf-8")
        key.write_bytes(identity.private_key)
        try:
            tls.load_cert_chain(chain, key, identity.passphrase)
        except ssl.SSLError as error:
            fact = f"its TLS library does not accept the device's chain: {error.reason or error}"
            raise SessionError("the connection check", fact, "give a chain with stronger certificates", stage="tls") from None
    return tls


@dataclass(frozen=True, slots=True)
class Peer:
    """What a device connects to: its host, what errors call it, and what to do if it refuses the device."""

    host: str
    title: str  # such as `the hub`
    remedy: str


@dataclass
class Connection:
    """A connection to ``peer``; ``what`` is what fails in errors. ``close`` it.

    The state is what the client's callbacks record. All waits end together, ``seconds`` after TLS is there.
    """

    peer: Peer
    what: str
    client_id: str
    seconds: float
    client: mqtt.Client = field(init=False)
    connected: bool = False
    refused: str = ""  # by a CONNACK, in words
    return_code: int | None = None  # of a CONNACK that refuses, as MQTT 3.1.1 numbers it
    subscribed: set[int | None] = field(default_factory=set)  # packet ids
    published: set[int] = field(default_factory=set)  # packet ids
    received: list[mqtt.MQTTMessage] = field(default_factory=list)
    _errors: list[str] = field(default_factory=list)
    _end: float = 0.0  # of time.monotonic

    def __post_init__(self) -> None:
        """Make the client; nothing is sent yet."""
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=self.client_id, protocol=mqtt.MQTTv311, reconnect_on_failure=False)
        client.connect_timeout = min(self.seconds, DEVICE_CONNECT_TIMEOUT)
        client.on_connect, client.on_publish, client.on_log = self._on_connect, self._on_publish, self._on_log
        client.on_subscribe, client.on_message = self._on_subscribe, self._on_message
        self.client = client

    def open(self, username: str, tls: ssl.SSLContext) -> None:
        """Connect, and wait for the CONNACK.

        Raises:
            SessionError: see ``wait``; failures of DNS, network and TLS are different errors.
        """
        self.client.username_pw_set(username)
        self.client.tls_set_context(tls)
        if through := proxy(self.peer.host, os.environ):
            self.client.proxy_set(**through)
        try:
            within(self.seconds, self._connect)
        except TimeOverError:  # DNS, or a handshake: they have no limit of their own
            raise self._silent() from None
        self._end = time.monotonic() + self.seconds
        self.wait(lambda: self.connected)

    def close(self) -> None:
        """Disconnect; nothing happens where there is no connection."""
        self.client.disconnect()

    def wait(self, done: Callable[[], bool]) -> None:
        """Run the client's network loop until ``done()``.

        Raises:
            SessionError: the other side refuses the device or closes the connection (stage `device`), or the time is over (`network`).
        """
        while not done():
            outcome = self.client.loop(_STEP)
            if self.refused or (outcome is not mqtt.MQTT_ERR_SUCCESS and not done()):
                fact = self.refused or "; ".join(self._errors[-1:]) or f"{self.peer.title} closed the connection"
                refusal = f"{self.peer.title} refuses the device: {fact}"
                raise SessionError(self.what, refusal, self.peer.remedy, stage="device", return_code=self.return_code)
            if time.monotonic() > self._end:
                raise self._silent()

    def pause(self, seconds: float) -> None:
        """As ``wait``, for so many seconds, while the connection stays open."""
        until = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() >= until)

    def seconds_left(self) -> float:
        """Until no wait goes on."""
        return self._end - time.monotonic()

    def _silent(self) -> SessionError:
        return SessionError(self.what, f"{self.peer.title} does not answer", _PORT_REMEDY, stage="network")

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self.connected = not reason.is_failure
        if reason.is_failure:
            self.refused, self.return_code = str(reason), _RETURN_CODES.get(reason.value)

    def _on_subscribe(self, _client: Any, _data: Any, message: int, _reasons: Any, _properties: Any) -> None:
        self.subscribed.add(message)

    def _on_publish(self, _client: Any, _data: Any, message: int, _reason: Any, _properties: Any) -> None:
        self.published.add(message)

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        self.received.append(message)

    def _on_log(self, _client: Any, _data: Any, level: int, text: str) -> None:
        if level == LogLevel.MQTT_LOG_ERR:
            self._errors.append(one_line(text))

    def _connect(self) -> None:
        peer = self.peer
        try:
            self.client.connect(peer.host, PORT, keepalive=60)
        except ssl.SSLCertVerificationError as error:
            fact = f"TLS to {peer.title}: its certificate is not trusted on this machine ({error.verify_message})"
            remedy = "add its root certificate (SSL_CERT_FILE), or bypass the proxy that intercepts TLS"
            raise SessionError(self.what, fact, remedy, stage="tls") from None
        except ssl.SSLError as error:
            raise SessionError(self.what, f"TLS fails: {error.reason or error}", peer.remedy, stage="device") from None
        except socket.gaierror:
            fact, remedy = f"{peer.title}'s name can't be resolved", f"check {peer.title}'s name and the DNS of this machine"
            raise SessionError(self.what, fact, remedy, stage="name") from None
        except socks.ProxyError as error:
            fact = f"the proxy can't reach it ({one_line(error)})"
            raise SessionError(self.what, fact, f"check {peer.title}'s name; {_PORT_REMEDY}", stage="name") from None
        except OSError as error:
            why = error.strerror or ("it timed out" if isinstance(error, TimeoutError) else type(error).__name__)
            raise SessionError(self.what, f"no connection ({why})", _PORT_REMEDY, stage="network") from None


def proxy(host: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """PySocks' arguments for the proxy that ``environment`` sets for ``host``; empty if it sets none.

    Raises:
        SessionError: what it sets is not the address of a proxy; the error does not repeat it, because it may have a password.
    """
    variables = {name.lower(): value for name, value in environment.items()}
    url = variables.get("https_proxy") or variables.get("all_proxy")
    if not url or urllib.request.proxy_bypass_environment(host, {"no": variables.get("no_proxy", "")}):  # type: ignore[attr-defined] # not in the stubs
        return {}
    found = address_parts(url if "://" in url else f"http://{url}")
    if found is None:
        fact = "HTTPS_PROXY or ALL_PROXY is not the address of one"
        raise SessionError("the proxy", fact, "write it as http://<name>:<port>, or unset it", stage="network")
    arguments: dict[str, Any] = {"proxy_type": _PROXIES.get(found.scheme, socks.HTTP), "proxy_addr": found.hostname}
    arguments["proxy_port"] = found.port or 8080
    if found.username:
        arguments |= {"proxy_username": unquote(found.username), "proxy_password": unquote(found.password or "")}
    return arguments
