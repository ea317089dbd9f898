"""The pace of calls that share one throttle: full speed until the service answers 429, then as fast as it allows."""

import threading
import time
from collections.abc import Callable

from hubtrust.azure.retry import FIRST_SPACING, MAX_SPACING, MIN_SPACING

# Factors of the spacing between two calls: after a 429, after an accepted call, and after an accepted call of a long streak.
_WIDEN, _NARROW, _NARROW_FAST = 1.1, 0.985, 0.95
_STREAK = 30  # accepted calls in a row after which the spacing is probably far too wide


class Pace:
    """The spacing between calls, shared by threads. It is measured: the throttle allows as many calls as it accepted between two 429s.

    A 429 for a call that was sent before the last change is ignored, so that calls which were already on their way count once.
    """

    def __init__(self, *, sleep: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.monotonic) -> None:
        self._sleep, self._clock = sleep, clock
        self._lock = threading.Lock()
        self._spacing = self._next = 0.0
        self._widened = clock()
        self._streak = 0

    def wait(self) -> float:
        """Wait until the next call may be sent; returns that time, for ``record``."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + self._spacing
        if turn > now:
            self._sleep(turn - now)
        return turn

    def record(self, sent: float, *, throttled: bool) -> None:
        """Record the result of the call that was sent at ``sent``."""
        with self._lock:
            if not throttled:
                self._streak += 1
                self._spacing *= _NARROW if self._streak < _STREAK else _NARROW_FAST
                self._spacing = self._spacing if self._spacing >= MIN_SPACING else 0.0
            elif sent >= self._widened:
                now = self._clock()
                allowed = min((now - self._widened) / max(self._streak, 1), max(4 * self._spacing, FIRST_SPACING))  # it may have been idle
                self._spacing = min(max(self._spacing * _WIDEN, allowed, MIN_SPACING), MAX_SPACING)
                self._widened, self._streak = now, 0
                self._next = max(self._next, self._widened + self._spacing)


_PACES: dict[tuple[str, str], Pace] = {}
_GUARD = threading.Lock()


def shared_pace(host: str, kind: str) -> Pace:
    """This process's pace for calls of ``kind`` to ``host``; Azure throttles each kind by itself."""
    with _GUARD:
        return _PACES.setdefault((host.lower(), kind), Pace())
