"""paho-mqtt, unmodified, as a device of a test: over TLS or over WebSockets, through local Azure's proxy."""

import queue
import socket
import ssl
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import socks
from paho.mqtt.client import CallbackAPIVersion, Client, MQTTMessage

from tests.kit.device_certificates import Party
from tests.kit.hub_client import HubClient

PATIENCE = 60  # seconds
VERSION = "2021-04-12"


class PahoDevice:
    """One device, or its module. Its inbox has what the hub sends."""

    def __init__(
        self,
        hub: HubClient,
        device: str,
        folder: Path,
        *,
        identity: Party | None = None,
        above: tuple[Party, ...] = (),
        password: str = "",
        module: str = "",
        web_sockets: bool = False,
        clean: bool = True,
        will: tuple[str, bytes, int] | None = None,
    ) -> None:
        self.inbox: queue.Queue[MQTTMessage] = queue.Queue()
        self._answers: queue.Queue[Any] = queue.Queue()
        name = f"{device}/{module}" if module else device
        self._port = 443 if web_sockets else 8883
        self._host = hub.host
        self.client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            clean_session=clean,
            transport="websockets" if web_sockets else "tcp",
            reconnect_on_failure=False,
        )
        if web_sockets:
            self.client.ws_set_options("/$iothub/websocket")
        self.client.username_pw_set(f"{hub.host}/{name}/?api-version={VERSION}", password or None)
        context = ssl.create_default_context(cafile=hub.azure.ready["ca_file"])
        if identity:
            context.load_cert_chain(*identity.files(folder, *above))
        self.client.tls_set_context(context)
        proxy = urlsplit(hub.azure.ready["proxy"])
        self.client.proxy_set(proxy_type=socks.HTTP, proxy_addr=proxy.hostname, proxy_port=proxy.port)
        if will:
            self.client.will_set(will[0], will[1], will[2])
        self.client.on_message = lambda _client, _data, message: self.inbox.put(message)
        self.client.on_connect = lambda _client, _data, flags, code, _properties: self._answers.put((str(code), flags.session_present))
        self.client.on_subscribe = lambda _client, _data, _id, codes, _properties: self._answers.put([code.value for code in codes])
        self.client.on_unsubscribe = lambda *_arguments: self._answers.put("unsubscribed")

    def __enter__(self) -> Self:
        """Use it in a `with`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect."""
        self.client.disconnect()
        self.client.loop_stop()

    def connect(self) -> tuple[str, bool]:
        """The answer to a CONNECT: its code in paho's words, and whether the hub still has this device's session."""
        self.client.connect(self._host, self._port)
        self.client.loop_start()
        code, present = self._answers.get(timeout=PATIENCE)
        return code, present

    def subscribe(self, *filters: str, qos: int = 1) -> list[int]:
        """What the hub grants for each filter; 0x80 is a refusal."""
        self.client.subscribe([(each, qos) for each in filters])
        granted: list[int] = self._answers.get(timeout=PATIENCE)
        return granted

    def unsubscribe(self, *filters: str) -> None:
        """End subscriptions."""
        self.client.unsubscribe(list(filters))
        assert self._answers.get(timeout=PATIENCE) == "unsubscribed"

    def publish(self, topic: str, payload: bytes | str = b"", qos: int = 1) -> None:
        """Send a message and wait until it is sent, or at QoS 1 acknowledged."""
        self.client.publish(topic, payload, qos).wait_for_publish(PATIENCE)

    def receive(self) -> MQTTMessage:
        """The next message from the hub."""
        return self.inbox.get(timeout=PATIENCE)

    def lose_line(self) -> None:
        """End the connection without a DISCONNECT, as a network does."""
        found = self.client.socket()
        assert found is not None
        self.client.loop_stop()
        raw = getattr(found, "_socket", found)  # paho's WebSocket keeps the socket that it wraps
        raw.shutdown(socket.SHUT_RDWR)
        raw.close()
