"""What a hub keeps for its back end: feedback on cloud-to-device messages, and notifications of file uploads, each in one queue.

Records are received in batches, under one lock for a batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_azure_iot import durations
from local_azure_iot.messaging import locked_queue
from local_azure_iot.messaging.locked_queue import Queue
from local_azure_iot.microsoft_devices import lifecycle

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

_DEFAULT_SECONDS = 3600.0  # how long a record is kept, where the hub's properties don't say
_LOCK_SECONDS = 60.0  # of a batch, likewise
_MOST_DELIVERIES = 10
_SWEPT = 500  # records that are looked at, for whether they have expired, before some are received


@dataclass(frozen=True)
class ServiceQueue:
    """One of the two: where its records are, and where in the hub's properties its settings are."""

    kind: str  # of the documents in the store
    settings: tuple[str, str]
    content_type: str  # of the messages that AMQP carries
    most: int  # records of one batch


FEEDBACK = ServiceQueue(lifecycle.FEEDBACK, ("cloudToDevice", "feedback"), "application/vnd.microsoft.iothub.feedback.json", 64)
FILE_NOTIFICATIONS = ServiceQueue(
    lifecycle.FILE_NOTIFICATION, ("messagingEndpoints", "fileNotifications"), "application/vnd.microsoft.iothub.filenotification.json", 1
)


@dataclass(frozen=True)
class Batch:
    """Records under one lock, as the body of the message that carries them."""

    token: str
    records: list[dict[str, Any]]
    enqueued: datetime
    sequence: int
    deliveries: int
    locked_until: datetime


def add(azure: Azure, hub_key: str, queue: ServiceQueue, record: dict[str, Any]) -> None:
    """Put a record into a hub's queue, and tell those who read it."""
    settings = _settings(azure, hub_key, queue)
    seconds = durations.seconds(settings.get("ttlAsIso8601"), _DEFAULT_SECONDS)
    with azure.store.transaction():
        locked_queue.put(azure, _queue(hub_key, queue, settings), {"record": record}, seconds)
        azure.store.after_commit(lambda: azure.listeners.tell(queue.kind, hub_key))


def receive(azure: Azure, hub_key: str, queue: ServiceQueue) -> Batch | None:
    """The oldest records, as many as a batch holds, locked; None where there are none."""
    settings = _settings(azure, hub_key, queue)
    lock = durations.seconds(settings.get("lockDurationAsIso8601"), _LOCK_SECONDS)
    with azure.store.transaction():
        stored = _queue(hub_key, queue, settings)
        locked_queue.sweep(azure, stored, _SWEPT)
        found = locked_queue.receive(azure, stored, lock, queue.most)
    if not found:
        return None
    first, records = found[0], [each.body["record"] for each in found]
    return Batch(first.token, records, first.enqueued, first.sequence, first.deliveries, first.locked_until)


def complete(azure: Azure, hub_key: str, queue: ServiceQueue, token: str) -> None:
    """A batch was processed.

    Raises:
        LockLostError: No batch is locked by this token.
    """
    with azure.store.transaction():
        locked_queue.settle(azure, _queue(hub_key, queue, {}), token)


def abandon(azure: Azure, hub_key: str, queue: ServiceQueue, token: str) -> None:
    """A batch goes back into the queue.

    Raises:
        LockLostError: No batch is locked by this token.
    """
    with azure.store.transaction():
        locked_queue.release(azure, _queue(hub_key, queue, {}), token)
        azure.store.after_commit(lambda: azure.listeners.tell(queue.kind, hub_key))


def subscribe(azure: Azure, hub_key: str, queue: ServiceQueue, listener: Callable[[], None]) -> Callable[[], None]:
    """Call ``listener`` whenever a record came into a hub's queue or back to it, until the function that this returns is called."""
    return azure.listeners.add(queue.kind, hub_key, listener)


def _queue(hub_key: str, queue: ServiceQueue, settings: Document) -> Queue:
    return Queue(queue.kind, f"{hub_key}/", int(settings.get("maxDeliveryCount") or _MOST_DELIVERIES))


def _settings(azure: Azure, hub_key: str, queue: ServiceQueue) -> Document:
    hub = azure.store.get(lifecycle.HUB.document, hub_key)
    outer, inner = queue.settings
    found: Document = ((hub["properties"].get(outer) if hub else None) or {}).get(inner) or {}
    return found
