"""The service's links for cloud-to-device messages: sending them, and receiving what became of them.

https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-c2d and https://learn.microsoft.com/azure/iot-hub/iot-hub-amqp-support.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote

from proton import Message, symbol, timestamp

from local_azure_iot.amqp import message_properties
from local_azure_iot.amqp.link import ReceivingNode, SendingNode, Service
from local_azure_iot.amqp.link_errors import ARGUMENT_ERROR, LIMIT_EXCEEDED, NOT_FOUND, TOO_LARGE, LinkError
from local_azure_iot.messaging import cloud_to_device, service_queue
from local_azure_iot.messaging.locked_queue import LockLostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from proton import Delivery, Link

    from local_azure_iot.messaging.service_queue import Batch, ServiceQueue

_TO = re.compile(r"/?devices/([^/]+)/messages/devicebound/?", re.IGNORECASE)
_ACK = "iothub-ack"
# The data actions of https://learn.microsoft.com/azure/iot-hub/authenticate-authorize-azure-ad.
_SEND = "Microsoft.Devices/IotHubs/cloudToDeviceMessages/send/action"
_FEEDBACK = "Microsoft.Devices/IotHubs/cloudToDeviceMessages/feedback/action"
_NOTIFICATIONS = "Microsoft.Devices/IotHubs/fileUpload/notifications/action"


class CloudToDeviceSender(ReceivingNode):
    """A link on which the service sends messages to devices; `to` names the device."""

    def authorize(self) -> None:
        """The client needs ServiceConnect, or the role's action."""
        self.service.claims.require_service(_SEND, "/messages/devicebound")

    def message(self, message: Message) -> None:
        """Put a message into its device's queue."""
        to = _TO.fullmatch(str(message.address or ""))
        if to is None:
            raise LinkError(ARGUMENT_ERROR, f"`to` must be '/devices/{{id}}/messages/devicebound', not '{str(message.address)[:200]}'")
        properties = message_properties.application(message)
        ack = properties.pop(_ACK, "none").lower()
        if ack not in cloud_to_device.ACKS:
            raise LinkError(ARGUMENT_ERROR, f"'{_ACK}' must be one of {', '.join(cloud_to_device.ACKS)}, not '{ack[:100]}'")
        system = message_properties.read(message)
        message_id = system.pop("message-id", "")
        device = unquote(to[1])
        sent = cloud_to_device.Message(
            body=message_properties.body(message),
            message_id=message_id,
            system=system,
            properties=properties,
            ack=ack,
            expires=self._expires(message),
        )
        try:
            cloud_to_device.send(self.azure, self.service.hub_key, device, sent)
        except cloud_to_device.InvalidMessageError as error:  # its `ack` is known to be one
            raise LinkError(TOO_LARGE, str(error)) from error
        except cloud_to_device.UnknownDeviceError as error:
            raise LinkError(NOT_FOUND, f"there is no device '{device}' on this hub") from error
        except cloud_to_device.QueueFullError as error:
            message_text = f"device '{device}' has {cloud_to_device.MOST_WAITING} messages waiting, and takes no more"
            raise LinkError(LIMIT_EXCEEDED, message_text) from error

    def _expires(self, message: Message) -> datetime | None:
        now = self.azure.clock.now()
        with suppress(OverflowError, OSError, ValueError):
            if message.expiry_time:
                return datetime.fromtimestamp(message.expiry_time, UTC)
            if message.ttl:
                return now + timedelta(seconds=message.ttl)
        return None


class QueueReceiver(SendingNode):
    """A link on which the service receives feedback, or notifications of file uploads; each message is locked until it is settled."""

    def __init__(self, service: Service, link: Link, queue: ServiceQueue) -> None:
        super().__init__(service, link)
        self._queue = queue
        self._unsubscribe: Callable[[], None] = lambda: None
        self._locked: dict[Delivery, str] = {}

    def authorize(self) -> None:
        """The client needs ServiceConnect, or the role's action."""
        if self._queue is service_queue.FEEDBACK:
            self.service.claims.require_service(_FEEDBACK, "/messages/servicebound/feedback")
        else:
            self.service.claims.require_service(_NOTIFICATIONS, "/messages/servicebound/filenotifications")

    def opened(self) -> None:
        """Wait for messages."""
        self._unsubscribe = service_queue.subscribe(self.azure, self.service.hub_key, self._queue, self.service.flush)

    def closed(self) -> None:
        """Give back what is locked."""
        self._unsubscribe()
        for token in self._locked.values():
            with suppress(LockLostError):
                service_queue.abandon(self.azure, self.service.hub_key, self._queue, token)
        self._locked.clear()

    def pump(self) -> None:
        """Send what waits."""
        if not self.ready:
            return
        if self._queue is service_queue.FEEDBACK:
            cloud_to_device.sweep_hub_soon(self.azure, self.service.hub_key)
        while self.ready and (batch := service_queue.receive(self.azure, self.service.hub_key, self._queue)):
            delivery = self.send(self._message(batch))
            if delivery.settled:
                service_queue.complete(self.azure, self.service.hub_key, self._queue, batch.token)
            else:
                self._locked[delivery] = batch.token
        if self.link.drain_mode:
            self.link.drained()

    def outcome(self, delivery: Delivery) -> None:
        """The client has taken a message, or has not."""
        token = self._locked.pop(delivery, None)
        if token:
            settle = service_queue.complete if delivery.remote_state in {delivery.ACCEPTED, delivery.REJECTED} else service_queue.abandon
            with suppress(LockLostError):
                settle(self.azure, self.service.hub_key, self._queue, token)
        delivery.settle()

    def _message(self, batch: Batch) -> Message:
        content = batch.records if self._queue is service_queue.FEEDBACK else batch.records[0]  # an upload's record is alone
        body = json.dumps(content, separators=(",", ":")).encode()
        message = Message(body=body, inferred=True, content_type=self._queue.content_type, content_encoding="utf-8")
        message.annotations = {
            symbol("x-opt-sequence-number"): batch.sequence,
            symbol("x-opt-enqueued-time"): timestamp(int(batch.enqueued.timestamp() * 1000)),
            symbol("x-opt-locked-until"): timestamp(int(batch.locked_until.timestamp() * 1000)),
        }
        return message
