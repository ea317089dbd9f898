"""Who may use the control port: a program that has its token, and no web page. The ready file has the token, for programs of this machine.

Each request is checked, also one for a path or with a method that does not exist: nothing is told to whoever may not ask.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from local_azure_iot import host_names, web_pages

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    Headers = list[tuple[bytes, bytes]]

_SHOWN = 100  # characters of a client's value in an error
_CHANGING = {"POST", "PUT", "PATCH"}
# No cache, frame or script of a page gets an answer, whatever else it holds.
_CLOSED = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
]


@dataclass(frozen=True)
class ControlAccess:
    """The control port's application (ASGI 3): `operations` for those who may use them. `token` is in the ready file."""

    operations: ASGIApp
    token: str = field(repr=False)
    names: frozenset[str] | None = None  # with `--listen`: the names that it has beside this machine's addresses; None: loopback alone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it without reading its body."""
        if scope["type"] != "http":
            return

        async def closed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *_CLOSED]}
            await send(message)

        application = self._refusal(scope["method"], scope["headers"]) or self.operations
        await application(scope, receive, closed)

    def _refusal(self, method: str, headers: Headers) -> JSONResponse | None:
        host = web_pages.host(headers)
        if host is None or not self._is_own(host):
            named = b", ".join(web_pages.values(headers, b"host")).decode("latin-1")[:_SHOWN]
            if self.names is None:
                wanted = "for loopback addresses only, and Host is '{}'; use the ready file's address"
            else:
                wanted = "for IP addresses and the names of --known-as, and Host is '{}'; use an address, or start with --known-as"
            return _refused(421, f"the control port answers {wanted.format(named)}")
        sign = web_pages.sign_of_a_page(headers)
        if sign:
            return _refused(403, f"a web page may not use the control port, and {sign} shows that one asks; use `local-azure-iot control`")
        if not self._has_token(headers):
            wanted = (
                "send `Authorization: Bearer` with `control_token` from the ready file, or what LOCAL_AZURE_CONTROL_TOKEN was at its start"
            )
            return _refused(401, f"the request lacks this local Azure's token; {wanted}", {"www-authenticate": "Bearer"})
        if (method in _CHANGING or _has_body(headers)) and not _is_json(headers):
            return _refused(415, f"{method[:_SHOWN]} needs one header Content-Type: application/json; send it, also with an empty body")
        return None

    def _is_own(self, host: str) -> bool:
        """Whether the host is this control port's. An address is never a page's own name that was made to resolve to it."""
        if host_names.is_loopback(host):
            return True
        return self.names is not None and (host in self.names or host_names.is_address(host))

    def _has_token(self, headers: Headers) -> bool:
        found = web_pages.values(headers, b"authorization")
        scheme, _, token = found[0].partition(b" ") if len(found) == 1 else (b"", b"", b"")
        return scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), self.token.encode())


def _has_body(headers: Headers) -> bool:
    lengths = web_pages.values(headers, b"content-length")
    return any(length != b"0" for length in lengths) or bool(web_pages.values(headers, b"transfer-encoding"))


def _is_json(headers: Headers) -> bool:
    found = web_pages.values(headers, b"content-type")
    return len(found) == 1 and found[0].partition(b";")[0].strip().lower() == b"application/json"


def _refused(status: int, reason: str, headers: dict[str, Any] | None = None) -> JSONResponse:
    # The body was not read, so the connection can't serve another request.
    return JSONResponse({"error": reason}, status_code=status, headers={**(headers or {}), "connection": "close"})
