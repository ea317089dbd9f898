"""The retries of one request: how many, how much time is left, and whether the user has been informed."""

from collections.abc import Callable, Mapping

from hubtrust.azure import reachability
from hubtrust.azure.error_bodies import Failure
from hubtrust.azure.errors import AzureError, UnreachableError
from hubtrust.azure.retry import (
    FIRST_WAIT,
    MAX_SERVER_ERRORS,
    MAX_WAIT,
    REPORT_AFTER,
    SERVER_ERROR,
    SHORTEST_ATTEMPT,
    THROTTLED,
    RetryLimits,
)

_REFUSED = range(400, 500)  # after any other status, or none, or somebody else's answer, the request may have been carried out


class FailedAttempt(Exception):  # noqa: N818 - not an error yet: the request is sent again, or ``Retries.error`` makes one of it
    """One try of a request failed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.fact)
        self.failure = failure


class Retries:
    """The retries of one request to ``host``.

    stamina repeats and sleeps. ``next_wait`` is its back-off hook, because the wait depends on Azure's response.
    """

    def __init__(
        self,
        what: str,
        host: str,
        limits: RetryLimits,
        report: Callable[[str], None],
        remedies: Mapping[type[AzureError], str],
        *,
        paced: bool,
    ) -> None:
        self._what, self._limits, self._report, self._remedies, self._paced = what, limits, report, remedies, paced
        self.host = host
        self.is_last = reachability.is_unreachable(host)  # one more try, and no more waiting
        self._answers = reachability.answers(host)
        self._started = limits.clock()
        self._tries = self._server_errors = 0
        self._reported = self._may_be_done = False
        self._answered: Failure | None = None  # what the host last said

    def next_wait(self, attempt: Exception) -> float | bool:
        """Seconds until the next try; False if a retry can't help, or the time for this kind of error is over."""
        if not isinstance(attempt, FailedAttempt):
            return False
        failure = attempt.failure
        self._answered = None if failure.kind is UnreachableError else failure
        self._server_errors += failure.status == SERVER_ERROR
        self._may_be_done |= failure.status not in _REFUSED or failure.kind is UnreachableError
        wait = self._wait(failure)
        self._tries += 1
        limit = self._limit(failure)
        spent = self._spent()
        if not failure.is_transient or self._server_errors >= MAX_SERVER_ERRORS or spent + wait > limit or wait > self.time_left():
            return False
        self._inform(failure, spent + wait, limit - spent)
        return wait

    def before_time_was_over(self, missing: Failure) -> Failure:
        """What the host said before, where no time was left for this answer: that is the cause, not the time."""
        if self._answered is None or self.time_left() > 0:
            return missing
        self._may_be_done = True
        return self._answered

    def error(self, failure: Failure) -> AzureError:
        """The error to raise after the last try."""
        if failure.kind is UnreachableError:
            reachability.record(failure.what or self.host, reached=False, since=None if failure.what else self._answers)
        fact = f"{failure.fact} (tried {self._tries} times in {self._spent():.0f} s)" if self._tries > 1 else failure.fact
        error = failure.error(failure.what or self._what, fact, self._remedies.get(failure.kind))
        error.may_be_done = self._may_be_done
        return error

    def time_left(self) -> float:
        """Seconds until the deadline."""
        return self._limits.time_left(self._started)

    def seconds_for(self, most: float) -> float:
        """Seconds for one step of an attempt: at most ``most``, and not beyond the deadline."""
        return min(most, max(self.time_left(), SHORTEST_ATTEMPT))

    def _limit(self, failure: Failure) -> float:
        """For how many seconds this failure is retried."""
        if failure.kind is UnreachableError and (self.is_last or (failure.what and reachability.is_unreachable(failure.what))):
            return 0.0
        limit = self._limits.seconds(failure.kind)
        return limit if failure.limit is None else min(limit, failure.limit)

    def _inform(self, failure: Failure, waited: float, left: float) -> None:
        """Tell the user of a long wait: once for this request, and once in a run for a host that does not answer."""
        if self._reported or waited <= REPORT_AFTER:
            return
        self._reported = True
        if failure.kind is not UnreachableError or reachability.report_once(failure.what or self.host):
            self._report(f"{failure.what or self._what}: {failure.fact}; trying again for up to {left:.0f} s")

    def _wait(self, failure: Failure) -> float:
        if failure.retry_after is not None:
            return failure.retry_after
        if self._paced and failure.status == THROTTLED:
            return 0.0  # the shared pace of all calls decides when the next one is sent
        return min(FIRST_WAIT * float(2**self._tries), MAX_WAIT)

    def _spent(self) -> float:
        return self._limits.clock() - self._started
