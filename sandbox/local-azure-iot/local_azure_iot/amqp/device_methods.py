"""Direct methods: calls go to a device by one link, and its answers come by another, both of one address.

As Microsoft's clients have it: https://github.com/Azure/azure-iot-sdk-node/blob/main/device/transport/amqp/src/amqp_device_method_client.ts.
"""

from __future__ import annotations

import json
import uuid
from collections import deque
from typing import TYPE_CHECKING

from proton import Message

from local_azure_iot.amqp import message_properties
from local_azure_iot.amqp.device_link import FromDevice, ToDevice
from local_azure_iot.amqp.link_errors import DECODE_ERROR, TOO_LARGE, LinkError
from local_azure_iot.messaging import methods

if TYPE_CHECKING:
    from collections.abc import Callable

    from proton import Link

    from local_azure_iot.amqp.link import Service
    from local_azure_iot.messaging.methods import Invocation

_NAME, _STATUS = "IoThub-methodname", "IoThub-status"


class MethodCalls(ToDevice):
    """`/devices/{device}[/modules/{module}]/methods/devicebound`, on which it receives calls."""

    def __init__(self, service: Service, link: Link, device: str, module: str) -> None:
        super().__init__(service, link, device, module)
        self._waiting: deque[tuple[uuid.UUID, Invocation]] = deque()
        self._stop: Callable[[], None] = lambda: None

    def opened(self) -> None:
        """Take calls."""
        super().opened()
        self._stop = methods.serve(self.azure, self.service.hub_key, self.admitted.device, self.admitted.module, self._call)

    def closed(self) -> None:
        """Take no more calls."""
        self._stop()
        super().closed()

    def _call(self, invocation: Invocation) -> None:
        self._waiting.append((uuid.uuid4(), invocation))
        self.service.flush()

    def pump(self) -> None:
        """Send what waits, unless nobody waits for the answer any more."""
        while self._waiting and self.ready:
            number, invocation = self._waiting.popleft()
            if invocation.over:
                continue
            calls = self.connected.calls
            for key in [key for key, each in calls.items() if each.over]:
                del calls[key]
            calls[str(number)] = invocation
            self.send(Message(body=invocation.payload, inferred=True, correlation_id=number, properties={_NAME: invocation.name}))


class MethodAnswers(FromDevice):
    """The other link, on which it sends the answers."""

    def message(self, message: Message) -> None:
        """Pass an answer on. One that nobody waits for goes nowhere."""
        self.heard()
        payload = message_properties.body(message)
        status = message_properties.application(message).get(_STATUS, "")
        if len(payload) > methods.MAX_PAYLOAD:
            raise LinkError(TOO_LARGE, f"an answer to a method has at most {methods.MAX_PAYLOAD} bytes, not {len(payload)}")
        try:
            number = int(status)
            json.loads(payload or b"null")
        except (ValueError, RecursionError) as error:
            raise LinkError(DECODE_ERROR, f"an answer to a method needs an integer as {_STATUS}, and JSON: {error}") from error
        invocation = self.connected.calls.pop(_correlation(message), None)
        if invocation:
            invocation.answer(number, payload)


def _correlation(message: Message) -> str:
    """As text: some clients send the UUID back as 16 bytes."""
    found = message.correlation_id
    if isinstance(found, bytes | memoryview) and len(found) == 16:  # noqa: PLR2004 - a UUID's
        return str(uuid.UUID(bytes=bytes(found)))
    return str(found).lower()
