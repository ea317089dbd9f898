"""The azure-core pipeline that every HTTP request of an ``AzureClient`` goes through, those of Azure's generated clients included.

Loaded by the first ``AzureClient`` of a process: azure-core's pipeline takes about 0.1 s to import.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError as CoreError
from azure.core.pipeline import Pipeline, PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HTTPPolicy, SansIOHTTPPolicy, UserAgentPolicy

from hubtrust.azure import reachability
from hubtrust.azure.answer_shapes import Expectation
from hubtrust.azure.call_recording import recording
from hubtrust.azure.error_bodies import Failure, failure, foreign
from hubtrust.azure.errors import AzureError, DeniedError, NotAdmittedError, UnreachableError
from hubtrust.azure.json_body import CONTENT, ForeignAnswerError, content
from hubtrust.azure.login import Login
from hubtrust.azure.network_faults import NetworkFault, network_fault
from hubtrust.azure.request_retries import FailedAttempt, Retries
from hubtrust.azure.retry import (
    ATTEMPT_TIMEOUT,
    CONNECT_TIMEOUT,
    LAST_ATTEMPT,
    LOGIN_TIMEOUT,
    READ_TIMEOUT,
    THROTTLED,
    RetryLimits,
    retry_context,
)
from hubtrust.azure.throttle_pace import Pace
from hubtrust.azure.time_limit import TimeOverError, within
from hubtrust.azure.transport import LimitedTransport

_FIRST_FAILURE, _BAD_REQUEST, _UNAUTHORIZED = 300, 400, 401
# A 409 means "busy", except for these, which waiting does not change.
_FINAL_CONFLICTS = {"MissingSubscriptionRegistration", "ResourceGroupBeingDeleted", "DeviceAlreadyExists", "409001"}
_FINAL_CONFLICTS |= {"ModuleAlreadyExistsOnDevice", "409301", "409201", "409202"}  # the last two: of a provisioning service's enrollments


_Doubt = Callable[[], NetworkFault | None]


def pipeline(
    scope: str,
    login: Login,
    limits: RetryLimits,
    report: Callable[[str], None],
    remedies: Mapping[type[AzureError], str],
    on_denied: _Doubt | None = None,
) -> Pipeline[Any, Any]:
    """A pipeline that adds a token for ``scope``, retries, and raises this package's errors. For the rest see ``AzureClient``."""
    retry = RetryPolicy(scope, login, limits, report, remedies, on_denied)
    return Pipeline(LimitedTransport(), [retry, RequestIdPolicy(), UserAgentPolicy(base_user_agent="hubtrust"), *recording()])


