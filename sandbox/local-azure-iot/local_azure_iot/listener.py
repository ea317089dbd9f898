"""HTTP/1.1 and WebSockets as uvicorn serves them.

There are two additions: faults can drop a connection, and no connection is held for nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from local_azure_iot.tls_transport import PEER, TlsServer

if TYPE_CHECKING:
    import socket

    from OpenSSL import SSL

    from local_azure_iot.tls_transport import Peer


_LARGEST_HEAD = 128 * 1024  # octets, beside the first that come at once; Azure takes fewer
_LARGEST_MESSAGE = 1024 * 1024  # octets of one message of a WebSocket; MQTT's packets may be in pieces


class HttpProtocol(HttpToolsProtocol):
    """One connection, once TLS is established. It ends if for ``idle_seconds`` the client owes the rest of a request, or reads nothing.

    The first request is owed from the beginning, each other one from its first byte; between two requests uvicorn's own limit holds.
    """

    def __init__(self, *arguments: Any, idle_seconds: float, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._idle_seconds = idle_seconds
        self._deadline: asyncio.TimerHandle | None = None  # for the rest of a request
        self._unread: asyncio.TimerHandle | None = None  # for the client to read on
        self._head: int | None = None  # octets of a request's head, beside the first that came, while it is not complete
        self._whole = False  # whether the last request that began has ended
        self._upgraded = False  # whether a WebSocket goes on with this connection
        self._peer: Peer | None = None  # the client as TLS shows it
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope.setdefault("extensions", {}).update(
                {"sandbox.drop": self._drop, "sandbox.close": self._close, "sandbox.peer": self._peer}
            )
            try:
                await inner(scope, receive, send)
            except asyncio.CancelledError:  # local Azure stops, and this answer would have taken longer
                self._drop()

        self.app = app

    def _drop(self) -> None:
        """End the connection without an answer, as a network does."""
        if self.cycle is not None:
            self.cycle.disconnected = True  # what uvicorn sets when the client is gone: no answer follows
        self.transport.abort()

    def _close(self) -> None:
        """End the connection after what was sent so far, although the answer is not complete."""
        if self.cycle is not None:
            self.cycle.disconnected = True
        self.transport.close()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A client connected."""
        super().connection_made(transport)
        self._peer = transport.get_extra_info(PEER)
        self._deadline = self.loop.call_later(self._idle_seconds, transport.abort)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._whole, self._head = False, 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header: uvicorn folds its name's case, which applications' properties of a device's events keep."""
        super().on_header(name, value)
        scope: Any = self.scope
        scope.setdefault("extensions", {}).setdefault("sandbox.names", []).append(name)

    def on_headers_complete(self) -> None:
        """The last byte of a request's head."""
        self._head = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The last byte of a request."""
        self._whole = True
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Bytes came in: a request that has begun must end in time."""
        goes_on = self._head is not None
        super().data_received(data)
        if goes_on and self._head is not None:
            self._head += len(data)
            if self._head > _LARGEST_HEAD:
                self.send_400_response(f"The request's line and headers have more than {_LARGEST_HEAD} bytes.")
                return
        if self._upgraded or (self._whole and self.cycle is not None and not self.cycle.response_complete):
            self._cancel("_deadline")
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self._idle_seconds, self.transport.abort)

    def handle_websocket_upgrade(self) -> None:
        """The client goes on with a WebSocket, which another protocol serves.

        Its target may be a whole URL (RFC 9112, 3.2.2): Java's proton-j sends that, and uvicorn's WebSockets take it for a path.
        """
        self._upgraded = True
        with contextlib.suppress(httptools.HttpParserInvalidURLError):
            target = httptools.parse_url(self.url)
            self.url = (target.path or b"/") + (b"?" + target.query if target.query else b"")
        super().handle_websocket_upgrade()

    def pause_writing(self) -> None:
        """The client does not read what was sent."""
        super().pause_writing()
        self._unread = self._unread or self.loop.call_later(self._idle_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        self._cancel("_unread")

    def timeout_keep_alive_handler(self) -> None:
        """No other request came. What the client has not read yet is dropped after a while."""
        super().timeout_keep_alive_handler()
        self._unread = self._unread or self.loop.call_later(self._idle_seconds, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        super().connection_lost(exc)
        self._cancel("_deadline")
        self._cancel("_unread")

    def _cancel(self, name: str) -> None:
        timer: asyncio.TimerHandle | None = getattr(self, name)
        if timer is not None:
            timer.cancel()
            setattr(self, name, None)


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket. What it carries ends it if it does nothing; it ends here if the client does not read for ``idle_seconds``."""

    def __init__(self, *arguments: Any, idle_seconds: float, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._idle_seconds = self.close_timeout = idle_seconds
        self._unread: asyncio.TimerHandle | None = None
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope["extensions"].update({"sandbox.drop": self.transport.abort, "sandbox.peer": self.transport.get_extra_info(PEER)})
            await inner(scope, receive, send)
            # An error answer, or a lost connection, ends the handshake too; uvicorn would log that there was none.
            self.handshake_complete = True

        self.app = app

    def pause_writing(self) -> None:
        """The client does not read what was sent."""
        super().pause_writing()
        self._unread = self._unread or self.loop.call_later(self._idle_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        self._stop()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        super().connection_lost(exc)
        self._stop()

    def _stop(self) -> None:
        if self._unread:
            self._unread.cancel()
            self._unread = None


class HttpServer(uvicorn.Server):
    """uvicorn on one listening socket, without signal handlers of its own. A TLS handshake must end within ``idle_seconds``."""

    def __init__(self, application: Any, context: SSL.Context | None, idle_seconds: float) -> None:
        config = uvicorn.Config(
            application,
            http=partial(HttpProtocol, idle_seconds=idle_seconds),  # type: ignore[arg-type]  # uvicorn calls it, as it would a class
            ws=partial(WebSocketProtocol, idle_seconds=idle_seconds) if context else "none",  # type: ignore[arg-type]  # as above
            ws_max_size=_LARGEST_MESSAGE,
            ws_ping_interval=None,  # what a WebSocket carries has a keep-alive of its own
            ws_per_message_deflate=False,  # a message must not grow when it is unpacked
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # X-Forwarded-For would be believed of every client
            server_header=False,
            date_header=False,  # HttpsApplication sends local Azure's own time
            timeout_keep_alive=2 * idle_seconds,  # type: ignore[arg-type]  # only ever given to `call_later`, which takes fractions
            backlog=1024,
        )
        config.load()
        super().__init__(config)
        self._context, self._idle_seconds = context, idle_seconds

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        """Leave signals to local Azure."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen. uvicorn's own takes no limit for handshakes, nor a context that is not made from files."""
        made: Any = self.config.http_protocol_class
        protocol: Any = partial(made, config=self.config, server_state=self.server_state, app_state=self.lifespan.state)
        if self._context:
            protocol = TlsServer(protocol, self._context, self._idle_seconds)
        loop = asyncio.get_running_loop()
        self.servers = [await loop.create_server(protocol, sock=sock, backlog=1024) for sock in sockets or ()]
        self.started = True
