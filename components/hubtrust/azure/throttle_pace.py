"""The pace of calls that share one throttle: full speed until the service answers 429, then as fast as it allows."""

import threading
import time
from collections.abc import Callable

from hubtrust.azure.retry import FIRST_SPACING, MAX_SPACING, MIN_SPACING

_WIDEN, _NARROW, _HURRY = 1.1, 0.985, 0.95
_STREAK = 30  # answers without a 429 after which the spacing may be far too wide


class Pace:
    """For calls in several threads. The rate is measured, not configured: the calls accepted between two 429s are what the throttle allows.

    A 429 for a call sent before the last widening is ignored, so that one full queue counts once.
    """

    def __init__(self, *, sleep: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.monotonic) -> None:
        self._sleep, self._clock = sleep, clock
        self._lock = threading.Lock()
        self._spacing = self._next = 0.0
        self._widened = clock()
        self._streak = 0

    def wait(self) -> float:
        """Wait for a turn; returns its time, for ``record``."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + self._spacing
        if turn > now:
            self._sleep(turn - now)
        return turn

    def record(self, sent: float, *, throttled: bool) -> None:
        """Record the result of the call whose turn was at ``sent``."""
        with self._lock:
            if not throttled:
                self._streak += 1
                self._spacing *= _NARROW if self._streak < _STREAK else _HURRY
                self._spacing = self._spacing if self._spacing >= MIN_SPACING else 0.0
            elif sent >= self._widened:
                now = self._clock()
                allowed = min((now - self._widened) / max(self._streak, 1), max(4 * self._spacing, FIRST_SPACING))  # it may have been idle
                self._spacing = min(max(self._spacing * _WIDEN, allowed, MIN_SPACING), MAX_SPACING)
                self._widened, self._streak = now, 0
                self._next = max(self._next, self._widened + self._spacing)


_PACES: dict[tuple[str, str], Pace] = {}
_GUARD = threading.Lock()


def shared(host: str, kind: str) -> Pace:
    """This process's pace for calls of ``kind`` to ``host``; Azure throttles each kind by itself."""
    with _GUARD:
        return _PACES.setdefault((host.lower(), kind), Pace())
