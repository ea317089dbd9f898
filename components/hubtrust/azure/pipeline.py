"""The azure-core pipeline that every HTTP request of an ``AzureClient`` goes through, those of Azure's generated clients included.

Loaded by the first ``AzureClient`` of a process: azure-core's pipeline takes about 0.1 s to import.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import stamina
from azure.core.exceptions import DecodeError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline import Pipeline, PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HTTPPolicy, RequestIdPolicy, UserAgentPolicy
from azure.core.pipeline.transport import RequestsTransport

from hubtrust.azure.error_bodies import Failure, failure
from hubtrust.azure.errors import AzureError, UnreachableError
from hubtrust.azure.login import Login
from hubtrust.azure.retry import (
    CONNECT_TIMEOUT,
    FIRST_WAIT,
    MAX_SERVER_ERRORS,
    MAX_WAIT,
    READ_TIMEOUT,
    REPORT_AFTER,
    SERVER_ERROR,
    THROTTLED,
    RetryLimits,
)
from hubtrust.azure.throttle_pace import Pace

_DROPPED = ("RemoteDisconnected", "ConnectionResetError", "BrokenPipeError")
_FIRST_FAILURE, _BAD_REQUEST, _UNAUTHORIZED = 300, 400, 401
_REFUSED = range(400, 500)  # after any other status, or none, the request may have been carried out
# A 409 means "busy", except for these, which waiting does not change.
_FINAL_CONFLICTS = {"MissingSubscriptionRegistration", "ResourceGroupBeingDeleted", "DeviceAlreadyExists", "409001"}


def pipeline(
    scope: str, login: Login, limits: RetryLimits, report: Callable[[str], None], remedies: Mapping[type[AzureError], str]
) -> Pipeline[Any, Any]:
    """A pipeline that adds a token for ``scope``, retries, and raises this package's errors."""
    retry = RetryPolicy(scope, login, limits, report, remedies)
    transport = RequestsTransport(connection_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT)
    return Pipeline(transport, [retry, RequestIdPolicy(), UserAgentPolicy(base_user_agent="hubtrust")])


class RetryPolicy(HTTPPolicy[Any, Any]):
    """Sends a request until it succeeds, fails for good, or its time is over.

    A request's own options (keyword arguments of ``send_request`` and of generated operations) are ``what``, ``absent_is_fine``,
    ``partial_is_fine`` and ``pace``: see ``AzureClient.send``.
    """

    def __init__(
        self, scope: str, login: Login, limits: RetryLimits, report: Callable[[str], None], remedies: Mapping[type[AzureError], str]
    ) -> None:
        super().__init__()
        self._scope, self._login, self._limits, self._report, self._remedies = scope, login, limits, report, remedies

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send, and retry.

        Raises:
            AzureError: see ``AzureClient.send``.
        """
        options = request.context.options
        what = str(options.pop("what"))
        call = _Call(options.pop("pace", None), absent=options.pop("absent_is_fine", False), partial=options.pop("partial_is_fine", False))
        retries = _Retries(what, self._limits, self._report, self._remedies, paced=call.pace is not None)
        try:
            for attempt in stamina.retry_context(on=retries.next_wait, attempts=None, timeout=None):
                with attempt:
                    return self._attempt(request, call)
        except _FailedAttempt as last:
            raise retries.error(last.failure) from None
        raise AssertionError  # pragma: no cover - retry_context returns or raises

    def _attempt(self, request: PipelineRequest[Any], call: "_Call") -> PipelineResponse[Any, Any]:
        """One try.

        Raises:
            _FailedAttempt: there was no answer, or not one that the caller expects.
        """
        outcome = self._send_once(request, call.pace)
        found = outcome if isinstance(outcome, Failure) else call.failure(outcome.http_response)
        if found is None:
            assert isinstance(outcome, PipelineResponse)  # noqa: S101 - for the type checker: a Failure was found above
            return outcome
        if found.status == _UNAUTHORIZED:  # Azure refuses a token that has not expired here
            self._login.renew()
        raise _FailedAttempt(found)

    def _send_once(self, request: PipelineRequest[Any], pace: Pace | None) -> PipelineResponse[Any, Any] | Failure:
        sent = pace.wait() if pace else 0.0
        request.http_request.headers["Authorization"] = f"Bearer {self._login.token(self._scope)}"
        outcome: PipelineResponse[Any, Any] | Failure
        try:
            outcome = self.next.send(request)
        except (ServiceRequestError, ServiceResponseError, DecodeError) as error:
            outcome = Failure(UnreachableError, _one_line(error), is_transient="CERTIFICATE_VERIFY_FAILED" not in str(error))
        if pace:
            pace.record(sent, throttled=isinstance(outcome, PipelineResponse) and outcome.http_response.status_code == THROTTLED)
        return outcome


@dataclass(frozen=True, slots=True)
class _Call:
    """The options of one request."""

    pace: Pace | None
    absent: bool
    partial: bool

    def failure(self, response: Any) -> Failure | None:
        """What is wrong with ``response``; None if the caller expects it."""
        if response.status_code < _FIRST_FAILURE:
            return None
        found = failure(response, final_conflicts=_FINAL_CONFLICTS)
        if self.absent and found.absent:
            return None
        return None if self.partial and found.status == _BAD_REQUEST and _is_partial(response) else found


class _FailedAttempt(Exception):  # noqa: N818 - not an error yet: the request is sent again, or ``_Retries.error`` makes one of it
    """One try of a request failed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.fact)
        self.failure = failure


class _Retries:
    """The retries of one request: how many, how much time is left, and whether the user has been informed.

    stamina repeats and sleeps. ``next_wait`` is its back-off hook, because the wait depends on Azure's response.
    """

    def __init__(
        self, what: str, limits: RetryLimits, report: Callable[[str], None], remedies: Mapping[type[AzureError], str], *, paced: bool
    ) -> None:
        self._what, self._limits, self._report, self._remedies, self._paced = what, limits, report, remedies, paced
        self._started = limits.clock()
        self._tries = self._server_errors = 0
        self._reported = self._may_be_done = False

    def next_wait(self, attempt: Exception) -> float | bool:
        """Seconds until the next try; False if a retry can't help, or the time for this kind of error is over."""
        if not isinstance(attempt, _FailedAttempt):
            return False
        failure = attempt.failure
        self._server_errors += failure.status == SERVER_ERROR
        self._may_be_done |= failure.status not in _REFUSED
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
        error = failure.error(self._what, fact, self._remedies.get(failure.kind))
        error.may_be_done = self._may_be_done
        return error

    def _wait(self, failure: Failure) -> float:
        if failure.retry_after is not None:
            return failure.retry_after
        if self._paced and failure.status == THROTTLED:
            return 0.0  # the shared pace of all calls decides when the next one is sent
        return min(FIRST_WAIT * float(2**self._tries), MAX_WAIT)

    def _spent(self) -> float:
        return self._limits.clock() - self._started


def _is_partial(response: Any) -> bool:
    """A hub answers 400 when it did some of a bulk call and refused the rest."""
    try:
        content = response.json()
    except ValueError:
        return False
    return isinstance(content, dict) and "isSuccessful" in content


def _one_line(error: Exception) -> str:
    """One line. For every connection that is dropped behind a proxy urllib3 blames the proxy, in Python's notation."""
    if any(sign in str(error) for sign in _DROPPED):
        return "the connection was closed before an answer came"
    return " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
