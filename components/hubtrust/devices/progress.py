"""The progress of work on many devices or enrollments, reported now and then."""

import time
from collections.abc import Callable

from hubtrust.azure.retry import PROGRESS_INTERVAL


class Progress:
    """The progress of work on ``total`` members of a fleet, which are called ``noun``.

    ``report`` receives a line after 3 seconds, and then each time that twice as much time has passed: Pulumi shows every line once more at
    the end of a run, so that there must be few of them however long it takes.
    """

    def __init__(
        self,
        what: str,
        total: int,
        report: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        *,
        noun: str = "devices",
    ) -> None:
        self._what, self._total, self._report, self._clock, self._noun = what, total, report, clock, noun
        self._started = clock()
        self._next = self._started + PROGRESS_INTERVAL
        self._done = 0

    def add(self, count: int) -> None:
        """``count`` more are done."""
        self._done += count
        now = self._clock()
        if now < self._next or self._done >= self._total:
            return
        self._next = now + (now - self._started)
        rate = self._done / (now - self._started)
        left = f"about {(self._total - self._done) / rate:,.0f} s left" if rate else "time left unknown"
        self._report(f"{self._what}: {self._done:,} of {self._total:,} {self._noun}, {rate:,.0f} a second, {left}")
