"""One AMQP client on a transport of asyncio's, whatever carries its bytes: TLS on port 5671, or a WebSocket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from local_azure_iot.amqp.connection import AmqpConnection
from local_azure_iot.tls_transport import PEER

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.amqp.plane import AmqpPlane


class AmqpSession(asyncio.Protocol):
    """Gives bytes to the connection and its bytes to the transport; keeps its clock."""

    def __init__(self, plane: AmqpPlane, idle_seconds: float) -> None:
        self._plane = plane
        self._idle_seconds = idle_seconds  # for the connection to be opened, and for what is sent to be read
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._connection: AmqpConnection | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._moments: set[float] = set()  # when claims are to be checked again, in seconds since 1970
        self._paused = self._flushing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        self._transport = cast("asyncio.Transport", transport)  # as all that are used here
        peer = self._transport.get_extra_info(PEER)
        self._connection = AmqpConnection(self._plane, peer, self._flush_soon, self._recheck_at)
        self._plane.sessions.add(self)
        self._timer("open", self._idle_seconds, self.abort)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self._connection:
            self._connection.receive(data)
            if self._connection.established and "open" in self._timers:
                self._timers.pop("open").cancel()
            self._flush()

    def eof_received(self) -> None:
        """The client sends no more: the connection ends."""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature; why it ended does not matter
        """The connection ended, for any reason."""
        self._plane.sessions.discard(self)
        for timer in self._timers.values():
            timer.cancel()
        if self._connection:
            self._connection.lost()
        self._connection = self._transport = None

    def pause_writing(self) -> None:
        """The client does not read what it was sent, so nothing else is taken from it or given to it."""
        self._paused = True
        if self._transport:
            self._transport.pause_reading()
        self._timer("unread", self._idle_seconds, self.abort)

    def resume_writing(self) -> None:
        """It reads again."""
        self._paused = False
        if "unread" in self._timers:
            self._timers.pop("unread").cancel()
        if self._transport and not self._transport.is_closing():
            self._transport.resume_reading()
            self._flush_soon()

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport:
            self._transport.abort()

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        connection, transport = self._connection, self._transport
        if connection is None or transport is None:
            return
        connection.pump()
        seconds = connection.tick()
        while not self._paused and not transport.is_closing() and (out := connection.outgoing()):
            transport.write(out)
            connection.pump()
        if connection.closed:
            transport.close()
            self._timer("unread", self._idle_seconds, self.abort)
        elif connection.reason:
            self._timer("refused", self._idle_seconds, self.abort)  # for the client to close its side
        elif seconds:
            self._timer("tick", seconds, self._flush)

    def _recheck_at(self, moment: float) -> None:
        """Check the claims again at a time, in seconds since 1970."""
        self._moments.add(moment)

        def recheck() -> None:
            if self._plane.azure.clock.wait_until(moment):  # the clock was stopped
                self._recheck_at(moment)
                return
            self._moments.discard(moment)
            self._timers.pop(name, None)
            if self._connection:
                self._connection.recheck()
                self._flush()

        name = f"claims {moment}"
        self._timer(name, self._plane.azure.clock.wait_until(moment), recheck)

    def clock_set(self) -> None:
        """The claims end by local Azure's clock, which was set."""
        for moment in tuple(self._moments):
            self._recheck_at(moment)

    def _timer(self, name: str, seconds: float, function: Callable[[], None]) -> None:
        if name in self._timers:
            self._timers[name].cancel()
        self._timers[name] = self._loop.call_later(max(seconds, 0), function)
