"""What became of cloud-to-device messages, for senders that asked: one queue in each hub.

https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-c2d, "Message feedback". Records are received in batches, under one
lock for a batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_azure_iot.messaging import durations, locked_queue
from local_azure_iot.messaging.locked_queue import Queue
from local_azure_iot.microsoft_devices import lifecycle

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

SUCCESS, REJECTED, PURGED = "Success", "Rejected", "Purged"
CONTENT_TYPE = "application/vnd.microsoft.iothub.feedback.json"
_WANTED_BY_ACK = {"none": (), "positive": (True,), "negative": (False,), "full": (True, False)}
_TOPIC = "feedback"


@dataclass(frozen=True)
class FeedbackBatch:
    """Records under one lock, as the body of the message that carries them."""

    token: str
    records: list[dict[str, Any]]
    enqueued: datetime
    sequence: int
    deliveries: int
    locked_until: datetime


def add(azure: Azure, hub_key: str, message: Document, outcome: str) -> None:
    """Record what became of a message, if its sender asked for that."""
    if (outcome == SUCCESS) not in _WANTED_BY_ACK[message["ack"]]:
        return
    now = f"{azure.clock.now().replace(tzinfo=None).isoformat(timespec='microseconds')}0Z"  # .NET's seven digits
    record = {
        "originalMessageId": message["id"],
        "description": outcome,
        "deviceGenerationId": message["generation"],
        "deviceId": message["device"],
        "enqueuedTimeUtc": now,
        "statusCode": outcome,
    }
    seconds = durations.seconds(_settings(azure, hub_key).get("ttlAsIso8601"), 3600.0)
    locked_queue.put(azure, _queue(azure, hub_key), {"records": [record]}, seconds)
    azure.store.after_commit(lambda: azure.listeners.tell(_TOPIC, hub_key))


def receive(azure: Azure, hub_key: str) -> FeedbackBatch | None:
    """The oldest batch of feedback, locked; None where there is none. `cloud_to_device.sweep_hub` first brings what has expired."""
    with azure.store.transaction():
        queue = _queue(azure, hub_key)
        locked_queue.sweep(azure, queue)
        found = locked_queue.receive(azure, queue)
    if found is None:
        return None
    return FeedbackBatch(found.token, found.body["records"], found.enqueued, found.sequence, found.deliveries, found.locked_until)


def complete(azure: Azure, hub_key: str, token: str) -> None:
    """A batch was processed.

    Raises:
        LockLostError: No batch is locked by this token.
    """
    with azure.store.transaction():
        locked_queue.settle(azure, _queue(azure, hub_key), token)


def abandon(azure: Azure, hub_key: str, token: str) -> None:
    """A batch goes back into the queue.

    Raises:
        LockLostError: No batch is locked by this token.
    """
    with azure.store.transaction():
        locked_queue.release(azure, _queue(azure, hub_key), token)
        azure.store.after_commit(lambda: azure.listeners.tell(_TOPIC, hub_key))


def subscribe(azure: Azure, hub_key: str, listener: Callable[[], None]) -> Callable[[], None]:
    """Call ``listener`` after each change of a hub's feedback, until the function that this returns is called."""
    return azure.listeners.add(_TOPIC, hub_key, listener)


def _queue(azure: Azure, hub_key: str) -> Queue:
    settings = _settings(azure, hub_key)
    lock = durations.seconds(settings.get("lockDurationAsIso8601"), 60.0)
    return Queue(lifecycle.FEEDBACK, f"{hub_key}/", lock, int(settings.get("maxDeliveryCount") or 10))


def _settings(azure: Azure, hub_key: str) -> Document:
    hub = azure.store.get(lifecycle.HUB.document, hub_key)
    found: Document = ((hub["properties"].get("cloudToDevice") if hub else None) or {}).get("feedback") or {}
    return found
