"""How long the client keeps trying: every deadline, wait and pace limit of the package, and one request's waiting.

The loop sleeps by a hook of its own and not by stamina, whose clock and sleep can only be switched off for a whole process: tests run
requests in several threads, each with a clock of its own.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hubtrust.azure.error_bodies import Failure
from hubtrust.azure.errors import AzureError, DeniedError, NotFoundError, UnreachableError

# All in seconds.
DEADLINE = 300.0  # of one operation, unless the input `deadline` sets another
SHORTEST_DEADLINE, LONGEST_DEADLINE = 1, 3600  # the range of that input
DENIED = 90.0  # a new role assignment takes minutes until every service knows it
UNREACHABLE = 60.0
MISSING = 20.0  # a new hub is not known everywhere at once
FIRST_WAIT, LONGEST_WAIT = 0.5, 15.0  # each wait is twice the one before, unless Azure sends Retry-After
SILENT = 3.0  # a longer wait is reported
CONNECT_TIMEOUT, READ_TIMEOUT = 10, 60  # of one HTTP request
DEVICE_CONNECT_TIMEOUT = 15.0  # of a device's MQTT connection
WIDEST_SPACING, FIRST_SPACING, LEAST_SPACING = 15.0, 0.5, 0.001  # between two calls that share a throttle

MOST_SERVER_ERRORS = 5  # Azure also answers 500 to a request that it can't read, and repeating that never helps
THROTTLED = 429
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Patience:
    """For how many seconds to retry, by kind of error; ``sleep`` and ``clock`` are arguments so that tests can bring their own."""

    deadline: float = DEADLINE
    denied: float = DENIED
    unreachable: float = UNREACHABLE
    missing: float = MISSING
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def limit(self, kind: type[AzureError]) -> float:
        """The seconds for errors of ``kind``, never more than the deadline."""
        limits = {DeniedError: self.denied, UnreachableError: self.unreachable, NotFoundError: self.missing}
        return min(self.deadline, limits.get(kind, self.deadline))


class Waiting:
    """The waiting of one request: how much time is left, and whether the user has been informed."""

    def __init__(
        self, what: str, patience: Patience, tell: Callable[[str], None], remedies: Mapping[type[AzureError], str], *, paced: bool
    ) -> None:
        self._what, self._patience, self._tell, self._remedies, self._paced = what, patience, tell, remedies, paced
        self._started = patience.clock()
        self._tries = self._server_errors = 0
        self._reported = False

    def after(self, failure: Failure) -> None:
        """Wait before the next try.

        Raises:
            AzureError: a retry can't help, or the time for this kind of error is over.
        """
        self._server_errors += failure.status == _SERVER_ERROR
        wait = min(FIRST_WAIT * 2**self._tries, LONGEST_WAIT)
        if self._paced and failure.status == THROTTLED:
            wait = 0.0  # the shared pace of all calls decides when the next one is sent
        wait = wait if failure.retry_after is None else failure.retry_after
        self._tries += 1
        spent, limit = self._patience.clock() - self._started, self._patience.limit(failure.kind)
        if not failure.passes or self._server_errors >= MOST_SERVER_ERRORS or spent + wait > limit:
            fact = f"{failure.fact} (tried {self._tries} times in {spent:.0f} s)" if self._tries > 1 else failure.fact
            raise failure.error(self._what, fact, self._remedies.get(failure.kind))
        if not self._reported and spent + wait > SILENT:
            self._reported = True
            self._tell(f"{self._what}: {failure.fact}; trying again for up to {limit - spent:.0f} s")
        self._patience.sleep(wait)