class RequestIdPolicy(SansIOHTTPPolicy[Any, Any]):
    """Gives each request a random id, which Azure's logs have; a request that is sent again keeps it.

    azure-core's own policy makes ids by ``uuid.uuid1``. Where libuuid has a clock file (package uuid-runtime, as root), that keeps the file
    open for each thread that ever asked: after 1,000 threads the MQTT client, which waits by ``select``, can use no connection.
    """

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Set the header before the request is sent."""
        request.http_request.headers.setdefault("x-ms-client-request-id", str(uuid.uuid4()))


class RetryPolicy(HTTPPolicy[Any, Any]):
    """Sends a request until it succeeds, fails for good, or its time is over.

    A request's own options (keyword arguments of ``send_request`` and of generated operations) are ``what``, ``expects``,
    ``absent_is_fine``, ``partial_is_fine`` and ``pace``: see ``AzureClient.send``. This is the one place where an answer is checked: the
    parsed body, if it is what the request expects, is in the context of the response under ``CONTENT``.
    """

    def __init__(
        self,
        scope: str,
        login: Login,
        limits: RetryLimits,
        report: Callable[[str], None],
        remedies: Mapping[type[AzureError], str],
        on_denied: _Doubt | None,
    ) -> None:
        super().__init__()
        self._scope, self._login, self._limits, self._report, self._remedies = scope, login, limits, report, remedies
        self._network_doubt = cache(on_denied or (lambda: None))

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send, and retry.

        Raises:
            AzureError: see ``AzureClient.send``.
        """
        options = request.context.options
        what, host = str(options.pop("what")), urlsplit(request.http_request.url).netloc
        call = _Call(
            expects=options.pop("expects"),
            pace=options.pop("pace", None),
            absent=options.pop("absent_is_fine", False),
            partial=options.pop("partial_is_fine", False),
        )
        retries = Retries(what, host, self._limits, self._report, self._remedies, paced=call.pace is not None)
        try:
            for attempt in retry_context(on=retries.next_wait, attempts=None, timeout=None):
                with attempt:
                    return self._attempt(request, call, retries)
        except FailedAttempt as last:
            raise retries.error(last.failure) from None
        raise AssertionError  # pragma: no cover - retry_context returns or raises

    def _attempt(self, request: PipelineRequest[Any], call: "_Call", retries: Retries) -> PipelineResponse[Any, Any]:
        """One try.

        Raises:
            FailedAttempt: there was no answer, or not one that the caller expects.
        """
        outcome = self._send_once(request, call.pace, retries)
        found = outcome if isinstance(outcome, Failure) else call.failure(outcome)
        if found is None or found.kind is not UnreachableError:
            reachability.record(retries.host, reached=True)
        if found is None:
            assert isinstance(outcome, PipelineResponse)  # noqa: S101 - for the type checker: a Failure was found above
            return outcome
        if found.status == _UNAUTHORIZED:  # Azure refuses a token that has not expired here
            self._login.renew()
        doubt = self._network_doubt() if found.kind is DeniedError else None
        if doubt is not None:
            fact = f"{found.fact}; {doubt.fact}"
            found = replace(found, kind=NotAdmittedError, fact=fact, remedy=doubt.remedy, limit=doubt.limit)
        raise FailedAttempt(found)

    def _send_once(self, request: PipelineRequest[Any], pace: Pace | None, retries: Retries) -> PipelineResponse[Any, Any] | Failure:
        sent = pace.wait() if pace else 0.0
        try:
            token = self._login.token(self._scope, within_seconds=retries.seconds_for(LOGIN_TIMEOUT))
        except UnreachableError as error:
            return Failure(UnreachableError, error.fact, is_transient=True, remedy=error.remedy, what=error.what, limit=error.limit)
        request.http_request.headers["Authorization"] = f"Bearer {token}"
        seconds = retries.seconds_for(LAST_ATTEMPT if retries.is_last else ATTEMPT_TIMEOUT)
        request.context.options.update(connection_timeout=min(CONNECT_TIMEOUT, seconds), read_timeout=min(READ_TIMEOUT, seconds))
        outcome: PipelineResponse[Any, Any] | Failure
        try:
            outcome = within(seconds, lambda: self.next.send(request))
        except CoreError as error:
            found = network_fault(error, request.http_request.url)
            outcome = Failure(UnreachableError, found.fact, is_transient=True, remedy=found.remedy, limit=found.limit)
        except TimeOverError:
            outcome = Failure(UnreachableError, f"no complete answer within {seconds:.0f} s", is_transient=True)
        if isinstance(outcome, Failure):
            outcome = retries.before_time_was_over(outcome)
        if pace:
            pace.record(sent, throttled=isinstance(outcome, PipelineResponse) and outcome.http_response.status_code == THROTTLED)
        return outcome


@dataclass(frozen=True, slots=True)
class _Call:
    """The options of one request."""

    expects: Expectation
    pace: Pace | None
    absent: bool
    partial: bool

    def failure(self, answer: PipelineResponse[Any, Any]) -> Failure | None:
        """What is wrong with ``answer``; None if the caller expects it."""
        response = answer.http_response
        if response.status_code >= _FIRST_FAILURE:
            found = failure(response, final_conflicts=_FINAL_CONFLICTS)
            return None if (self.absent and found.absent) or (self.partial and self._is_partial(answer)) else found
        fault = self._fault(answer)
        return None if fault is None else foreign(fault, status=response.status_code)

    def _is_partial(self, answer: PipelineResponse[Any, Any]) -> bool:
        """A hub answers 400 when it did some of a bulk call and refused the rest."""
        is_expected = answer.http_response.status_code == _BAD_REQUEST and self._fault(answer) is None
        return is_expected and bool(answer.context[CONTENT]["errors"])

    def _fault(self, answer: PipelineResponse[Any, Any]) -> str | None:
        """Why the answer is not what the request expects; None if it is."""
        try:
            body = content(answer.http_response)
        except ForeignAnswerError as error:
            return str(error)
        fault = self.expects(body)
        if fault is None:
            answer.context[CONTENT] = body
            return None
        return "the answer is empty" if body is None else f"the answer is not Azure's ({fault})"
