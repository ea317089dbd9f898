"""A device with its certificate, and its connection to its hub."""

from __future__ import annotations

import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from paho.mqtt.client import Client

    from local_azure_iot.testing.hub import Hub

_API = "2021-04-12"
_PORT, _HTTPS_PORT = 8883, 443
_WEBSOCKET = "/$iothub/websocket"
_PATIENCE_SECONDS = 30


class DeviceRefusedError(AssertionError):
    """The hub refused the device; the message says why, which a real hub never does."""


@dataclass(frozen=True)
class Device:
    """A registered device, and the files with which it connects."""

    hub: Hub
    id: str
    certificate_file: Path  # its chain, PEM
    key_file: Path

    @property
    def user_name(self) -> str:
        """MQTT's user name (learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub)."""
        return f"{self.hub.host_name}/{self.id}/?api-version={_API}"

    @property
    def events_topic(self) -> str:
        """The topic for messages to the hub."""
        return f"devices/{self.id}/messages/events/"

    @contextmanager
    def connect(self, *, websockets: bool = False) -> Iterator[Client]:
        """The device, connected by MQTT under the hub's own name: a client of paho-mqtt 2, whose network loop runs in a thread.

        ``websockets``: on port 443, as devices connect where 8883 is closed.

        Raises:
            DeviceRefusedError: The hub refuses the device.
            TimeoutError: The hub does not answer.
            ModuleNotFoundError: paho-mqtt or PySocks is not installed.
        """
        client, outcome = self._client(websockets=websockets)
        client.connect(self.hub.host_name, _HTTPS_PORT if websockets else _PORT)
        client.loop_start()
        try:
            if not outcome.answered.wait(_PATIENCE_SECONDS):
                raise TimeoutError(f"hub '{self.hub.name}' did not answer device '{self.id}' within {_PATIENCE_SECONDS} s")
            if not outcome.accepted:
                raise DeviceRefusedError(f"device '{self.id}': {self.hub.why(self.id)['answer']}")
            yield client
        finally:
            client.disconnect()
            client.loop_stop()

    def _client(self, *, websockets: bool) -> tuple[Client, _Outcome]:
        try:
            import socks  # type: ignore[import-untyped,unused-ignore] # PySocks has no types
            from paho.mqtt.client import Client, MQTTv311
            from paho.mqtt.enums import CallbackAPIVersion
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(f"{error}; install local-azure-iot with its extra `testing`, or paho-mqtt and PySocks") from error
        transport: Literal["tcp", "websockets"] = "websockets" if websockets else "tcp"
        client = Client(CallbackAPIVersion.VERSION2, self.id, protocol=MQTTv311, transport=transport, reconnect_on_failure=False)
        client.ws_set_options(_WEBSOCKET)
        client.username_pw_set(self.user_name)
        context = ssl.create_default_context(cafile=str(self.hub.azure.ca_file))
        context.load_cert_chain(self.certificate_file, self.key_file)
        client.tls_set_context(context)
        proxy = urlsplit(self.hub.azure.ready["proxy"])
        client.proxy_set(proxy_type=socks.HTTP, proxy_addr=proxy.hostname, proxy_port=proxy.port)
        outcome = _Outcome()
        client.on_connect = lambda _client, _data, _flags, reason, _properties: outcome.set(accepted=not reason.is_failure)
        client.on_disconnect = lambda _client, _data, _flags, _reason, _properties: outcome.set(accepted=False)
        return client, outcome


class _Outcome:
    """How the first CONNECT ended."""

    def __init__(self) -> None:
        self.answered = threading.Event()
        self.accepted = False

    def set(self, *, accepted: bool) -> None:
        """Record the outcome, once."""
        if not self.answered.is_set():
            self.accepted = accepted
            self.answered.set()
