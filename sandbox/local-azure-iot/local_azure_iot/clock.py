"""Local Azure's time: the machine's own, or one that a test sets."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


_SHORTEST_LOOK = 0.1  # seconds between two looks at a clock that was stopped
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)  # what Azure issues ends after now, before 9999


class Clock:
    """The time in UTC. It can be set; it then continues from the set time or, if frozen, stops there.

    Only Azure's answers and decisions use this clock. TLS uses the machine's, as clients do.
    """

    def __init__(self) -> None:
        self._offset = timedelta()
        self._frozen: datetime | None = None
        self._listeners: list[Callable[[], None]] = []

    def when_set(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` each time that the clock was set: what waits for a moment on it must count anew."""
        self._listeners.append(listener)

    def _was_set(self) -> None:
        for listener in self._listeners:
            listener()

    def now(self) -> datetime:
        """The current time, aware, in UTC."""
        if self._frozen is not None:
            return self._frozen
        return datetime.now(UTC) + self._offset

    def timestamp(self) -> float:
        """The current time in seconds since 1970."""
        return self.now().timestamp()

    def wait_until(self, moment: float) -> float:
        """The seconds after which to look whether it is ``moment`` (since 1970) by this clock, which may have been stopped; 0: it is."""
        left = moment - self.timestamp()
        return max(left, _SHORTEST_LOOK) if left > 0 else 0

    def set(self, moment: datetime, *, frozen: bool = False) -> None:
        """Set the time to `moment` (aware); with `frozen` it stops there until the next call.

        Raises:
            ValueError: It has no time zone, or it can't be that time.
        """
        if moment.tzinfo is None:
            raise ValueError(f"the clock can't be set: '{moment}' has no time zone; add one, such as a trailing Z")
        _require(moment)
        self._frozen = moment.astimezone(UTC) if frozen else None
        self._offset = moment - datetime.now(UTC)
        self._was_set()

    def advance(self, seconds: float) -> None:
        """Advance the time by `seconds`.

        Raises:
            ValueError: It can't be that time.
        """
        try:
            _require(self.now() + timedelta(seconds=seconds))
        except OverflowError as error:
            raise ValueError(f"the clock can't be advanced by {seconds:g} seconds: {_RANGE}") from error
        if self._frozen is not None:
            self._frozen += timedelta(seconds=seconds)
        else:
            self._offset += timedelta(seconds=seconds)
        self._was_set()

    def follow_machine(self) -> None:
        """Return to the machine's time."""
        self._offset, self._frozen = timedelta(), None
        self._was_set()


_RANGE = f"it goes from the year {_FIRST.year} to {_LAST.year}"


def _require(moment: datetime) -> None:
    if not _FIRST <= moment <= _LAST:
        raise ValueError(f"the clock can't be set to {moment.isoformat()}: {_RANGE}")


def monotonic() -> float:
    """Seconds of real time, for measuring durations; never in an answer or in the store."""
    return time.monotonic()


def seven_digits(moment: object) -> str:
    """An ISO 8601 time in UTC in .NET's round-trip form: seven digits of a second and a Z."""
    date, _, fraction = str(moment).removesuffix("+00:00").partition(".")
    return f"{date}.{fraction.ljust(7, '0')}Z"
