"""How an answer reaches the client: whole, byte by byte, or cut in the middle."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]

_NO_CONTENT = 204


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The bytes of an answer, and the connection that they go to."""

    status: int
    headers: dict[str, str]
    content: bytes
    head_only: bool  # the answer to HEAD: headers without the content
    receive: Receive
    send: Send
    close: Callable[[], None]

    async def whole(self) -> None:
        """Send all of it."""
        await self._start(length=len(self.content))
        await self._body(self.content)

    async def cut(self) -> None:
        """Announce the whole, send half and end the connection."""
        await self._start(length=len(self.content))
        await self._body(self.content[: len(self.content) // 2], more=True)
        self.close()

    async def drip(self, seconds: float) -> None:
        """Send byte by byte, then spaces until the client is gone: JSON may end with any number of them."""
        await self._start(length=None)
        gone = asyncio.ensure_future(self.receive())  # the request is complete, so all that can come is the end of the connection
        position = 0
        while not gone.done():
            await self._body(self.content[position : position + 1] or b" ", more=True)
            position += 1
            await asyncio.wait({gone}, timeout=seconds)

    async def _start(self, *, length: int | None) -> None:
        headers = dict(self.headers)
        if length is not None and self.status != _NO_CONTENT:  # RFC 9110, 8.6: no Content-Length in a 204
            headers["content-length"] = str(length)
        pairs = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
        await self.send({"type": "http.response.start", "status": self.status, "headers": pairs})

    async def _body(self, content: bytes, *, more: bool = False) -> None:
        await self.send({"type": "http.response.body", "body": b"" if self.head_only else content, "more_body": more})
