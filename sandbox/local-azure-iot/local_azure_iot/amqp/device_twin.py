"""Twins: a device's requests come by one link, answers and changes of desired properties go by another, both of one address.

As Microsoft's clients have it: https://github.com/Azure/azure-iot-sdk-node/blob/main/device/transport/amqp/src/amqp_twin_client.ts.
"""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any

from proton import Message, int32, symbol

from local_azure_iot.amqp import message_properties
from local_azure_iot.amqp.device_link import FromDevice, ToDevice
from local_azure_iot.amqp.link_errors import LIMIT_EXCEEDED, LinkError
from local_azure_iot.hub_registry import device_twin
from local_azure_iot.hub_registry.errors import RegistryError
from local_azure_iot.messaging import twin_notifications

if TYPE_CHECKING:
    from collections.abc import Callable

    from proton import Link

    from local_azure_iot.amqp.link import Service

_DESIRED, _REPORTED, _CHANGES = "/properties/desired", "/properties/reported", "/notifications/twin/properties/desired"
_MOST_WAITING = 100  # answers and changes that the device has not taken
_WRITER = json.JSONEncoder(separators=(",", ":"))


class TwinAnswers(ToDevice):
    """`/devices/{device}[/modules/{module}]/twin`, on which it receives."""

    def __init__(self, service: Service, link: Link, device: str, module: str) -> None:
        super().__init__(service, link, device, module)
        self._waiting: deque[Message] = deque()
        self._stop: Callable[[], None] | None = None

    def closed(self) -> None:
        """Tell of no more changes."""
        self.listen(on=False)
        super().closed()

    def listen(self, *, on: bool) -> None:
        """Send every change of the desired properties, or none."""
        if on and self._stop is None:
            hub_key, who = self.service.hub_key, self.admitted
            self._stop = twin_notifications.subscribe(self.azure, hub_key, who.device, who.module, self._changed)
        elif not on and self._stop is not None:
            self._stop()
            self._stop = None

    def _changed(self, patch: dict[str, Any]) -> None:
        message = Message(body=_WRITER.encode(patch).encode(), inferred=True)
        message.annotations = {symbol("resource"): _DESIRED}
        self.queue(message)

    def queue(self, message: Message) -> None:
        """Send a message as soon as the device takes it."""
        if len(self._waiting) >= _MOST_WAITING:
            self.service.end_link(self.link, LinkError(LIMIT_EXCEEDED, f"{_MOST_WAITING} messages wait for this device to take them"))
            return
        self._waiting.append(message)
        self.service.flush()

    def pump(self) -> None:
        """Send what waits."""
        while self._waiting and self.ready:
            self.send(self._waiting.popleft())


class TwinRequests(FromDevice):
    """The other link, on which it sends requests: `operation` and `resource` are among a message's annotations."""

    def message(self, message: Message) -> None:
        """Do what a message asks for, and answer."""
        self.heard()
        asked = {str(name): message_properties.text(value) for name, value in (message.annotations or {}).items()}
        payload = message_properties.body(message)
        try:
            status, body, version = self._do(asked.get("operation", ""), asked.get("resource", ""), payload, asked.get("version"))
        except RegistryError as error:
            status, body, version = 404, _WRITER.encode({"Message": str(error)}).encode(), None
        answer = Message(body=body, inferred=True)
        answer.correlation_id = message.correlation_id
        answer.annotations = {symbol("status"): int32(status)}
        if version is not None:
            answer.annotations[symbol("version")] = version
        for node in self._answers():
            node.queue(answer)

    def _answers(self) -> list[TwinAnswers]:
        return [node for node in self.connected.nodes if isinstance(node, TwinAnswers)][-1:]

    def _do(self, operation: str, resource: str, payload: bytes, version: str | None) -> tuple[int, bytes, int | None]:
        if operation == "GET":
            return 200, _WRITER.encode(device_twin.read(self.azure, self.admitted)).encode(), None
        if operation == "PATCH" and resource == _REPORTED:
            status, reported = device_twin.report(self.azure, self.admitted, payload, version)
            return status, b"" if reported else _WRITER.encode({"Message": "the patch is not valid"}).encode(), reported
        if operation in {"PUT", "DELETE"} and resource == _CHANGES:
            for node in self._answers():
                node.listen(on=operation == "PUT")
            return 200, b"{}", None  # Java's SDK reads a change of desired properties here, and fails where there is no JSON (a guess)
        return 400, _WRITER.encode({"Message": f"a twin has no '{operation[:50]}' of '{resource[:200]}'"}).encode(), None
