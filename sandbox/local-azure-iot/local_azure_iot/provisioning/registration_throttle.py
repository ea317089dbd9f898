"""How many registrations, and how many operations of its service API, a service takes in a minute. Off unless a setting turns it on.

Azure's limits are 1,000 registrations and 1,000 operations a minute and service, and five polls in ten seconds for each device: the three
are counted apart (https://learn.microsoft.com/azure/iot-dps/about-iot-dps, "Quotas and limits"). That a service that was idle takes a
whole minute's at once, that a bulk operation is one, and how long devices are told to wait, are guesses.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

_MINUTE = 60.0
_LEAST_WAIT = 5  # seconds
_OPERATIONS = 1000  # of the service API, a minute
_POLLS, _POLL_SECONDS = 5, 10.0
_DEVICES_KEPT = 10_000


@dataclass
class RegistrationThrottle:
    """What each service may take now, and when each device asked last; times are on the monotonic clock."""

    _taken: dict[str, tuple[float, float]] = field(default_factory=dict)  # by service: how many, as of when
    _polls: dict[str, deque[float]] = field(default_factory=dict)

    def register(self, service_key: str, per_minute: int, now: float) -> int | None:
        """Count a registration. None: it passes; otherwise after how many seconds to try again."""
        taken, at = self._taken.get(service_key, (0.0, now))
        left = max(0.0, taken - (now - at) * per_minute / _MINUTE)
        if left + 1 > per_minute:
            self._taken[service_key] = left, now
            return max(_LEAST_WAIT, math.ceil((left + 1 - per_minute) * _MINUTE / per_minute))
        self._taken[service_key] = left + 1, now
        return None

    def operate(self, service_key: str, factor: float, now: float) -> bool:
        """Count an operation of the service API, of which there may be Azure's number times ``factor``. Whether it passes."""
        return self.register(f"{service_key}/operations", max(1, round(_OPERATIONS * factor)), now) is None

    def poll(self, device: str, now: float) -> int | None:
        """Count a device's question how far it is; ``device`` is the key of its registration. As `register`."""
        asked = self._polls.pop(device, deque[float](maxlen=_POLLS))
        self._polls[device] = asked
        if len(self._polls) > _DEVICES_KEPT:
            del self._polls[next(iter(self._polls))]
        if len(asked) == _POLLS and now - asked[0] < _POLL_SECONDS:
            return max(1, math.ceil(_POLL_SECONDS - (now - asked[0])))
        asked.append(now)
        return None

    def clear(self) -> None:
        """Forget what was counted."""
        self._taken.clear()
        self._polls.clear()
