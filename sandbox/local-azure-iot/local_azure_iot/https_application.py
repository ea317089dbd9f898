"""The application that answers every HTTPS request: it selects the endpoint, injects faults, adds Azure's headers and keeps the log."""

from __future__ import annotations

import asyncio
import email.utils
import logging
import re
import uuid
from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from local_azure_iot import arm, host_names, service_faults, web_pages, web_sockets
from local_azure_iot.delivery import Answer
from local_azure_iot.faults import TRUE_ANSWERS
from local_azure_iot.graph import endpoint as graph_endpoint
from local_azure_iot.host_names import Endpoint
from local_azure_iot.hub_registry import endpoint as hub_endpoint
from local_azure_iot.hub_registry import errors as hub_errors
from local_azure_iot.key_vault import endpoint as vault_endpoint
from local_azure_iot.login import routes as login
from local_azure_iot.provisioning import endpoint as provisioning_endpoint
from local_azure_iot.provisioning import errors as provisioning_errors
from local_azure_iot.provisioning.errors import ProvisioningError
from local_azure_iot.resource_manager import errors as arm_errors
from local_azure_iot.routing import Router
from local_azure_iot.web_sockets import WebSockets
from local_azure_iot.wire import MAX_BODY, LaterReply, Moment, Reply, Request, ServiceError, lower_headers, lower_query
from local_azure_iot.wrong_answers import WRONG_ANSWERS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from local_azure_iot.delivery import Receive, Send
    from local_azure_iot.faults import Faults, Rule
    from local_azure_iot.local_azure import Azure

