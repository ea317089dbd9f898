"""A link that reads a partition of a hub's events, as of an event hub.

https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-read-builtin; the positions of readers, their levels and how many
there may be: https://learn.microsoft.com/azure/event-hubs/event-hubs-features, "Event consumers";
the properties that a hub adds: https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-construct.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from proton import Described, Message, symbol, timestamp

from local_azure_iot.amqp import message_properties
from local_azure_iot.amqp.link import SendingNode, Service
from local_azure_iot.amqp.link_errors import INVALID_FIELD, LIMIT_EXCEEDED, NOT_FOUND, OUT_OF_RANGE, STOLEN, LinkError
from local_azure_iot.messaging import events
from local_azure_iot.microsoft_devices import consumer_groups
from local_azure_iot.microsoft_devices.errors import DevicesError

if TYPE_CHECKING:
    from collections.abc import Callable

    from proton import Link

    from local_azure_iot.amqp.plane import Reader
    from local_azure_iot.messaging.events import RecordedEvent

_FILTER, _EPOCH = "apache.org:selector-filter:string", "com.microsoft:epoch"
_SELECTOR = re.compile(r"\s*amqp\.annotation\.(x-opt-[a-z-]+)\s*(>=?)\s*'?([^']*?)'?\s*")
_MOST_READERS = 5  # of one partition in one consumer group, unless one of them has a level (an "epoch")
_LATEST, _FIRST = "@latest", "-1"


class EventReader(SendingNode):
    """One reader."""

    def __init__(self, service: Service, link: Link, hub: str, group: str, partition: str) -> None:
        super().__init__(service, link)
        self._hub, self._group, self._partition_name = hub, group, partition
        self._partition = int(partition) if partition.isascii() and partition.isdigit() else -1
        level = (link.remote_properties or {}).get(symbol(_EPOCH))
        self.level = int(level) if isinstance(level, int) else None
        self._place = f"{service.hub_key}/{group.lower()}/{self._partition}"
        self._after = -1  # the sequence number of the last event that needs no sending
        self._skips: Callable[[RecordedEvent], bool] | None = None
        self._unsubscribe: Callable[[], None] = lambda: None

    def authorize(self) -> None:
        """The client needs ServiceConnect, and hub, consumer group and partition must be there."""
        self.service.claims.require_service("", f"{self._hub}/ConsumerGroups/{self._group}/Partitions/{self._partition_name}")
        hub = self.service.hub
        if self._hub.lower() != hub["name"].lower():
            raise LinkError(NOT_FOUND, f"The messaging entity '{self._hub}' could not be found.")
        try:
            consumer_groups.require(self.azure, hub, self.service.hub_key, self._group)
        except DevicesError as error:
            raise LinkError(NOT_FOUND, f"The messaging entity '{self._hub}|{self._group}' could not be found.") from error
        count = events.partition_count(self.azure, self.service.hub_key)
        if not 0 <= self._partition < count:
            raise LinkError(OUT_OF_RANGE, f"'{self._partition_name}' is not a partition of this hub, which has 0 to {count - 1}")
        self._after, self._skips = self._start()

    def _start(self) -> tuple[int, Callable[[RecordedEvent], bool] | None]:
        """From where to read. Without a filter, from the oldest event that is kept."""
        text = _selector(self.link)
        if text is None:
            return -1, None
        found = _SELECTOR.fullmatch(text)
        if found is None:
            raise LinkError(INVALID_FIELD, f"the filter '{text[:200]}' is not `amqp.annotation.x-opt-… > '…'`")
        name, inclusive, value = found[1], found[2] == ">=", found[3]
        if value == _LATEST:
            return self.azure.events.next_position(self.service.hub_key, self._partition)[0] - 1, None
        reads = _POSITIONS.get(name)
        if reads is None or not re.fullmatch(r"-?\d{1,19}", value):
            raise LinkError(INVALID_FIELD, f"the filter '{text[:200]}' names no offset, sequence number or time")
        bound = int(value)
        return -1, lambda event: reads(event) < bound if inclusive else reads(event) <= bound

    def opened(self) -> None:
        """Wait for events."""
        readers = self.service.plane.readers
        self._compete(readers.get(self._place, []))
        readers.setdefault(self._place, []).append(self)
        self._unsubscribe = events.subscribe(self.azure, self.service.hub_key, self._partition, self.service.flush)

    def _compete(self, others: list[Reader]) -> None:
        highest = max((other.level for other in others if other.level is not None), default=None)
        if self.level is None:
            if highest is not None:
                raise LinkError(STOLEN, f"At least one receiver for the endpoint is created with epoch of '{highest}'.")
            if len(others) >= _MOST_READERS:
                message = f"Exceeded the maximum number of allowed receivers per partition in a consumer group which is {_MOST_READERS}."
                raise LinkError(LIMIT_EXCEEDED, message)
            return
        if highest is not None and highest > self.level:
            raise LinkError(STOLEN, f"Receiver can't be created with epoch '{self.level}': one with epoch '{highest}' exists.")
        for other in tuple(others):
            other.stolen(self.level)

    def stolen(self, level: int) -> None:
        """A reader with a higher level, or the same one, takes the partition."""
        message = f"New receiver with higher epoch of '{level}' is created: the current receiver with epoch '{self.level}' is disconnected."
        self.service.end_link(self.link, LinkError(STOLEN, message))

    def closed(self) -> None:
        """Read no more."""
        self._unsubscribe()
        readers = self.service.plane.readers
        others = readers.get(self._place, [])
        if self in others:
            others.remove(self)
        if not others:
            readers.pop(self._place, None)

    def pump(self) -> None:
        """Send what the client may take."""
        while self.ready:
            batch = events.read(self.azure, self.service.hub_key, self._partition, self._after, 1)
            if not batch:
                break
            event = batch[0]
            self._after = event.sequence
            if self._skips and self._skips(event):
                continue
            self._skips = None  # all later ones are behind this one
            self.send(self._message(event))
        if self.link.drain_mode and not events.read(self.azure, self.service.hub_key, self._partition, self._after, 1):
            self.link.drained()

    def _message(self, recorded: RecordedEvent) -> Message:
        event, sent = recorded.event, _milliseconds(recorded)
        annotations: dict[str, Any] = {
            "iothub-connection-device-id": event.device,
            "iothub-connection-auth-method": event.authentication,
            "iothub-connection-auth-generation-id": event.generation,
            "iothub-enqueuedtime": sent,
            "iothub-message-source": "Telemetry",
            "x-opt-sequence-number": recorded.sequence,
            "x-opt-offset": str(recorded.offset),
            "x-opt-enqueued-time": sent,
        }
        annotations |= {
            message_properties.ANNOTATIONS[name]: value for name, value in event.system.items() if name in message_properties.ANNOTATIONS
        }
        if event.module:
            annotations["iothub-connection-module-id"] = event.module
        path = f"/devices/{event.device}/modules/{event.module}" if event.module else f"/devices/{event.device}"
        message = Message(body=event.body, inferred=True, address=f"{path}/messages/events", properties=dict(event.properties))
        message_properties.write(message, event.system)
        message.annotations = {symbol(name): value for name, value in annotations.items() if value != ""}
        message.instructions = self._runtime_metrics()  # always: Proton does not show what capabilities of a link the client desires
        return message

    def _runtime_metrics(self) -> dict[symbol, Any]:
        kept = self.azure.events.of_partition(self.service.hub_key, self._partition)
        last = kept[-1]
        return {
            symbol("last_enqueued_sequence_number"): last.sequence,
            symbol("last_enqueued_offset"): str(last.offset),
            symbol("last_enqueued_time_utc"): _milliseconds(last),
            symbol("runtime_info_retrieval_time_utc"): timestamp(int(self.azure.clock.timestamp() * 1000)),
        }


_POSITIONS: dict[str, Callable[[RecordedEvent], int]] = {
    "x-opt-offset": lambda recorded: recorded.offset,
    "x-opt-sequence-number": lambda recorded: recorded.sequence,
    "x-opt-enqueued-time": lambda recorded: int(_milliseconds(recorded)),
    # The az CLI's extension asks so (azext_iot/monitor/telemetry.py in github.com/Azure/azure-iot-cli-extension).
    "x-opt-enqueuedtimeutc": lambda recorded: int(_milliseconds(recorded)),
}


def _milliseconds(recorded: RecordedEvent) -> timestamp:
    return timestamp(int(recorded.enqueued.timestamp() * 1000))


def _selector(link: Link) -> str | None:
    filters = link.remote_source.filter
    filters.rewind()
    found = filters.get_object() if filters.next() else None
    if not isinstance(found, dict):
        return None
    for value in found.values():
        if isinstance(value, Described) and str(value.descriptor) in {_FILTER, "77567109708"}:  # the name, or its number 0x0000468C00000004
            return str(value.value)
    return None
