"""Cloud-to-device messages: the queue of each device, and the feedback that a sender asks for.

https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-c2d. Every function opens a transaction of its own, so
that a message is on disk once the function returns; within another one it is part of that.
"""

from __future__ import annotations

import asyncio
import base64
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from local_azure_iot import durations
from local_azure_iot.messaging import feedback, locked_queue
from local_azure_iot.messaging.addresses import address
from local_azure_iot.messaging.locked_queue import LockLostError as LockLostError  # noqa: PLC0414 - part of this module's interface
from local_azure_iot.messaging.locked_queue import Queue
from local_azure_iot.messaging.message_size import message_size
from local_azure_iot.microsoft_devices import lifecycle

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.messaging.locked_queue import Delivery
    from local_azure_iot.store import Document

MOST_WAITING = 50  # messages of one device, those that wait for their completion too
MAX_SIZE = 64 * 1024  # bytes of one message, with its properties
LOCK_SECONDS = 60.0
LONGEST_TTL = 2 * 86_400  # seconds
ACKS = ("none", "positive", "negative", "full")
_TOPIC = "cloud-to-device"
_CHUNK = 100  # messages whose devices' queues are swept before others have their turn


class UnknownDeviceError(Exception):
    """The device does not exist."""


class InvalidMessageError(ValueError):
    """The message is larger than one may be, or asks for feedback in a way that there is not."""


class QueueFullError(Exception):
    """The device has as many messages waiting as it may."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message as the back end sent it."""

    body: bytes
    message_id: str = ""  # empty: the hub makes one
    system: dict[str, str] = field(default_factory=dict)  # such as correlation-id, content-type, content-encoding, as AMQP names them
    properties: dict[str, str] = field(default_factory=dict)  # the application's own
    ack: str = "none"  # one of ACKS
    expires: datetime | None = None  # None: after the hub's `defaultTtlAsIso8601`

    @property
    def size(self) -> int:
        """Bytes of the content."""
        return message_size(self.body, {**self.system, "message-id": self.message_id}, self.properties)


@dataclass(frozen=True, kw_only=True)
class ReceivedMessage:
    """A message that a device has received and must settle before `locked_until`."""

    token: str  # the lock's
    message: Message
    to: str  # `/devices/{device}/messages/devicebound`
    sequence: int
    deliveries: int  # how often the device has received it, this time included
    enqueued: datetime
    expires: datetime
    locked_until: datetime


def send(azure: Azure, hub_key: str, device: str, message: Message) -> str:
    """Put a message into a device's queue, and tell its session. Returns the message's id.

    One that is to be kept for longer than LONGEST_TTL is kept for that long (a guess).

    Raises:
        InvalidMessageError: It is too large, or its `ack` is none of ACKS.
        UnknownDeviceError: There is no such device.
        QueueFullError: MOST_WAITING messages wait already.
    """
    if message.ack not in ACKS:
        raise InvalidMessageError(f"ack must be one of {', '.join(ACKS)}, not '{message.ack[:100]}'")
    if message.size > MAX_SIZE:
        raise InvalidMessageError(f"a cloud-to-device message has at most {MAX_SIZE} bytes with its properties, not {message.size}")
    latest = azure.clock.now() + timedelta(seconds=LONGEST_TTL)
    with azure.store.transaction():
        found = azure.store.get(lifecycle.DEVICE, address(hub_key, device))
        if found is None:
            raise UnknownDeviceError(device)
        queue = _swept(azure, hub_key, device)
        if locked_queue.waiting(azure, queue) >= MOST_WAITING:
            raise QueueFullError(device)
        message_id = message.message_id or str(uuid.uuid4())
        body = {
            "id": message_id,
            "device": device,
            "generation": found["generation"],
            "ack": message.ack,
            "system": message.system,
            "properties": message.properties,
            "body": base64.b64encode(message.body).decode(),
        }
        locked_queue.put(azure, queue, body, _default_seconds(azure, hub_key), message.expires and min(message.expires, latest))
        azure.store.after_commit(lambda: azure.listeners.tell(_TOPIC, address(hub_key, device)))
    return message_id


def receive(azure: Azure, hub_key: str, device: str, lock_seconds: float = LOCK_SECONDS) -> ReceivedMessage | None:
    """The oldest message that waits for a device, locked for a minute unless the device asks for another time; None where none waits."""
    with azure.store.transaction():
        deliveries = locked_queue.receive(azure, _swept(azure, hub_key, device), lock_seconds)
    return _received(deliveries[0]) if deliveries else None


def complete(azure: Azure, hub_key: str, device: str, token: str) -> None:
    """The device has processed a message.

    Raises:
        LockLostError: No message is locked by this token.
    """
    _settle(azure, hub_key, device, token, feedback.SUCCESS)


def reject(azure: Azure, hub_key: str, device: str, token: str) -> None:
    """The device will never process a message.

    Raises:
        LockLostError: No message is locked by this token.
    """
    _settle(azure, hub_key, device, token, feedback.REJECTED)


