"""A client for Azure Resource Manager: authenticated requests, retries, errors and long-running operations."""

from __future__ import annotations

import json
import time
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urljoin, urlsplit

from sandbox.plugins.azure_native.http_response import UnreachableError
from sandbox.plugins.resource import PluginError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from sandbox.plugins.azure_native.http_client import HttpClient
    from sandbox.plugins.azure_native.http_response import HttpResponse
    from sandbox.plugins.azure_native.timing import Timing

TRANSIENT: Final = frozenset({408, 429, 500, 502, 503, 504})
TERMINAL: Final = frozenset({"succeeded", "failed", "canceled"})


class ArmError(PluginError):
    """An error response of ARM: its status, code and message, worded as the real plugin does."""

    def __init__(self, answer: HttpResponse) -> None:
        self.status = answer.status
        self.code = error_code(answer)
        body = answer.json()
        inner = body.get("error") if isinstance(body, dict) else None
        message = inner.get("message") if isinstance(inner, dict) else None
        super().__init__(f'Status={answer.status} Code="{self.code}" Message="{message or answer.text}"')


class Deadline:
    """The deadline of an operation. Every wait goes through it, and ends early when the engine cancels."""

    def __init__(self, seconds: float, stopping: threading.Event) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._stopping = stopping

    def wait(self, seconds: float, waiting_for: str) -> None:
        """Wait; PluginError when the engine cancels or the deadline comes first."""
        self.check(waiting_for)
        left = self._end - time.monotonic()
        if self._stopping.wait(min(seconds, max(left, 0))):
            raise PluginError(f"cancelled while waiting for {waiting_for}; run again to see what Azure did")
        self.check(waiting_for)

    def check(self, waiting_for: str) -> None:
        """PluginError when the engine has cancelled or the deadline has passed."""
        if self._stopping.is_set():
            raise PluginError(f"cancelled while waiting for {waiting_for}; run again to see what Azure did")
        if time.monotonic() >= self._end:
            raise PluginError(
                f"context deadline exceeded: {waiting_for} took more than {self.seconds:g} s; raise customTimeouts or look in Azure"
            )


