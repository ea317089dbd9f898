"""A device's session with its hub: MQTT 3.1.1 over TLS with a client certificate, through the environment's proxy if there is one.

Source: learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub.
"""

import os
import socket
import ssl
import tempfile
import time
import urllib.request
from collections.abc import Mapping
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
_DEVICE_REMEDY = "check the device's identity, and that the hub trusts its CA"
_PORT_REMEDY = "open port 8883, also in the proxy of HTTPS_PROXY, or turn the check off (connectionCheck: false)"
_PROXIES = {"http": socks.HTTP, "https": socks.HTTP, "socks5": socks.SOCKS5, "socks5h": socks.SOCKS5, "socks4": socks.SOCKS4}


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
            fact = f"its TLS library does not take the device's chain: {error.reason or error}"
            raise SessionError("the connection check", fact, "give a chain with stronger certificates", stage="tls") from None
    return tls


def publish_once(host: str, device_id: str, tls: ssl.SSLContext, *, payload: str, timeout: float) -> None:
    """Connect as the device, publish one message at QoS 1, wait until the hub has it, disconnect.

    Raises:
        SessionError: it failed; ``stage`` says where, as far as a client can see.
    """
    what = f"device '{device_id}' at {host}:{PORT}"
    session = _Session()
    client = session.client(host, device_id, tls, timeout)
    try:
        within(timeout, lambda: _open(client, host, what))
    except TimeOverError:  # DNS, or a handshake: they have no limit of their own
        raise SessionError(what, "the hub does not answer", _PORT_REMEDY, stage="network") from None
    end = time.monotonic() + timeout
    try:
        session.loop(client, what, end, lambda: session.connected)
        session.message = client.publish(f"devices/{device_id}/messages/events/", payload, qos=1).mid
        session.loop(client, what, end, lambda: session.published)
    finally:
        client.disconnect()


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


@dataclass
class _Session:
    """The state that the MQTT client's callbacks record."""

    connected: bool = False
    published: bool = False
    message: int | None = None
    refused: str = ""
    errors: list[str] = field(default_factory=list)

    def client(self, host: str, device_id: str, tls: ssl.SSLContext, timeout: float) -> mqtt.Client:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=device_id, protocol=mqtt.MQTTv311, reconnect_on_failure=False)
        client.username_pw_set(f"{host}/{device_id}/?api-version=2021-04-12")
        client.tls_set_context(tls)
        client.connect_timeout = min(timeout, DEVICE_CONNECT_TIMEOUT)
        if through := proxy(host, os.environ):
            client.proxy_set(**through)
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.on_log = self._on_log
        return client

    def loop(self, client: mqtt.Client, what: str, end: float, done: Any) -> None:
        """Run the client's network loop until ``done()``, or raise at ``end`` (of time.monotonic)."""
        while not done():
            outcome = client.loop(_STEP)
            if self.refused or (outcome is not mqtt.MQTT_ERR_SUCCESS and not done()):
                fact = self.refused or "; ".join(self.errors[-1:]) or "the hub closed the connection"
                raise SessionError(
                    what,
                    f"the hub refuses the device: {fact}",
                    _DEVICE_REMEDY,
                    stage="device",
                )
            if time.monotonic() > end:
                raise SessionError(what, "the hub does not answer", _PORT_REMEDY, stage="network")

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self.connected, self.refused = not reason.is_failure, str(reason) if reason.is_failure else ""

    def _on_publish(self, _client: Any, _data: Any, message: int, _reason: Any, _properties: Any) -> None:
        self.published = self.published or message == self.message

    def _on_log(self, _client: Any, _data: Any, level: int, text: str) -> None:
        if level == LogLevel.MQTT_LOG_ERR:
            self.errors.append(one_line(text))


def _open(client: mqtt.Client, host: str, what: str) -> None:
    """Connect. Failures of DNS, network and TLS are different errors."""
    try:
        client.connect(host, PORT, keepalive=60)
    except ssl.SSLCertVerificationError as error:
        fact = f"TLS to the hub: its certificate is not trusted on this machine ({error.verify_message})"
        remedy = "add its root certificate (SSL_CERT_FILE), or bypass the proxy that intercepts TLS"
        raise SessionError(what, fact, remedy, stage="tls") from None
    except ssl.SSLError as error:
        raise SessionError(what, f"TLS fails: {error.reason or error}", _DEVICE_REMEDY, stage="device") from None
    except socket.gaierror:
        raise SessionError(
            what, "the hub's name can't be resolved", "check the hub's name and the DNS of this machine", stage="name"
        ) from None
    except socks.ProxyError as error:
        fact = f"the proxy can't reach it ({one_line(error)})"
        raise SessionError(what, fact, f"check the hub's name; {_PORT_REMEDY}", stage="name") from None
    except OSError as error:
        fact = f"no connection ({error.strerror or ('it timed out' if isinstance(error, TimeoutError) else type(error).__name__)})"
        raise SessionError(what, fact, _PORT_REMEDY, stage="network") from None
