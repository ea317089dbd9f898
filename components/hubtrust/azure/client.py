"""A client for one Azure endpoint: requests with a token, retried while a retry can help."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from hubtrust.azure.answer_shapes import Expectation
from hubtrust.azure.errors import AzureError
from hubtrust.azure.json_body import CONTENT
from hubtrust.azure.login import Login
from hubtrust.azure.retry import RetryLimits
from hubtrust.azure.service_time import service_time
from hubtrust.azure.throttle_pace import Pace

if TYPE_CHECKING:
    from hubtrust.azure.network_faults import NetworkFault


@dataclass(frozen=True, slots=True)
class JsonResponse:
    """A response: its status, and its JSON object ({} if there is none).

    ``items`` is the content if it is a list, ``continuation`` is the token for its next page, and ``time`` is Azure's time.
    """

    status: int
    body: dict[str, Any]
    items: list[Any] = field(default_factory=list)
    continuation: str | None = None
    time: datetime | None = None


class AzureClient:
    """A client for ``endpoint``, an https URL. Use it in a `with`: it keeps a connection open.

    ``report`` gets one line when a request has to wait. ``remedies`` replaces the general advice for a kind of error.
    ``on_denied`` is asked once, after a refusal for lack of rights, whether the network settings of what refuses may be the cause.
    """

    def __init__(
        self,
        endpoint: str,
        scope: str,
        login: Login,
        limits: RetryLimits,
        report: Callable[[str], None],
        *,
        remedies: Mapping[type[AzureError], str] | None = None,
        on_denied: "Callable[[], NetworkFault | None] | None" = None,
    ) -> None:
        from hubtrust.azure.pipeline import pipeline

        self.endpoint, self.scope, self.login, self.limits = endpoint, scope, login, limits
        self.pipeline = pipeline(scope, login, limits, report, remedies or {}, on_denied)

    def __enter__(self) -> Self:
        self.pipeline.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.pipeline.__exit__()

    def send(
        self,
        method: str,
        path: str,
        *,
        what: str,
        query: Mapping[str, str],
        expects: Expectation,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        absent_is_fine: bool = False,
        partial_is_fine: bool = False,
        pace: Pace | None = None,
    ) -> JsonResponse:
        """Send a request and retry it while a retry can help; ``what`` names the resource in errors.

        ``expects`` says what Azure answers to it. Any other answer is retried, and is an UnreachableError in the end. With
        ``absent_is_fine`` a 404 about the resource itself is returned, with ``partial_is_fine`` a 400 to a bulk call of which some was
        done. Calls under one throttle share a ``pace``.

        Raises:
            EtagError, DeniedError, NotFoundError, BusyError, RefusedError, UnreachableError, CredentialsError.
        """
        from azure.core.rest import HttpRequest

        sent = {"Accept": "application/json", **(headers or {})}
        request = HttpRequest(method, f"{self.endpoint}{path}", params=dict(query), headers=sent, json=body)
        options: dict[str, Any] = {"absent_is_fine": absent_is_fine, "partial_is_fine": partial_is_fine, "pace": pace}
        answer = self.pipeline.run(request, stream=False, what=what, expects=expects, **options)
        found, headers = answer.context.get(CONTENT), answer.http_response.headers
        as_body, as_items = found if isinstance(found, dict) else {}, found if isinstance(found, list) else []
        continuation = headers.get("x-ms-continuation") or None
        return JsonResponse(answer.http_response.status_code, as_body, as_items, continuation, service_time(headers))
