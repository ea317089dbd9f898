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
from hubtrust.azure.retry import CONNECT_TIMEOUT, READ_TIMEOUT, THROTTLED, FailedAttempt, RetryLimits, Waiting
from hubtrust.azure.throttle_pace import Pace

_DROPPED = ("RemoteDisconnected", "ConnectionResetError", "BrokenPipeError")
_FIRST_FAILURE, _BAD_REQUEST, _UNAUTHORIZED = 300, 400, 401
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
        waiting = Waiting(what, self._limits, self._report, self._remedies, paced=call.pace is not None)
        try:
            for attempt in stamina.retry_context(on=waiting.next_wait, attempts=None, timeout=None):
                with attempt:
                    return self._attempt(request, call)
        except FailedAttempt as last:
            raise waiting.error(last.failure) from None
        raise AssertionError  # pragma: no cover - retry_context returns or raises

    def _attempt(self, request: PipelineRequest[Any], call: "_Call") -> PipelineResponse[Any, Any]:
        """One try.

        Raises:
            FailedAttempt: there was no answer, or not one that the caller expects.
        """
        outcome = self._once(request, call.pace)
        found = outcome if isinstance(outcome, Failure) else call.failure(outcome.http_response)
        if found is None:
            assert isinstance(outcome, PipelineResponse)  # noqa: S101 - for the type checker: a Failure was found above
            return outcome
        if found.status == _UNAUTHORIZED:  # Azure refuses a token that has not expired here
            self._login.renew()
        raise FailedAttempt(found)

    def _once(self, request: PipelineRequest[Any], pace: Pace | None) -> PipelineResponse[Any, Any] | Failure:
        sent = pace.wait() if pace else 0.0
        request.http_request.headers["Authorization"] = f"Bearer {self._login.token(self._scope)}"
        outcome: PipelineResponse[Any, Any] | Failure
        try:
            outcome = self.next.send(request)
        except (ServiceRequestError, ServiceResponseError, DecodeError) as error:
            outcome = Failure(UnreachableError, _short(error), is_transient="CERTIFICATE_VERIFY_FAILED" not in str(error))
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


def _is_partial(response: Any) -> bool:
    """A hub answers 400 when it did some of a bulk call and refused the rest."""
    try:
        content = response.json()
    except ValueError:
        return False
    return isinstance(content, dict) and "isSuccessful" in content


def _short(error: Exception) -> str:
    """One line. For every connection that is dropped behind a proxy urllib3 blames the proxy, in Python's notation."""
    if any(sign in str(error) for sign in _DROPPED):
        return "the connection was closed before an answer came"
    return " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
