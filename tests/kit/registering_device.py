"""paho-mqtt, unmodified, as a device that asks a provisioning service for its hub: over TLS or WebSockets, through local Azure's proxy."""

import json
import queue
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit

import socks
from paho.mqtt.client import CallbackAPIVersion, Client, MQTTMessage

from tests.kit.device_certificates import Party
from tests.kit.hub_client import signature
from tests.kit.paho_device import PATIENCE
from tests.kit.provisioning_client import GLOBAL, ProvisioningClient

VERSION = "2019-03-31"
_POLL = 0.02  # seconds; Microsoft's clients wait for two or three


@dataclass(frozen=True)
class Answer:
    """What a provisioning service answered to one message."""

    status: int
    body: dict[str, Any]
    retry_after: int | None  # seconds


def device_password(scope: str, registration_id: str, key: str, *, seconds: int = 300) -> str:
    """What a device with a symmetric key has as its password."""
    return signature(f"{scope}/registrations/{registration_id}", "registration", key, seconds=seconds)


class RegisteringDevice:
    """One connection of a device to a provisioning service, by certificate or by symmetric key."""

    def __init__(
        self,
        service: ProvisioningClient,
        registration_id: str,
        folder: Path,
        *,
        identity: Party | None = None,
        above: tuple[Party, ...] = (),
        key: str = "",
        host: str = GLOBAL,
        scope: str = "",
        web_sockets: bool = False,
    ) -> None:
        self._answers: queue.Queue[Any] = queue.Queue()
        self._id, self._request = registration_id, 0
        self._place = (host, 443 if web_sockets else 8883)
        scope = scope or service.id_scope
        self.client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=registration_id,
            transport="websockets" if web_sockets else "tcp",
            reconnect_on_failure=False,
        )
        if web_sockets:
            self.client.ws_set_options("/$iothub/websocket")
        password = device_password(scope, registration_id, key) if key else None
        self.client.username_pw_set(f"{scope}/registrations/{registration_id}/api-version={VERSION}&ClientVersion=paho%2F2", password)
        context = ssl.create_default_context(cafile=service.azure.ready["ca_file"])
        if identity:
            context.load_cert_chain(*identity.files(folder, *above))
        self.client.tls_set_context(context)
        proxy = urlsplit(service.azure.ready["proxy"])
        self.client.proxy_set(proxy_type=socks.HTTP, proxy_addr=proxy.hostname, proxy_port=proxy.port)
        self.client.on_message = lambda _client, _data, message: self._answers.put(message)
        self.client.on_connect = lambda _client, _data, flags, code, _properties: self._answers.put((str(code), flags.session_present))
        self.client.on_subscribe = lambda _client, _data, _id, codes, _properties: self._answers.put([code.value for code in codes])

    def __enter__(self) -> Self:
        """Use it in a `with`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect."""
        self.client.disconnect()
        self.client.loop_stop()

    def connect(self) -> str:
        """The answer to a CONNECT in paho's words; if the service accepts it, the device has subscribed to answers."""
        self.client.connect(*self._place)
        self.client.loop_start()
        code, present = self._answers.get(timeout=PATIENCE)
        assert present is False
        if code == "Success":
            self.client.subscribe("$dps/registrations/res/#", 1)
            assert self._answers.get(timeout=PATIENCE) == [1]
        return str(code)

    def register(self, body: bytes | None = None) -> Answer:
        """Ask to be registered, by default with the body that most clients send."""
        sent = json.dumps({"registrationId": self._id}).encode() if body is None else body
        return self._ask("PUT/iotdps-register/", sent)

    def status(self, operation: str) -> Answer:
        """Ask what came of it."""
        return self._ask("GET/iotdps-get-operationstatus/", b" ", f"&operationId={quote(operation)}")

    def outcome(self) -> Answer:
        """Ask to be registered, and then until there is an outcome."""
        answer, end = self.register(), time.monotonic() + PATIENCE
        while answer.status == 202:
            assert time.monotonic() < end, f"{answer.body} is still the answer after {PATIENCE} s"
            time.sleep(_POLL)
            answer = self.status(answer.body["operationId"])
        return answer

    def _ask(self, path: str, body: bytes, more: str = "") -> Answer:
        self._request += 1
        self.client.publish(f"$dps/registrations/{path}?$rid={self._request}{more}", body, 1).wait_for_publish(PATIENCE)
        message: MQTTMessage = self._answers.get(timeout=PATIENCE)
        topic, _, parameters = message.topic.partition("?")
        first, *others = parameters.split("&")
        assert first == f"$rid={self._request}"
        later = next((int(each.removeprefix("retry-after=")) for each in others if each.startswith("retry-after=")), None)
        return Answer(int(topic.split("/")[3]), json.loads(message.payload), later)
