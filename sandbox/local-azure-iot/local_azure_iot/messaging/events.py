"""Device-to-cloud messages: kept for each hub in partitions, as its event-hub-compatible endpoint shows them, and in memory only.

https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-read-builtin and
https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-construct. Which partition a device's events go to is Azure's secret;
that one device's all go to the same one is documented.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local_azure_iot.messaging.addresses import address
from local_azure_iot.messaging.message_size import message_size
from local_azure_iot.microsoft_devices import lifecycle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from local_azure_iot.local_azure import Azure

MAX_BODY = 256 * 1024  # bytes of one message, with its properties
MOST_EVENTS = 10_000  # kept of one hub
MOST_BYTES = 64 * 1024 * 1024  # kept of one hub
_OVERHEAD = 48  # bytes that an event takes in its partition beside its content, so that no two have one offset
_TOPIC = "events"


@dataclass(frozen=True, kw_only=True)
class Event:
    """One message as a device or module sent it."""

    device: str
    body: bytes
    module: str = ""
    system: dict[str, str] = field(default_factory=dict)  # such as content-type, content-encoding, message-id, as AMQP names them
    properties: dict[str, str] = field(default_factory=dict)  # the application's own
    protocol: str = "mqtt"
    topic: str = ""  # of MQTT; the path of other protocols
    qos: int = 1
    authentication: str = ""  # `connectionAuthMethod`: JSON, such as {"scope":"device","type":"sas","issuer":"iothub"}
    generation: str = ""  # `connectionDeviceGenerationId`

    @property
    def size(self) -> int:
        """Bytes of the content."""
        return message_size(self.body, self.system, self.properties)

    @property
    def kept(self) -> int:
        """Bytes that it takes here: the topic may be long and say nothing."""
        return self.size + len(self.topic)


@dataclass(frozen=True, kw_only=True)
class RecordedEvent:
    """An event in its partition."""

    event: Event
    host: str  # of the hub
    partition: int
    sequence: int  # of its partition: 0, 1, 2 …
    offset: int  # of its partition; events sort alike by both
    enqueued: datetime
    serial: int  # of the whole local Azure: the order in which events came in


@dataclass
class _Partition:
    events: deque[RecordedEvent] = field(default_factory=deque)
    next_sequence: int = 0
    next_offset: int = 0


@dataclass
class _HubEvents:
    partitions: dict[int, _Partition] = field(default_factory=dict)
    order: deque[RecordedEvent] = field(default_factory=deque)  # of all partitions
    bytes: int = 0


@dataclass
class Events:
    """The events of all hubs. Of each hub the newest are kept, as many as the two limits allow."""

    _hubs: dict[str, _HubEvents] = field(default_factory=dict)
    _serial: int = 0

    def append(self, hub_key: str, host: str, event: Event, *, partitions: int, now: datetime) -> RecordedEvent:
        """Put an event into its partition."""
        hub = self._hubs.setdefault(hub_key, _HubEvents())
        number = int.from_bytes(hashlib.sha256(event.device.encode()).digest()[:4]) % partitions
        partition = hub.partitions.setdefault(number, _Partition())
        recorded = RecordedEvent(
            event=event, host=host, partition=number, sequence=partition.next_sequence, offset=partition.next_offset, enqueued=now,
            serial=self._serial,
        )  # fmt: skip
        self._serial += 1
        partition.next_sequence += 1
        partition.next_offset += event.size + _OVERHEAD
        partition.events.append(recorded)
        hub.order.append(recorded)
        hub.bytes += event.kept
        while len(hub.order) > MOST_EVENTS or (hub.bytes > MOST_BYTES and len(hub.order) > 1):
            oldest = hub.order.popleft()
            hub.partitions[oldest.partition].events.popleft()
            hub.bytes -= oldest.event.kept
        return recorded

    def of_partition(self, hub_key: str, partition: int) -> deque[RecordedEvent]:
        """The events that are kept of a partition, oldest first."""
        found = self._hubs.get(hub_key)
        return found.partitions[partition].events if found and partition in found.partitions else deque()

    def next_position(self, hub_key: str, partition: int) -> tuple[int, int]:
        """The sequence number and offset of the next event of a partition."""
        found = self._hubs.get(hub_key)
        place = found.partitions.get(partition) if found else None
        return (place.next_sequence, place.next_offset) if place else (0, 0)

    def all(self) -> Iterator[RecordedEvent]:
        """The events of all hubs, oldest first."""
        return heapq.merge(*(hub.order for hub in self._hubs.values()), key=lambda recorded: recorded.serial)

    def clear(self) -> None:
        """Forget every event. Numbers and offsets go on."""
        for hub in self._hubs.values():
            hub.order.clear()
            hub.bytes = 0
            for partition in hub.partitions.values():
                partition.events.clear()

    def forget(self, prefix: str) -> None:
        """Forget the hubs whose keys begin with ``prefix``."""
        for key in [key for key in self._hubs if f"{key}/".startswith(prefix)]:
            del self._hubs[key]


def partition_count(azure: Azure, hub_key: str) -> int:
    """How many partitions a hub has."""
    hub = lifecycle.find(azure, hub_key, lifecycle.HUB)
    if hub is None:
        return 1
    declared = ((hub["properties"].get("eventHubEndpoints") or {}).get("events") or {}).get("partitionCount")
    return int(declared or (2 if hub["sku"]["name"] == "F1" else 4))


def record(azure: Azure, hub_key: str, event: Event) -> RecordedEvent:
    """Take a message from a device, and tell those who read its partition."""
    hub = lifecycle.find(azure, hub_key, lifecycle.HUB)
    host = hub["hostName"] if hub else ""
    recorded = azure.events.append(hub_key, host, event, partitions=partition_count(azure, hub_key), now=azure.clock.now())
    azure.listeners.tell(_TOPIC, address(hub_key, str(recorded.partition)))
    return recorded


def read(azure: Azure, hub_key: str, partition: int, after: int = -1, limit: int = 100) -> list[RecordedEvent]:
    """At most ``limit`` events of a partition whose sequence number is greater than ``after``, oldest first."""
    kept = azure.events.of_partition(hub_key, partition)
    first = max(after + 1 - kept[0].sequence, 0) if kept else 0
    return [kept[index] for index in range(first, min(first + limit, len(kept)))]


def subscribe(azure: Azure, hub_key: str, partition: int, listener: Callable[[], None]) -> Callable[[], None]:
    """Call ``listener`` after each event that comes into a partition, until the function that this returns is called."""
    return azure.listeners.add(_TOPIC, address(hub_key, str(partition)), listener)


async def wait(azure: Azure, hub_key: str, partition: int, after: int, seconds: float) -> list[RecordedEvent]:
    """Events after ``after`` as soon as there are some; none if ``seconds`` pass without."""
    arrived = asyncio.Event()
    unsubscribe = subscribe(azure, hub_key, partition, arrived.set)
    try:
        if not read(azure, hub_key, partition, after, 1):
            async with asyncio.timeout(seconds):
                await arrived.wait()
    except TimeoutError:
        return []
    finally:
        unsubscribe()
    return read(azure, hub_key, partition, after)
