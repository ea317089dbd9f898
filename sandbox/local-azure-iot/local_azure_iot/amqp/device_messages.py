"""A device's events, and the cloud-to-device messages that it receives.

https://learn.microsoft.com/azure/iot-hub/iot-hub-amqp-support, "Device client".
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from proton import Message, symbol, timestamp

from local_azure_iot.amqp import batches, message_properties
from local_azure_iot.amqp.device_link import FromDevice, ToDevice
from local_azure_iot.amqp.link_errors import TOO_LARGE, LinkError
from local_azure_iot.messaging import cloud_to_device, events
from local_azure_iot.messaging.cloud_to_device import LockLostError
from local_azure_iot.messaging.events import Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from proton import Delivery, Link

    from local_azure_iot.amqp.link import Service
    from local_azure_iot.messaging.cloud_to_device import ReceivedMessage


class EventSender(FromDevice):
    """`/devices/{device}[/modules/{module}]/messages/events`, on which it sends."""

    standard_only = False

    def parts(self, data: bytes) -> list[bytes]:
        """The events of a batch."""
        return batches.split(data)

    def message(self, message: Message) -> None:
        """Take an event."""
        self.heard()
        admitted = self.admitted
        event = Event(
            device=admitted.device,
            module=admitted.module,
            body=message_properties.body(message),
            system=message_properties.read(message),
            properties=message_properties.application(message),
            protocol="amqp",
            topic=str(self.link.remote_target.address or ""),
            authentication=admitted.authentication(),
            generation=admitted.generation,
        )
        if event.size > events.MAX_BODY:
            raise LinkError(TOO_LARGE, f"an event has at most {events.MAX_BODY} bytes, not {event.size}")
        events.record(self.azure, admitted.hub_key, event)


class DeviceBoundReceiver(ToDevice):
    """`/devices/{device}/messages/devicebound`, on which it receives; each message is locked until it is settled."""

    def __init__(self, service: Service, link: Link, device: str, module: str) -> None:
        super().__init__(service, link, device, module)
        self._unsubscribe: Callable[[], None] = lambda: None
        self._locked: dict[Delivery, str] = {}

    def opened(self) -> None:
        """Wait for messages."""
        super().opened()
        self._unsubscribe = cloud_to_device.subscribe(self.azure, self.service.hub_key, self.admitted.device, self.service.flush)

    def closed(self) -> None:
        """Give back what is locked."""
        self._unsubscribe()
        for token in self._locked.values():
            with suppress(LockLostError):
                cloud_to_device.abandon(self.azure, self.service.hub_key, self.admitted.device, token)
        self._locked.clear()
        super().closed()

    def pump(self) -> None:
        """Send what waits."""
        while self.ready and (received := cloud_to_device.receive(self.azure, self.service.hub_key, self.admitted.device)):
            delivery = self.send(_message(received))
            if delivery.settled:
                cloud_to_device.complete(self.azure, self.service.hub_key, self.admitted.device, received.token)
            else:
                self._locked[delivery] = received.token
        if self.link.drain_mode:
            self.link.drained()

    def outcome(self, delivery: Delivery) -> None:
        """The device has processed a message, never will, or can't now."""
        settle = {delivery.ACCEPTED: cloud_to_device.complete, delivery.REJECTED: cloud_to_device.reject}.get(
            delivery.remote_state, cloud_to_device.abandon
        )
        token = self._locked.pop(delivery, None)
        if token:
            self.heard()
            with suppress(LockLostError):
                settle(self.azure, self.service.hub_key, self.admitted.device, token)
        delivery.settle()


class ModuleInputReceiver(ToDevice):
    """`/devices/{device}/modules/{module}/messages/events`, where IoT Edge gives a module its inputs; a hub routes nothing there."""

    def pump(self) -> None:
        """Nothing waits."""
        if self.link.drain_mode:
            self.link.drained()


def _message(received: ReceivedMessage) -> Message:
    sent = received.message
    asked = {} if sent.ack == "none" else {"iothub-ack": sent.ack}
    message = Message(body=sent.body, inferred=True, id=sent.message_id, address=received.to, properties={**asked, **sent.properties})
    message_properties.write(message, sent.system)
    message.expiry_time = received.expires.timestamp()
    message.delivery_count = received.deliveries - 1
    message.annotations = {
        symbol("x-opt-sequence-number"): received.sequence,
        symbol("x-opt-enqueued-time"): timestamp(int(received.enqueued.timestamp() * 1000)),
        symbol("x-opt-locked-until"): timestamp(int(received.locked_until.timestamp() * 1000)),
    }
    return message
