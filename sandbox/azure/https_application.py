"""The application that answers every HTTPS request: it selects the endpoint, injects faults, adds Azure's headers and keeps the log."""

from __future__ import annotations

import asyncio
import email.utils
import logging
import re
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from sandbox.azure import arm, host_names
from sandbox.azure.host_names import Endpoint
from sandbox.azure.hub_registry import endpoint as hub_endpoint
from sandbox.azure.hub_registry import errors as registry_errors
from sandbox.azure.key_vault import endpoint as vault_endpoint
from sandbox.azure.login import errors as login_errors
from sandbox.azure.login import routes as login
from sandbox.azure.microsoft_devices import errors as devices_errors
from sandbox.azure.resource_manager import errors as arm_errors
from sandbox.azure.routing import Router
from sandbox.azure.wire import MAX_BODY, Moment, Reply, Request, ServiceError, lower_headers, lower_query

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from sandbox.azure.faults import Faults, Rule
    from sandbox.azure.local_azure import Azure

    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]

_log = logging.getLogger("sandbox.azure")
_LOGIN = Router(login.ROUTES)
_LOG_LENGTH = 100_000
_COMMON = {
    "cache-control": "no-cache",
    "pragma": "no-cache",
    "expires": "-1",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True)
class LogEntry:
    """One line of the request log."""

    method: str
    host: str
    path: str
    query: str
    status: int  # 0: the connection was dropped
    fault: str | None = None
    effect: int | None = None  # with a fault after the effect: the status of the answer that the client did not get


