"""One of Azure's doors: requests with a token, and patience with what passes by itself."""

import email.utils
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from azure.core import PipelineClient
from azure.core.exceptions import DecodeError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline.policies import RequestIdPolicy, UserAgentPolicy
from azure.core.rest import HttpRequest, HttpResponse

from hubtrust.azure.error_bodies import Complaint, complaint
from hubtrust.azure.errors import AzureError, DeniedError, NotFoundError, UnreachableError
from hubtrust.azure.login import Login
from hubtrust.azure.throttle_pace import Pace

_FIRST_WAIT, _LONGEST_WAIT, _SILENT = 0.5, 15.0, 3.0  # seconds; a wait longer than the last is told
_DROPPED = ("RemoteDisconnected", "ConnectionResetError", "BrokenPipeError")
_MOST_500 = 5  # answers: Azure says 500 also to what it can't read, and that never passes by itself
# 409 is "busy" but for these, which waiting does not change.
_FINAL_CONFLICTS = {"MissingSubscriptionRegistration", "ResourceGroupBeingDeleted", "DeviceAlreadyExists", "409001"}
_THROTTLED = 429


@dataclass(frozen=True, slots=True)
class Patience:
    """For how many seconds to try again, and how to wait (tests bring a clock of their own)."""

    deadline: float = 300.0
    denied: float = 90.0  # a new role assignment takes up to minutes to be known everywhere
    unreachable: float = 60.0
    missing: float = 20.0  # a hub just made is not known everywhere yet
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def limit(self, kind: type[AzureError]) -> float:
        """The seconds for an answer of ``kind``: never more than the deadline."""
        limits = {DeniedError: self.denied, UnreachableError: self.unreachable, NotFoundError: self.missing}
        return min(self.deadline, limits.get(kind, self.deadline))


class _Waiting:
    """One request's waiting: how long yet, and whether it has been told."""

    def __init__(
        self, what: str, patience: Patience, tell: Callable[[str], None], remedies: Mapping[type[AzureError], str], *, paced: bool
    ) -> None:
        self._what, self._patience, self._tell, self._remedies, self._paced = what, patience, tell, remedies, paced
        self._started = patience.clock()
        self._tries = self._server_errors = 0
        self._told = False

    def after(self, problem: Complaint) -> None:
        """Wait before the next try, or raise when waiting does not help or has lasted long enough."""
        self._server_errors += problem.status == 500  # noqa: PLR2004 - see _MOST_500
        wait = min(_FIRST_WAIT * 2**self._tries, _LONGEST_WAIT)
        if self._paced and problem.status == _THROTTLED:
            wait = 0.0  # the pace that all calls keep together says when
        wait = wait if problem.retry_after is None else problem.retry_after
        self._tries += 1
        spent, limit = self._patience.clock() - self._started, self._patience.limit(problem.kind)
        if not problem.passes or self._server_errors >= _MOST_500 or spent + wait > limit:
            fact = f"{problem.fact} (tried {self._tries} times in {spent:.0f} s)" if self._tries > 1 else problem.fact
            raise problem.error(self._what, fact, self._remedies.get(problem.kind))
        if not self._told and spent + wait > _SILENT:
            self._told = True
            self._tell(f"{self._what}: {problem.fact}; trying again for up to {limit - spent:.0f} s")
        self._patience.sleep(wait)


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx (or what else was expected): the JSON object, {} where there is none, and the service's own time of day.

    ``items`` is the answer where it is a list, and ``continuation`` leads to the rest of it.
    """

    status: int
    body: dict[str, Any]
    date: datetime | None
    items: list[Any] = field(default_factory=list)
    continuation: str | None = None


class Door:
    """``endpoint`` is an https URL; ``tell`` gets a line when there is something to wait for. For a `with`: it keeps a connection.

    ``remedies`` says what to do about an error, where this door knows better than all doors.
    """

    def __init__(
        self,
        endpoint: str,
        scope: str,
        login: Login,
        patience: Patience,
        tell: Callable[[str], None],
        *,
        remedies: Mapping[type[AzureError], str] | None = None,
    ) -> None:
        self._endpoint, self._scope, self._login, self._patience, self._tell = endpoint, scope, login, patience, tell
        self._remedies = remedies or {}
        policies = [RequestIdPolicy(), UserAgentPolicy(base_user_agent="hubtrust")]
        self._client: PipelineClient[Any, Any] = PipelineClient(endpoint, policies=policies)

    def __enter__(self) -> Self:
        self._client.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.__exit__()

    def send(
        self,
        method: str,
        path: str,
        *,
        what: str,
        query: Mapping[str, str],
        etag: str | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        absent_is_fine: bool = False,
        partial_is_fine: bool = False,
        pace: Pace | None = None,
    ) -> Answer:
        """Send until there is an answer that waiting does not change; ``what`` names the resource in errors.

        ``etag`` goes out as If-Match. With ``absent_is_fine`` a 404 about the resource itself is an answer, with ``partial_is_fine`` a
        bulk call of which some was refused. ``pace`` is what calls under one throttle share.

        Raises:
            EtagError, DeniedError, NotFoundError, BusyError, RefusedError, UnreachableError, CredentialsError.
        """
        waiting = _Waiting(what, self._patience, self._tell, self._remedies, paced=pace is not None)
        while True:
            sent = pace.wait() if pace else 0.0
            sending = {"Accept": "application/json", "Authorization": f"Bearer {self._login.token(self._scope)}", **(headers or {})}
            sending |= {"If-Match": etag} if etag else {}
            request = HttpRequest(method, f"{self._endpoint}{path}", params=dict(query), headers=sending, json=body)
            outcome = self._once(request, absent_is_fine=absent_is_fine, partial_is_fine=partial_is_fine)
            if pace:
                pace.heard(sent, throttled=outcome.status == _THROTTLED)
            if isinstance(outcome, Answer):
                return outcome
            if outcome.status == 401:  # noqa: PLR2004 - the token was refused, though it looked good here
                self._login.renew()
            waiting.after(outcome)

    def _once(self, request: HttpRequest, *, absent_is_fine: bool, partial_is_fine: bool) -> Answer | Complaint:
        try:
            response: HttpResponse = self._client.send_request(request, connection_timeout=10, read_timeout=60)
        except (ServiceRequestError, ServiceResponseError, DecodeError) as error:
            return Complaint(UnreachableError, _short(error), passes="CERTIFICATE_VERIFY_FAILED" not in str(error))
        found = complaint(response, final_conflicts=_FINAL_CONFLICTS)
        if found is None or (found.absent and absent_is_fine):
            return _answer(response)
        if partial_is_fine and found.status == 400:  # noqa: PLR2004 - a hub says so when it did some of a bulk call
            partial = _answer(response)
            return partial if "isSuccessful" in partial.body else found
        return found


def _answer(response: HttpResponse) -> Answer:
    try:
        content = response.json()
    except ValueError:
        content = None
    body, items = content if isinstance(content, dict) else {}, content if isinstance(content, list) else []
    return Answer(response.status_code, body, _date(response), items, response.headers.get("x-ms-continuation") or None)


def _date(response: HttpResponse) -> datetime | None:
    try:
        found = email.utils.parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError, TypeError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _short(error: Exception) -> str:
    """One line; urllib3 blames the proxy, in Python's own notation, for every connection that is dropped behind one."""
    if any(sign in str(error) for sign in _DROPPED):
        return "the connection was closed before an answer came"
    return " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