class ArmClient:
    """ARM at `endpoint` (https, without a final slash). `token` returns a bearer token that is valid now."""

    def __init__(self, endpoint: str, token: Callable[[], str], http: HttpClient, timing: Timing, user_agent: str) -> None:
        if urlsplit(endpoint).scheme != "https":
            raise PluginError(
                f"the ARM endpoint {endpoint} is not https: a bearer token is never sent over plain http; check azure-native:metadataHost"
            )
        self.endpoint = endpoint.rstrip("/")
        self.timing = timing
        self._token = token
        self._http = http
        self._user_agent = user_agent

    def request(
        self, method: str, path: str, version: str, deadline: Deadline, *, body: Any = None, query: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """Call the API at that version, retrying where azcore does. Returns the response whatever its status."""
        asked = urlencode({"api-version": version, **(query or {})})
        return self.send(method, f"{self.endpoint}{path}?{asked}", deadline, body=body)

    def send(self, method: str, url: str, deadline: Deadline, *, body: Any = None) -> HttpResponse:
        """The same for a complete URL, such as one to poll."""
        data = None if body is None else json.dumps(body).encode()
        request_id = str(uuid.uuid4())
        attempt = 0
        while True:
            attempt += 1
            deadline.check(f"{method} {urlsplit(url).path}")
            try:
                answer = self._http.send(method, url, headers=self._headers(method, request_id), body=data)
            except UnreachableError:
                if attempt > self.timing.retries:
                    raise
                wait = self.timing.before_retry(attempt)
            else:
                if attempt > self.timing.retries or not _is_retryable(answer):
                    return answer
                wait = retry_after(answer) or self.timing.before_retry(attempt)
                if wait > self.timing.longest_retry:
                    return answer
            deadline.wait(wait, f"another attempt of {method} {urlsplit(url).path}")

    def get(self, path: str, version: str, deadline: Deadline, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The JSON object at that path; ArmError for any other response."""
        answer = self.request("GET", path, version, deadline, query=query)
        body = answer.json()
        if answer.status != HTTPStatus.OK or not isinstance(body, dict):
            raise ArmError(answer)
        return body

    def _headers(self, method: str, request_id: str) -> dict[str, str]:
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {self._token()}",
            "User-Agent": self._user_agent,
            "x-ms-client-request-id": request_id,
        }
        if method in {"POST", "PUT", "PATCH"}:
            headers["Content-Type"] = "application/json; charset=utf-8"
        return headers

    # -- long-running operations -----------------------------------------------------------------------------

    def final_response(self, method: str, answer: HttpResponse, version: str, deadline: Deadline) -> HttpResponse:
        """Wait for the operation that `answer` started and return its last response; ArmError if it failed or was cancelled.

        Polls what azcore polls: Azure-AsyncOperation, otherwise Location, otherwise the resource itself.
        """
        interval = self.timing.delete_poll if method == "DELETE" else self.timing.put_poll
        link = answer.headers.get("azure-asyncoperation")
        location = self._absolute(answer.headers.get("location", ""), answer.url, version)
        waited = retry_after(answer)
        if waited:
            deadline.wait(waited, _describe(answer))
        if link:
            self._poll(link, "azure-asyncoperation", deadline, interval, _describe(answer))
            return self.send("GET", answer.url, deadline) if method == "PUT" else answer
        if location:
            return self._poll(location, "location", deadline, interval, _describe(answer))
        if method == "PUT" and not _is_done(answer):
            return self._poll(answer.url, "", deadline, interval, _describe(answer))
        return answer

    def _poll(self, url: str, header: str, deadline: Deadline, interval: float, name: str) -> HttpResponse:
        """Poll until the operation ends. A response may name the next URL to poll in the same header as the first."""
        while True:
            answer = self.send("GET", url, deadline)
            if answer.status >= HTTPStatus.BAD_REQUEST:
                raise ArmError(answer)
            if _is_done(answer):
                if _status(answer) in TERMINAL - {"succeeded"}:
                    raise ArmError(answer)
                return answer
            url = self._absolute(answer.headers.get(header, ""), url, "") or url
            deadline.wait(retry_after(answer) or interval, name)

    def _absolute(self, url: str, base: str, version: str) -> str:
        if not url:
            return ""
        whole = urljoin(base, url)
        if version and "api-version=" not in whole:
            whole += f"{'&' if '?' in whole else '?'}api-version={version}"
        return whole


def error_code(answer: HttpResponse) -> str:
    """The error code in the header or the JSON body; "" if it is not a string, such as the numbers of Microsoft.Devices."""
    body = answer.json()
    inner = body.get("error", body) if isinstance(body, dict) else None
    code = answer.headers.get("x-ms-error-code") or (inner.get("code") if isinstance(inner, dict) else "")
    return code if isinstance(code, str) else ""


def retry_after(answer: HttpResponse) -> float:
    """The seconds in Retry-After; 0 without that header."""
    try:
        return float(answer.headers.get("retry-after", "0"))
    except ValueError:
        return 0.0


def _is_retryable(answer: HttpResponse) -> bool:
    if answer.status == HTTPStatus.CONFLICT:
        return error_code(answer) == "AnotherOperationInProgress"
    return answer.status in TRANSIENT


def _status(answer: HttpResponse) -> str:
    """The state in the body, in lower case: `status` of an operation or `properties.provisioningState` of a resource."""
    body = answer.json()
    if not isinstance(body, dict):
        return ""
    properties = body.get("properties")
    state = body.get("status") or (properties.get("provisioningState") if isinstance(properties, dict) else None)
    return state.lower() if isinstance(state, str) else ""


def _is_done(answer: HttpResponse) -> bool:
    state = _status(answer)
    if state:
        return state in TERMINAL
    return answer.status in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}


def _describe(answer: HttpResponse) -> str:
    return f"the operation on {urlsplit(answer.url).path}"