@dataclass
class HttpsApplication:
    """The ASGI application for all of Azure's HTTPS host names. `entries` is the request log, oldest first."""

    azure: Azure
    faults: Faults
    entries: deque[LogEntry] = field(default_factory=lambda: deque(maxlen=_LOG_LENGTH))

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3)."""
        if scope["type"] != "http":
            return
        request, complete = await _read(scope, receive)
        if not complete:
            return  # the client went away in the middle of its request
        rule = self.faults.rule_for(request)
        if rule and rule.seconds:
            await asyncio.sleep(rule.seconds)
        reply, effect = await self._throttled(request, rule)
        query = scope["query_string"].decode("latin-1")
        fault = rule.fault if rule else None
        self.entries.append(LogEntry(request.method, request.host, request.path, query, reply.status if reply else 0, fault, effect))
        if reply is None:
            scope["extensions"]["sandbox.drop"]()
            return
        await _write(reply, request, self.azure.clock.now(), send)

    async def _throttled(self, request: Request, rule: Rule | None) -> tuple[Reply | None, int | None]:
        """The outcome of a request to a hub after the wait that its throttle imposes; of any other request at once."""
        if request.destination.endpoint is Endpoint.HUB:
            try:
                seconds = hub_endpoint.throttle_seconds(self.azure, request)
            except ServiceError as error:
                return error.reply(self._moment()), None
            if seconds:
                await asyncio.sleep(seconds)
        return self._outcome(request, rule)

    def _outcome(self, request: Request, rule: Rule | None) -> tuple[Reply | None, int | None]:
        """The answer, or None for a dropped connection; and the status of the answer that a fault hides."""
        if rule is None or rule.fault == "latency":
            return self.answer(request), None
        effect = self.answer(request).status if rule.when == "after" else None
        if rule.fault == "drop":
            return None, effect
        return _fault(request, rule).reply(self._moment()), effect

    def answer(self, request: Request) -> Reply:
        """Answer a request: when this returns, either all its writes are on disk or none are."""
        try:
            with self.azure.store.transaction():
                return self._route(request)
        except ServiceError as error:
            return error.reply(self._moment())
        except Exception:  # noqa: BLE001 - last resort: a client must get Azure's error envelope, never a traceback
            _log.exception("%s %s failed inside local Azure", request.method, request.path)
            return arm_errors.internal_error().reply(self._moment())

    def _route(self, request: Request) -> Reply:
        if len(request.body) > MAX_BODY:
            raise arm_errors.content_too_large()
        endpoint = request.destination.endpoint
        if endpoint is Endpoint.LOGIN or (endpoint is Endpoint.LOOPBACK and _LOGIN.find(request.method, request.path)):
            match = _LOGIN.find(request.method, request.path)
            if match is None:
                raise arm_errors.no_route(request.path)
            request.parameters = match.parameters
            return match.route.handler(self.azure, request)
        if endpoint in {Endpoint.ARM, Endpoint.LOOPBACK}:
            return arm.answer(self.azure, request)
        if endpoint is Endpoint.KEY_VAULT:
            return vault_endpoint.answer(self.azure, request)
        if endpoint is Endpoint.HUB:
            return hub_endpoint.answer(self.azure, request)
        raise arm_errors.no_route(f"{request.host}{request.path}")

    def _moment(self) -> Moment:
        return Moment(self.azure.clock.now(), str(uuid.uuid4()))


def _fault(request: Request, rule: Rule) -> ServiceError:
    """The fault as the requested service words it."""
    if request.destination.endpoint is Endpoint.LOGIN and rule.fault in login_errors.FAULTS:
        return login_errors.fault(rule.fault, rule.retry_after)
    if request.destination.endpoint is Endpoint.KEY_VAULT:
        return vault_endpoint.fault(request, rule)
    if request.destination.endpoint is Endpoint.HUB:
        return _HUB_FAULTS[rule.fault]()
    path = request.path.lower()
    service = devices_errors.Service.PROVISIONING if "/provisioningservices/" in path else devices_errors.Service.HUB
    provider = "/providers/microsoft.devices/" in path
    constructors: dict[str, Callable[[], ServiceError]] = {
        "401": lambda: _token_refused(request),
        "403": lambda: arm_errors.forbidden(client_id="unknown", object_id="unknown", action="unknown", scope=request.path),
        "409": lambda: devices_errors.not_active(service),
        "412": lambda: devices_errors.etag_invalid(service),
        "429": lambda: devices_errors.throttled(service, rule.retry_after) if provider else arm_errors.too_many_requests(rule.retry_after),
        "500": lambda: devices_errors.internal(service) if provider else arm_errors.internal_error(),
        "503": lambda: devices_errors.unavailable(service) if provider else arm_errors.server_busy(),
        "504": lambda: arm_errors.gateway_timeout("Microsoft.Devices"),
    }  # fmt: skip
    return constructors[rule.fault]()


_HUB_FAULTS: dict[str, Callable[[], ServiceError]] = {
    "401": registry_errors.unauthorized,
    "403": registry_errors.unauthorized,  # a hub has no 403 for it
    "409": lambda: registry_errors.device_exists("unknown"),
    "412": registry_errors.etag_invalid,
    "429": lambda: registry_errors.throttled("CRUD"),
    "500": registry_errors.internal,
    "503": registry_errors.unavailable,
    "504": registry_errors.unavailable,
}


def _token_refused(request: Request) -> ServiceError:
    login_host = request.destination.cloud.login[0]
    return arm_errors.unauthenticated("InvalidAuthenticationToken", "The access token is invalid.", login=login_host, tenant_id="common")


async def _read(scope: dict[str, Any], receive: Receive) -> tuple[Request, bool]:
    headers = lower_headers(scope["headers"])
    host = headers.get("host", "")
    destination = host_names.destination(_without_port(host)) or host_names.Destination(host_names.PUBLIC, Endpoint.LOOPBACK)
    raw = scope.get("raw_path") or scope["path"].encode()
    path = re.sub(r"/{2,}", "/", unquote(raw.partition(b"?")[0].decode("latin-1")))
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return Request(method="", host=host, destination=destination, path=path, query={}, headers=headers), False
        if len(body) <= MAX_BODY:  # past the limit the rest is read and dropped, so that the client gets its answer
            body += message.get("body", b"")
        more = message.get("more_body", False)
    request = Request(
        method=scope["method"],
        host=host,
        destination=destination,
        path=path.rstrip("/") or "/",
        query=lower_query(scope["query_string"]),
        headers=headers,
        body=bytes(body),
    )
    return request, True


async def _write(reply: Reply, request: Request, now: datetime, send: Send) -> None:
    content = reply.encoded()
    own = {
        "date": email.utils.format_datetime(now, usegmt=True),
        "x-ms-request-id": str(uuid.uuid4()),
        "x-ms-correlation-request-id": request.header("x-ms-correlation-request-id") or str(uuid.uuid4()),
    }
    headers = {**_COMMON, **own, **reply.headers}
    if content:
        headers["content-type"] = reply.content_type
    if reply.status != 204:  # noqa: PLR2004 - RFC 9110, 8.6: no Content-Length in a 204
        headers["content-length"] = str(len(content))
    if request.header("x-ms-client-request-id") and request.header("x-ms-return-client-request-id") == "true":
        headers["x-ms-client-request-id"] = request.headers["x-ms-client-request-id"]
    pairs = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": pairs})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else content})


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
