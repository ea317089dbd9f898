"""A hub's throttle: how long a request waits, and when it is refused. Off unless a setting turns it on.

Rates are those of https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-quotas-throttling. A burst above them passes at once (250
reads in ten seconds were seen to pass on a hub of one unit), then requests wait their turn ("traffic shaping"), and those that would wait
longer than the queue holds are answered 429.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local_azure_iot.store import Document

QUEUE_SECONDS = 10.0  # the wait that a 429 asks of clients; that the queue is as long is a guess


class Operation(StrEnum):
    """What is counted separately. The values appear in 429 answers."""

    REGISTRY = "CRUD"
    QUERY = "Query"
    TWIN_READ = "TwinRead"
    TWIN_WRITE = "TwinUpdate"
    CONFIGURATION = "ConfigurationWrite"
    JOB = "Job"
    EVENTS = "DeviceToCloudSend"
    CLOUD_TO_DEVICE_SEND = "CloudToDeviceSend"
    CLOUD_TO_DEVICE_RECEIVE = "CloudToDeviceReceive"
    METHOD = "DirectMethod"
    FILE_UPLOAD = "FileUpload"


# Operations a second and unit: the small tiers, and the third.
_RATES = {
    Operation.REGISTRY: (100 / 60, 5000 / 60),
    Operation.QUERY: (20 / 60, 1000 / 60),
    Operation.TWIN_READ: (100.0, 500.0),
    Operation.TWIN_WRITE: (50.0, 250.0),
    Operation.CONFIGURATION: (20 / 60, 20 / 60),
    Operation.JOB: (100 / 60, 5000 / 60),
    Operation.EVENTS: (100.0, 6000.0),
    Operation.CLOUD_TO_DEVICE_SEND: (100 / 60, 5000 / 60),
    Operation.CLOUD_TO_DEVICE_RECEIVE: (1000 / 60, 50_000 / 60),
    Operation.METHOD: (40.0, 6000.0),  # documented as 160 KB and 24 MB, in steps of 4 KB
    Operation.FILE_UPLOAD: (100 / 60, 5000 / 60),
}
# Below tier 3: the documented minimum of a hub, whatever its units.
_NOT_BY_UNIT = (Operation.TWIN_READ, Operation.TWIN_WRITE, Operation.EVENTS)


def rate(sku: str, units: int, operation: Operation) -> float:
    """How many operations a second a hub allows."""
    tiers_1_and_2, tier_3 = _RATES[operation]
    is_tier_3 = sku.endswith("3")
    per_unit = tier_3 if is_tier_3 else tiers_1_and_2
    if operation in _NOT_BY_UNIT and not is_tier_3:
        return per_unit
    return per_unit * units


@dataclass
class Throttle:
    """One leaky bucket a hub and operation: when, on the monotonic clock, it will be empty again."""

    _empty_at: dict[tuple[str, Operation], float] = field(default_factory=dict)

    def wait(self, hub_key: str, hub: Document, operation: Operation, *, factor: float, burst: int, now: float) -> float | None:
        """Seconds that a request has to wait, or None when the queue is full; a refused request is not counted."""
        seconds = 1 / (rate(hub["sku"]["name"], int(hub["sku"].get("capacity") or 1), operation) * factor)
        empty_at = max(self._empty_at.get((hub_key, operation), now), now)
        wait = max(0.0, empty_at - now - burst * seconds)
        if wait > QUEUE_SECONDS:
            return None
        self._empty_at[hub_key, operation] = empty_at + seconds
        return wait

    def clear(self) -> None:
        """Every bucket is empty."""
        self._empty_at.clear()
