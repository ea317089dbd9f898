"""uvicorn's HTTP/1.1 protocol with two additions: faults can drop a connection, and a request that is not complete in time is cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

REQUEST_SECONDS = 60  # from the first byte of a request to its last; Azure's front ends cut off at about as much


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._deadline: asyncio.TimerHandle | None = None
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope.setdefault("extensions", {}).update({"sandbox.drop": self._drop, "sandbox.close": self._close})
            await inner(scope, receive, send)

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

    def data_received(self, data: bytes) -> None:
        """Bytes came in: a request that has begun must end in time."""
        super().data_received(data)
        if self._deadline is None and not self._answering():
            self._deadline = self.loop.call_later(REQUEST_SECONDS, self._abort_unfinished_request)
        elif self._answering():
            self._cancel_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._cancel_deadline()
        super().connection_lost(exc)

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.more_body

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _abort_unfinished_request(self) -> None:
        self._deadline = None
        if not self._answering():
            self.transport.abort()
