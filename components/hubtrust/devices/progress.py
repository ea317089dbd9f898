"""The progress of work on many devices, reported every few seconds."""

import time
from collections.abc import Callable

from hubtrust.azure.retry import PROGRESS_INTERVAL


class Progress:
    """The progress of work on ``total`` devices. ``report`` receives a line at most every 3 seconds."""

    def __init__(self, what: str, total: int, report: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._what, self._total, self._report, self._clock = what, total, report, clock
        self._started = self._reported = clock()
        self._done = 0

    def add(self, count: int) -> None:
        """``count`` more devices are done."""
        self._done += count
        now = self._clock()
        if now - self._reported < PROGRESS_INTERVAL or self._done >= self._total:
            return
        self._reported = now
        rate = self._done / (now - self._started)
        left = f"about {(self._total - self._done) / rate:,.0f} s left" if rate else "time left unknown"
        self._report(f"{self._what}: {self._done:,} of {self._total:,} devices, {rate:,.0f} a second, {left}")