def abandon(azure: Azure, hub_key: str, device: str, token: str) -> None:
    """The device can't process a message now: it goes back to its place in the queue, and the session is told.

    Raises:
        LockLostError: No message is locked by this token.
    """
    with azure.store.transaction():
        queue = _swept(azure, hub_key, device)
        locked_queue.release(azure, queue, token)
        _sweep(azure, hub_key, queue)
        azure.store.after_commit(lambda: azure.listeners.tell(_TOPIC, address(hub_key, device)))


def purge(azure: Azure, hub_key: str, device: str) -> int:
    """Remove every message that waits for a device; returns how many there were."""
    with azure.store.transaction():
        bodies = locked_queue.purge(azure, _swept(azure, hub_key, device))
        for body in bodies:
            feedback.add(azure, hub_key, body, feedback.PURGED)
    return len(bodies)


def waiting(azure: Azure, hub_key: str, device: str) -> int:
    """How many messages wait for a device: `cloudToDeviceMessageCount`."""
    if not azure.store.count(
        lifecycle.CLOUD_TO_DEVICE, f"{address(hub_key, device)}/"
    ):  # most have none, and pages of devices ask for each
        return 0
    return locked_queue.waiting(azure, _queue(azure, hub_key, device))


def subscribe(azure: Azure, hub_key: str, device: str, listener: Callable[[], None]) -> Callable[[], None]:
    """Call ``listener`` whenever a message came into a device's queue or back to it, until the function that this returns is called.

    It is not called for what waits already: `receive` until there is nothing more.
    """
    return azure.listeners.add(_TOPIC, address(hub_key, device), listener)


async def sweep_hub(azure: Azure, hub_key: str, after: str = "") -> None:
    """Drop the expired messages of all devices of a hub, so that their senders get their feedback. Not within a transaction.

    Others have their turn meanwhile. Only messages whose keys come after ``after`` are looked for.
    """
    while True:
        after = _sweep_some(azure, hub_key, after)
        if not after:
            return
        await asyncio.sleep(0)


def sweep_hub_soon(azure: Azure, hub_key: str) -> None:
    """Begin `sweep_hub`: a hub with few messages is done at once. Who waits for feedback is told of the rest."""
    if after := _sweep_some(azure, hub_key, ""):
        # One that fails drops nothing more; the next one tries again.
        azure.background.begin(f"expired messages {hub_key}", lambda: sweep_hub(azure, hub_key, after), lambda _reason: None)


def _sweep_some(azure: Azure, hub_key: str, after: str) -> str:
    """Drop the expired messages of some devices; returns after which key there are more, or the empty string."""
    rows = azure.store.page(lifecycle.CLOUD_TO_DEVICE, f"{hub_key}/", after, _CHUNK)
    with azure.store.transaction():
        for device in {entry["body"]["device"]: None for _, entry in rows}:
            _swept(azure, hub_key, device)
    return rows[-1][0] if len(rows) == _CHUNK else ""


def _settle(azure: Azure, hub_key: str, device: str, token: str, outcome: str) -> None:
    with azure.store.transaction():
        for body in locked_queue.settle(azure, _swept(azure, hub_key, device), token):
            feedback.add(azure, hub_key, body, outcome)


def _swept(azure: Azure, hub_key: str, device: str) -> Queue:
    queue = _queue(azure, hub_key, device)
    _sweep(azure, hub_key, queue)
    return queue


def _sweep(azure: Azure, hub_key: str, queue: Queue) -> None:
    for body, reason in locked_queue.sweep(azure, queue):
        feedback.add(azure, hub_key, body, reason)


def _queue(azure: Azure, hub_key: str, device: str) -> Queue:
    most = int(_settings(azure, hub_key).get("maxDeliveryCount") or 10)
    return Queue(lifecycle.CLOUD_TO_DEVICE, f"{address(hub_key, device)}/", most)


def _default_seconds(azure: Azure, hub_key: str) -> float:
    return durations.seconds(_settings(azure, hub_key).get("defaultTtlAsIso8601"), 3600.0)


def _settings(azure: Azure, hub_key: str) -> Document:
    hub = azure.store.get(lifecycle.HUB.document, hub_key)
    found: Document = (hub["properties"].get("cloudToDevice") if hub else None) or {}
    return found


def _received(delivery: Delivery) -> ReceivedMessage:
    body = delivery.body
    message = Message(
        body=base64.b64decode(body["body"]),
        message_id=body["id"],
        system=body["system"],
        properties=body["properties"],
        ack=body["ack"],
        expires=delivery.expires,
    )
    return ReceivedMessage(
        token=delivery.token,
        message=message,
        to=f"/devices/{body['device']}/messages/devicebound",
        sequence=delivery.sequence,
        deliveries=delivery.deliveries,
        enqueued=delivery.enqueued,
        expires=delivery.expires,
        locked_until=delivery.locked_until,
    )
