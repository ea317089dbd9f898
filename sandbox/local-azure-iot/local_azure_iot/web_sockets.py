"""WebSockets as a way for other protocols' bytes (RFC 6455): the subprotocol that client and server agree on says which protocol speaks.

A protocol is one of asyncio's, as behind TLS: it gets a transport, and bytes. Where messages of the WebSocket begin and end says nothing,
as MQTT has it (MQTT 3.1.1, section 6). A new subprotocol is a row of the mapping that `server.py` gives.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.utils import ClientDisconnected

from local_azure_iot import web_pages
from local_azure_iot.tls_transport import PEER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_azure_iot.delivery import Receive, Send
    from local_azure_iot.tls_transport import Peer

Factories = dict[str, "Callable[[], asyncio.Protocol]"]  # by subprotocol
_HIGH_WATER = 64 * 1024  # octets that wait to be sent, from which on the protocol is told to send no more
_UNSUPPORTED_DATA = 1003  # RFC 6455, 7.4.1


@dataclass(frozen=True)
class WebSockets:
    """The WebSocket endpoints of a service, by path, each with its subprotocols."""

    endpoints: Mapping[str, Factories]
    absent: Mapping[str, str] = field(default_factory=dict)  # subprotocols that can't be served here, in lower case: why

    def protocol(self, path: str, offered: list[str]) -> tuple[str, Callable[[], asyncio.Protocol]] | None:
        """The first subprotocol that the client offers and this path has, with what speaks it; names are compared without case."""
        speaks = {name.lower(): made for name, made in self.endpoints.get(path.lower(), {}).items()}
        return next(((name, speaks[name.lower()]) for name in offered if name.lower() in speaks), None)

    def refusal(self, path: str, offered: list[str]) -> str:
        """Why `protocol` finds none."""
        reason = next((self.absent[name.lower()] for name in offered if name.lower() in self.absent), None)
        if reason:
            return reason
        names = self.endpoints.get(path.lower())
        if names is None:
            return f"there is no WebSocket at '{path[:200]}' of this host; there is one at {' and '.join(self.endpoints) or 'a hub'}"
        return f"the WebSocket at {path} speaks {' and '.join(names)}, and the client offers {', '.join(offered)[:200] or 'no subprotocol'}"


async def serve(scope: dict[str, Any], receive: Receive, send: Send, protocol: asyncio.Protocol) -> None:
    """Let a protocol speak over a WebSocket that was accepted, until either side ends it."""
    host = web_pages.host(scope["headers"]) or ""
    # The hub is the one of the request: a client that reached this port by its address has sent no name in TLS, but one in `Host`.
    transport = WebSocketTransport(
        replace(scope["extensions"]["sandbox.peer"], server_name=host), protocol, scope["extensions"]["sandbox.drop"]
    )
    protocol.connection_made(transport)
    sender = asyncio.create_task(transport.send_all(send))
    try:
        while (message := await receive())["type"] == "websocket.receive":
            await transport.reading.wait()
            if message.get("bytes") is None:  # MQTT 3.1.1, [MQTT-6.0.0-1]: data must be in binary frames
                transport.close(_UNSUPPORTED_DATA)
            elif not transport.is_closing():
                protocol.data_received(message["bytes"])
        transport.close()
    finally:
        with contextlib.suppress(ClientDisconnected):
            await sender
        protocol.connection_lost(None)


class WebSocketTransport(asyncio.Transport):
    """What a protocol writes to. What it writes in one go becomes one message."""

    def __init__(self, peer: Peer, protocol: asyncio.Protocol, drop: Callable[[], None]) -> None:
        super().__init__()
        self.reading = asyncio.Event()
        self.reading.set()
        self._peer, self._protocol, self._drop = peer, protocol, drop
        self._waiting: list[bytes] = []
        self._wake = asyncio.Event()
        self._code: int | None = None  # with which the WebSocket is to be closed
        self._paused = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """`peer` is the client as TLS shows it; `peername` its address."""
        return {PEER: self._peer, "peername": (self._peer.address, 0)}.get(name, default)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes."""
        if self._code is not None:
            return
        self._waiting.append(bytes(data))
        self._wake.set()
        if not self._paused and self.get_write_buffer_size() > _HIGH_WATER:
            self._paused = True
            self._protocol.pause_writing()

    async def send_all(self, send: Send) -> None:
        """Send what is written, until the transport is closed.

        Raises:
            ClientDisconnected: The client is gone.
        """
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._waiting:
                data, self._waiting = b"".join(self._waiting), []
                await send({"type": "websocket.send", "bytes": data})
            elif self._code is not None:
                await send({"type": "websocket.close", "code": self._code})
                return
            if self._waiting or self._code is not None:
                self._wake.set()
            elif self._paused:
                self._paused = False
                self._protocol.resume_writing()

    def close(self, code: int = 1000) -> None:
        """Send what was written, then close the WebSocket."""
        self._code = self._code or code
        self._wake.set()
        self.reading.set()

    def abort(self) -> None:
        """End the connection at once."""
        self._waiting = []
        self.close()
        self._drop()

    def is_closing(self) -> bool:
        """Whether nothing more can be written."""
        return self._code is not None

    def pause_reading(self) -> None:
        """Take nothing more from the client for now."""
        self.reading.clear()

    def resume_reading(self) -> None:
        """Take again."""
        self.reading.set()

    def is_reading(self) -> bool:
        """Whether anything is taken from the client."""
        return self.reading.is_set()

    def get_write_buffer_size(self) -> int:
        """The octets that are not sent yet."""
        return sum(map(len, self._waiting))
