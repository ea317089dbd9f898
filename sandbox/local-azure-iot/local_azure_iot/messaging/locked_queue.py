"""A queue in the store whose messages are locked by whoever receives them, until they are settled or the lock's time is over.

This is how a hub keeps cloud-to-device messages, feedback and notifications of file uploads
(https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-c2d, "The cloud-to-device message life cycle").
Every function must be called within a transaction of the store.
"""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

_PAGE = 100  # messages that are read at once
EXPIRED, TOO_OFTEN = "Expired", "DeliveryCountExceeded"
_COUNTER = "messages"


class LockLostError(Exception):
    """No message is locked by this token: it was settled, its lock is over, or there never was one."""


@dataclass(frozen=True)
class Queue:
    """One queue. Its messages' keys begin with ``prefix``, which ends in a slash."""

    kind: str  # of the documents in the store
    prefix: str
    most_deliveries: int = 10


@dataclass(frozen=True)
class Delivery:
    """A received message, which belongs to its receiver until `locked_until`."""

    token: str
    body: Document
    enqueued: datetime
    expires: datetime
    deliveries: int  # how often it was received, this time included
    locked_until: datetime
    sequence: int


def put(azure: Azure, queue: Queue, body: Document, seconds: float, expires: datetime | None = None) -> int:
    """Append a message that is kept for ``seconds``, or until ``expires``. Returns its sequence number."""
    now = azure.clock.now()
    sequence = azure.store.next_number(_COUNTER)
    entry = {
        "sequence": sequence,
        "enqueued": now.isoformat(),
        "expires": (expires or now + timedelta(seconds=seconds)).isoformat(),
        "deliveries": 0,
        "token": None,
        "locked": None,
        "body": body,
    }
    azure.store.put(queue.kind, _key(queue, entry), entry)
    return sequence


def waiting(azure: Azure, queue: Queue) -> int:
    """How many messages are in the queue, locked ones too; those that the next `sweep` drops are not counted."""
    now = azure.clock.now()
    return sum(_reason(queue, entry, now) is None for page in _pages(azure, queue) for entry in page)


def sweep(azure: Azure, queue: Queue, most: int | None = None) -> list[tuple[Document, str]]:
    """Drop the messages that have expired or were received too often without being settled; returns their bodies, each with the reason.

    With ``most`` only so many of the oldest are looked at: the first to expire, where each message of a queue is kept for as long.
    """
    now, dropped = azure.clock.now(), []
    for entry in itertools.islice(itertools.chain.from_iterable(_pages(azure, queue)), most):
        reason = _reason(queue, entry, now)
        if reason:
            azure.store.delete(queue.kind, _key(queue, entry))
            dropped.append((entry["body"], reason))
    return dropped


def _reason(queue: Queue, entry: Document, now: datetime) -> str | None:
    """Why a message is to be dropped, or None."""
    if _is_locked(entry, now):
        return None
    if datetime.fromisoformat(entry["expires"]) <= now:
        return EXPIRED
    return TOO_OFTEN if entry["deliveries"] >= queue.most_deliveries else None


def receive(azure: Azure, queue: Queue, lock_seconds: float, most: int = 1) -> list[Delivery]:
    """Lock the oldest messages that nobody has locked, at most ``most``, all by one token and for so many seconds.

    What is to be dropped is passed over; `sweep` drops it.
    """
    now, token = azure.clock.now(), str(uuid.uuid4())
    until = now + timedelta(seconds=lock_seconds)
    found: list[Delivery] = []
    for entry in itertools.chain.from_iterable(_pages(azure, queue)):
        if len(found) == most:
            break
        if _is_locked(entry, now) or _reason(queue, entry, now):
            continue
        entry |= {"token": token, "locked": until.isoformat(), "deliveries": entry["deliveries"] + 1}
        azure.store.put(queue.kind, _key(queue, entry), entry)
        found.append(
            Delivery(
                token=token,
                body=entry["body"],
                enqueued=datetime.fromisoformat(entry["enqueued"]),
                expires=datetime.fromisoformat(entry["expires"]),
                deliveries=entry["deliveries"],
                locked_until=until,
                sequence=entry["sequence"],
            )
        )
    return found


def settle(azure: Azure, queue: Queue, token: str) -> list[Document]:
    """Remove the messages that are locked by this token; returns their bodies.

    Raises:
        LockLostError: None is.
    """
    entries = _locked(azure, queue, token)
    for entry in entries:
        azure.store.delete(queue.kind, _key(queue, entry))
    return [entry["body"] for entry in entries]


def release(azure: Azure, queue: Queue, token: str) -> None:
    """Give the messages back that are locked by this token: the next receiver gets them.

    Raises:
        LockLostError: None is.
    """
    for entry in _locked(azure, queue, token):
        azure.store.put(queue.kind, _key(queue, entry), entry | {"token": None, "locked": None})


def purge(azure: Azure, queue: Queue) -> list[Document]:
    """Remove every message, locked ones too; returns their bodies."""
    bodies = [entry["body"] for page in _pages(azure, queue) for entry in page]
    azure.store.delete_under(queue.kind, queue.prefix)
    return bodies


def _locked(azure: Azure, queue: Queue, token: str) -> list[Document]:
    now = azure.clock.now()
    found: list[Document] = []
    for page in _pages(azure, queue):
        locked = [entry for entry in page if entry["token"] == token and _is_locked(entry, now)]
        found += locked
        if found and not locked:
            break  # a batch was received in one go: its messages are close to each other
    if not found:
        raise LockLostError(token)
    return found


def _pages(azure: Azure, queue: Queue) -> Iterator[list[Document]]:
    """The messages, oldest first: those at the end of a long queue are not read for the first ones."""
    after = ""
    while rows := azure.store.page(queue.kind, queue.prefix, after, _PAGE):
        yield [entry for _, entry in rows]
        after = rows[-1][0]


def _is_locked(entry: Document, now: datetime) -> bool:
    return entry["locked"] is not None and datetime.fromisoformat(entry["locked"]) > now


def _key(queue: Queue, entry: Document) -> str:
    return f"{queue.prefix}{entry['sequence']:020d}"
