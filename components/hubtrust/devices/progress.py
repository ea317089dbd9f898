"""How far a long piece of work is: a line every few seconds."""

import time
from collections.abc import Callable

_EVERY = 3.0  # seconds


class Progress:
    """``total`` devices to be done; ``tell`` gets a line when the last one is some seconds old."""

    def __init__(self, what: str, total: int, tell: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._what, self._total, self._tell, self._clock = what, total, tell, clock
        self._began = self._told = clock()
        self._done = 0

    def add(self, count: int) -> None:
        """So many more are done."""
        self._done += count
        now = self._clock()
        if now - self._told < _EVERY or self._done >= self._total:
            return
        self._told = now
        rate = self._done / (now - self._began)
        left = f"about {(self._total - self._done) / rate:,.0f} s left" if rate else "no telling how long yet"
        self._tell(f"{self._what}: {self._done:,} of {self._total:,} devices, {rate:,.0f} a second, {left}")
