"""The link that breaks on a device's way to its hub: what it is called, and how often the way is tried again."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from hubtrust.azure.errors import SessionError
from hubtrust.azure.retry import DEVICE_SESSION_TIMEOUT, DEVICE_WAITS, SHORTEST_ATTEMPT, retry_context
from hubtrust.reconcile_errors import ConnectionFailedError

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a device is refused: ``reason`` in two or three words, and whether a later attempt may succeed."""

    reason: str
    fact: str
    remedy: str
    temporary: bool = False

    def error(self, seen: SessionError) -> ConnectionFailedError:
        """The error of a device that saw ``seen``."""
        return ConnectionFailedError(seen.what, f"{self.reason}: {self.fact} ({seen.fact})", self.remedy, temporary=self.temporary)


def unreachable(error: SessionError) -> ConnectionFailedError:
    """The error of a device that reached nobody who could refuse it."""
    return ConnectionFailedError(error.what, f"{error.stage}: {error.fact}", error.remedy, temporary=error.stage != "tls")


def attempted(step: Callable[[float], _T], *, deadline: float, report: Callable[[str], None]) -> _T:
    """The result of ``step``, which gets the seconds that it may take. It is tried again while its failure may be temporary.

    Raises:
        ConnectionFailedError: it is not temporary, or ``deadline`` seconds are over.
    """
    reported = False

    def retry(error: Exception) -> bool:
        nonlocal reported
        temporary = isinstance(error, ConnectionFailedError) and error.temporary
        if temporary and not reported:
            reported = True
            report(f"{error}; trying again for up to {deadline:.0f} s")
        return temporary

    end = time.monotonic() + deadline
    for attempt in retry_context(on=retry, attempts=None, timeout=deadline, **DEVICE_WAITS):
        with attempt:
            return step(min(DEVICE_SESSION_TIMEOUT, max(end - time.monotonic(), SHORTEST_ATTEMPT)))
    raise AssertionError("the last attempt returns or raises")  # pragma: no cover