_log = logging.getLogger("local_azure_iot")
_LOGIN = Router(login.ROUTES)
_NO_WEB_SOCKETS = WebSockets({})
_LOG_LENGTH, _LOG_TEXT = 100_000, 8_000  # lines, and characters of each of their texts
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
    web_sockets: Mapping[Endpoint, WebSockets] = field(default_factory=dict)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3)."""
        if scope["type"] == "websocket":
            await self._upgrade(scope, receive, send)
        elif scope["type"] == "http":
            await self._exchange(scope, receive, send)

    async def _exchange(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        request = _head(scope)
        refused = _refused(request, scope["headers"])
        if refused:  # before the faults and the log: what a web page does changes nothing
            await self._send(request, refused.reply(self._moment()), None, scope, receive, send)
            return
        body = await _body(receive)
        if body is None:
            return  # the client went away in the middle of its request
        request.body = body
        rule = self.faults.rule_for(request)
        if rule and rule.seconds:
            await asyncio.sleep(rule.seconds)
        reply, effect = await self._throttled(request, rule)
        self._record(scope, request, rule, reply.status if reply else 0, effect)
        if reply is None:
            scope["extensions"]["sandbox.drop"]()
            return
        await self._send(request, reply, rule, scope, receive, send)

    def _record(self, scope: dict[str, Any], request: Request, rule: Rule | None, status: int, effect: int | None = None) -> None:
        query, fault = scope["query_string"][:_LOG_TEXT].decode("latin-1"), rule.fault if rule else None
        self.entries.append(LogEntry(request.method, request.host[:_LOG_TEXT], request.path[:_LOG_TEXT], query, status, fault, effect))

    async def _upgrade(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Let a protocol go on over a WebSocket, or answer the request for one with an error."""
        request = _head(scope)
        refused = _refused(request, [] if web_pages.is_of_its_own_host(scope["headers"]) else scope["headers"])
        rule = None if refused else self.faults.rule_for(request)
        if rule and rule.seconds:
            await asyncio.sleep(rule.seconds)
        endpoints = self.web_sockets.get(request.destination.endpoint, _NO_WEB_SOCKETS)
        found = endpoints.protocol(request.path, scope["subprotocols"])
        reply: Reply | None = None
        if refused:
            reply = refused.reply(self._moment())
        elif rule and rule.fault == "drop":
            scope["extensions"]["sandbox.drop"]()
        elif rule and rule.fault not in TRUE_ANSWERS:
            reply = self._faulty(request, rule, None)
        elif found is None:
            reply = _no_web_socket(request, endpoints.refusal(request.path, scope["subprotocols"])).reply(self._moment())
        status = reply.status if reply else 0 if rule and rule.fault == "drop" else 101
        if not refused:
            self._record(scope, request, rule, status)
        if reply:
            headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in _azure_headers(request, reply).items()]
            headers.append((b"content-type", reply.content_type.encode()))
            await send({"type": "websocket.http.response.start", "status": reply.status, "headers": headers})
            await send({"type": "websocket.http.response.body", "body": reply.encoded()})
        elif found and status:
            await receive()  # the request itself
            await send({"type": "websocket.accept", "subprotocol": found[0]})
            await web_sockets.serve(scope, receive, send, found[1]())

    async def _send(self, request: Request, reply: Reply, rule: Rule | None, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        headers = reply.headers if rule and rule.fault in WRONG_ANSWERS else _azure_headers(request, reply)
        content = reply.encoded()
        if content:
            headers = {**headers, "content-type": reply.content_type}
        date = {"date": _http_date(self.azure.clock.now().replace(microsecond=0))}
        answer = Answer(
            status=reply.status,
            headers={**date, **headers},
            content=content,
            head_only=request.method == "HEAD",
            receive=receive,
            send=send,
            close=scope["extensions"]["sandbox.close"],
        )
        await _deliver(answer, rule)

    async def _throttled(self, request: Request, rule: Rule | None) -> tuple[Reply | None, int | None]:
        """The outcome of a request to a hub after the wait that its throttle imposes; of any other request at once."""
        if request.destination.endpoint is Endpoint.HUB:
            try:
                seconds = hub_endpoint.throttle_seconds(self.azure, request)
            except ServiceError as error:
                return error.reply(self._moment()), None
            if seconds:
                await asyncio.sleep(seconds)
        return await self._outcome(request, rule)

    async def _outcome(self, request: Request, rule: Rule | None) -> tuple[Reply | None, int | None]:
        """The answer, or None for a dropped connection; and the status of the true answer, where a fault hides it."""
        if rule is None or rule.fault == "latency":
            return await self.answer(request), None
        true = await self.answer(request) if rule.when == "after" or rule.fault in TRUE_ANSWERS else None
        return self._faulty(request, rule, true), true.status if true else None

    def _faulty(self, request: Request, rule: Rule, true: Reply | None) -> Reply | None:
        if rule.fault == "drop":
            return None
        if rule.fault in TRUE_ANSWERS:
            return true
        if rule.fault in WRONG_ANSWERS:
            return WRONG_ANSWERS[rule.fault](request, true, rule.number)
        return service_faults.reply(request, rule, self._moment())

    async def answer(self, request: Request) -> Reply:
        """Answer a request: when this returns, either all its writes are on disk or none are. Some answers take time (`LaterReply`)."""
        try:
            with self.azure.store.transaction():
                reply = self._route(request)
            return await reply.answer() if isinstance(reply, LaterReply) else reply
        except ServiceError as error:
            return error.reply(self._moment())
        except Exception:  # noqa: BLE001 - last resort: a client must get Azure's error envelope, never a traceback
            _log.exception("%s %s failed inside local Azure", request.method, request.path)
            return service_faults.internal_error(request).reply(self._moment())

    def _route(self, request: Request) -> Reply | LaterReply:
        endpoint = request.destination.endpoint
        if len(request.body) > MAX_BODY:
            at_provisioning = endpoint in host_names.OF_PROVISIONING
            raise provisioning_errors.content_too_large() if at_provisioning else arm_errors.content_too_large()
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
        if endpoint is Endpoint.GRAPH:
            return graph_endpoint.answer(self.azure, request)
        if endpoint is Endpoint.HUB:
            return hub_endpoint.answer(self.azure, request)
        if endpoint in host_names.OF_PROVISIONING:
            return provisioning_endpoint.answer(self.azure, request)
        raise arm_errors.no_route(f"{request.host}{request.path}")

    def _moment(self) -> Moment:
        return Moment(self.azure.clock.now(), str(uuid.uuid4()))


async def _deliver(answer: Answer, rule: Rule | None) -> None:
    if rule and rule.fault == "drip":
        await answer.drip(rule.seconds or 1.0)
    elif rule and rule.fault == "cut":
        await answer.cut()
    else:
        await answer.whole()


def _refused(request: Request, headers: list[tuple[bytes, bytes]]) -> ServiceError | None:
    if request.destination.endpoint is Endpoint.NOWHERE:
        return arm_errors.misdirected(request.host)
    sign = web_pages.sign_of_a_page(headers)
    return arm_errors.from_a_web_page(sign) if sign else None


def _no_web_socket(request: Request, reason: str) -> ServiceError:
    """In the envelope of the service that was asked."""
    if request.destination.endpoint in host_names.OF_PROVISIONING:
        return ProvisioningError(400, 400000, reason)
    return hub_errors.no_web_socket(reason)


@lru_cache(maxsize=4)
def _http_date(second: datetime) -> str:
    return email.utils.format_datetime(second, usegmt=True)


def _head(scope: dict[str, Any]) -> Request:
    headers = lower_headers(scope["headers"])
    host = web_pages.host(scope["headers"])
    raw = scope.get("raw_path") or scope["path"].encode()
    path = unquote(raw.partition(b"?")[0].decode("latin-1"))
    path = re.sub(r"/{2,}", "/", path) if "//" in path else path
    return Request(
        method=scope.get("method", "GET"),  # a request for a WebSocket has no other
        host=headers.get("host", ""),
        destination=(host_names.destination(host) if host else None) or host_names.Destination(host_names.PUBLIC, Endpoint.NOWHERE),
        path=path.rstrip("/") or "/",
        query=lower_query(scope["query_string"]),
        headers=headers,
        client=str((scope.get("client") or ("",))[0]),
        header_names=[name.decode("latin-1") for name in scope["extensions"].get("sandbox.names", ())],
        chain=peer.chain if (peer := scope["extensions"].get("sandbox.peer")) else [],
    )


async def _body(receive: Receive) -> bytes | None:
    """The whole body, or None if the client went away before its end."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        if len(body) <= MAX_BODY:  # past the limit the rest is read and dropped, so that the client gets its answer
            body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


def _azure_headers(request: Request, reply: Reply) -> dict[str, str]:
    headers = {
        **_COMMON,
        "x-ms-request-id": str(uuid.uuid4()),
        "x-ms-correlation-request-id": request.header("x-ms-correlation-request-id") or str(uuid.uuid4()),
        **reply.headers,
    }
    if request.header("x-ms-client-request-id") and request.header("x-ms-return-client-request-id") == "true":
        headers["x-ms-client-request-id"] = request.headers["x-ms-client-request-id"]
    return headers
