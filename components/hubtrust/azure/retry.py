"""How long the client keeps trying: every deadline, wait and pace limit of the package, and one request's waiting.

stamina repeats and sleeps; ``Waiting`` is its back-off hook, because the wait depends on Azure's response.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hubtrust.azure.error_bodies import Failure
from hubtrust.azure.errors import AzureError, DeniedError, NotFoundError, UnreachableError

# All in seconds.
DEADLINE = 300.0  # of one operation, unless the input `deadline` sets another
MIN_DEADLINE, MAX_DEADLINE = 1, 3600  # the range of that input
CHECK_DEADLINE = 60.0  # of a connection check, unless its input `deadline` sets another
# How long to retry, by kind of error, within the deadline.
DENIED = 90.0  # role assignments take time to take effect; waiting longer than this seldom helps
UNREACHABLE = 60.0
NOT_FOUND = 20.0  # a new hub is not known everywhere at once
# The same for a call that only reads.
READ_DEADLINE = 60.0
READ_UNREACHABLE = 10.0  # a refresh of many resources would otherwise wait a minute for each
READ_DENIED = 2.0  # an expired token is refused like a missing role, and only another try tells them apart
FIRST_WAIT, MAX_WAIT = 0.5, 15.0  # between two tries: each wait is twice the one before, unless Azure sends Retry-After
REPORT_AFTER = 3.0  # a request that is retried for longer is reported to the user
CONNECT_TIMEOUT, READ_TIMEOUT = 10, 60  # of one HTTP request
DEVICE_CONNECT_TIMEOUT = 15.0  # of a device's MQTT connection
MIN_SPACING, FIRST_SPACING, MAX_SPACING = 0.001, 0.5, 15.0  # between two calls that share a throttle

MAX_SERVER_ERRORS = 5  # answers with 500 to one request: Azure also sends it for a request that it can't read, and no retry helps then
THROTTLED = 429
_SERVER_ERROR = 500

# Pulumi shows every log line of a provider to the user, and a retry that helped is not worth one: ``Waiting`` reports a long wait.
_log = logging.getLogger("stamina")
_log.addHandler(logging.NullHandler())
_log.propagate = False


@dataclass(frozen=True, slots=True)
class RetryLimits:
    """For how many seconds to retry, by kind of error; ``clock`` is an argument so that tests can bring their own."""

    deadline: float = DEADLINE
    denied: float = DENIED
    unreachable: float = UNREACHABLE
    not_found: float = NOT_FOUND
    clock: Callable[[], float] = time.monotonic

    def seconds(self, kind: type[AzureError]) -> float:
        """For how many seconds to retry errors of ``kind``: never more than the deadline."""
        limits = {DeniedError: self.denied, UnreachableError: self.unreachable, NotFoundError: self.not_found}
        return min(self.deadline, limits.get(kind, self.deadline))


class FailedAttempt(Exception):  # noqa: N818 - not an error yet: the request is sent again, or ``Waiting.error`` makes one of it
    """One try of a request failed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.fact)
        self.failure = failure


class Waiting:
    """The waiting of one request: how much time is left, and whether the user has been informed."""

    def __init__(
        self, what: str, limits: RetryLimits, report: Callable[[str], None], remedies: Mapping[type[AzureError], str], *, paced: bool
    ) -> None:
        self._what, self._limits, self._report, self._remedies, self._paced = what, limits, report, remedies, paced
        self._started = limits.clock()
        self._tries = self._server_errors = 0
        self._reported = False

    def next_wait(self, attempt: Exception) -> float | bool:
        """Seconds until the next try; False if a retry can't help, or the time for this kind of error is over."""
        if not isinstance(attempt, FailedAttempt):
            return False
        failure = attempt.failure
        self._server_errors += failure.status == _SERVER_ERROR
        wait = self._wait(failure)
        self._tries += 1
        spent, limit = self._spent(), self._limits.seconds(failure.kind)
        if not failure.is_transient or self._server_errors >= MAX_SERVER_ERRORS or spent + wait > limit:
            return False
        if not self._reported and spent + wait > REPORT_AFTER:
            self._reported = True
            self._report(f"{self._what}: {failure.fact}; trying again for up to {limit - spent:.0f} s")
        return wait

    def error(self, failure: Failure) -> AzureError:
        """The error to raise after the last try."""
        fact = f"{failure.fact} (tried {self._tries} times in {self._spent():.0f} s)" if self._tries > 1 else failure.fact
        return failure.error(self._what, fact, self._remedies.get(failure.kind))

    def _wait(self, failure: Failure) -> float:
        if failure.retry_after is not None:
            return failure.retry_after
        if self._paced and failure.status == THROTTLED:
            return 0.0  # the shared pace of all calls decides when the next one is sent
        return min(FIRST_WAIT * float(2**self._tries), MAX_WAIT)

    def _spent(self) -> float:
        return self._limits.clock() - self._started
