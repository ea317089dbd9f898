"""TLS between a socket and a protocol of asyncio, which then sends and receives plaintext, as with asyncio's own TLS.

It exists because asyncio's takes the standard library's contexts alone, which can't accept a client certificate of an unknown CA.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from local_azure_iot.tls_stream import TlsError, TlsStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from OpenSSL import SSL, crypto

PEER = "peer"  # the name under which a transport's `get_extra_info` has its Peer


@dataclass(frozen=True)
class Peer:
    """A client as TLS shows it."""

    server_name: str  # the host that it asked for (SNI)
    chain: list[crypto.X509]  # the certificates that it sent, its own first; not verified
    address: str = "127.0.0.1"


@dataclass(frozen=True)
class TlsServer:
    """What all connections to one TLS port share. Call it to get the protocol of a new connection, as `create_server` does."""

    protocol: Callable[[], asyncio.Protocol]  # speaks plaintext; its `connection_made` is called once the handshake is done
    context: SSL.Context
    idle_seconds: float  # for the handshake, and for what is sent last to be read
    refused: Callable[[Peer, str], None] = lambda _peer, _reason: None  # told of a client whose handshake came to nothing, with the reason

    def __call__(self) -> TlsProtocol:
        """The protocol of a new connection."""
        return TlsProtocol(self)


class TlsProtocol(asyncio.Protocol):
    """One connection's handshake, then the way in for its bytes."""

    def __init__(self, server: TlsServer) -> None:
        self._server, self._stream = server, TlsStream(server.context)
        self._transport: TlsTransport | None = None
        self._heard = False  # whether the client sent anything
        self._told = False  # whether the end of the handshake, or why there is none, was told
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        below = cast("asyncio.Transport", transport)  # uvloop's is one by behaviour, not by class
        self._transport = TlsTransport(self._stream, below, self._server.idle_seconds)
        self._deadline = asyncio.get_running_loop().call_later(self._server.idle_seconds, self._too_late)

    def data_received(self, data: bytes) -> None:
        """Ciphertext came."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        self._heard = True
        established = self._stream.established
        try:
            plain = self._stream.feed(data)
        except TlsError as error:
            if not established:
                self._refuse(f"TLS failed: {error}")
            transport.fail()
            return
        if self._stream.established and not established:
            self._begin(transport)
        transport.flush()  # the handshake's next part
        if plain and not transport.is_closing():
            transport.protocol.data_received(plain)
        if self._stream.ended:
            self.eof_received()

    def _begin(self, transport: TlsTransport) -> None:
        self._told = True
        if self._deadline:
            self._deadline.cancel()
        transport.peer = self._peer()
        transport.protocol = self._server.protocol()
        transport.protocol.connection_made(transport)

    def eof_received(self) -> None:
        """The client has closed its side: as with asyncio's TLS, the connection ends once what was sent is read."""
        if self._transport and self._told:
            self._transport.protocol.eof_received()
            self._transport.close()

    def pause_writing(self) -> None:
        """The client does not read what it was sent."""
        if self._transport:
            self._transport.protocol.pause_writing()

    def resume_writing(self) -> None:
        """It reads again."""
        if self._transport:
            self._transport.protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        if self._deadline:
            self._deadline.cancel()
        if self._heard:
            self._refuse("the device closed the connection before the end of the TLS handshake")
        if self._transport:
            self._transport.lost()
            self._transport.protocol.connection_lost(exc)

    def _too_late(self) -> None:
        self._refuse(f"no end of the TLS handshake within {self._server.idle_seconds:g} seconds")
        if self._transport:
            self._transport.abort()

    def _refuse(self, reason: str) -> None:
        if not self._told:
            self._told = True
            self._server.refused(self._peer(), reason)

    def _peer(self) -> Peer:
        address = self._transport.get_extra_info("peername") if self._transport else None
        return Peer(self._stream.server_name, self._stream.chain() if self._stream.established else [], str(address[0]) if address else "")


class TlsTransport(asyncio.Transport):
    """What a protocol writes to. What it writes in one go becomes one record, and one packet."""

    def __init__(self, stream: TlsStream, below: asyncio.Transport, idle_seconds: float) -> None:
        super().__init__()
        self.protocol: asyncio.Protocol = asyncio.Protocol()  # until the handshake is done: one that does nothing
        self.peer: Peer | None = None
        self._stream, self._below, self._idle_seconds = stream, below, idle_seconds
        self._loop = asyncio.get_running_loop()
        self._plain: list[bytes] = []
        self._unread: asyncio.TimerHandle | None = None
        self._closing = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As the socket's own; `peer` is the client as TLS shows it, and `sslcontext` a sign that this is TLS."""
        if name == PEER:
            return self.peer
        return True if name == "sslcontext" else self._below.get_extra_info(name, default)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send plaintext."""
        if self._closing:
            return
        if not self._plain:
            self._loop.call_soon(self._send)
        self._plain.append(bytes(data))

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        """Send plaintext in parts."""
        for data in list_of_data:
            self.write(data)

    def _send(self) -> None:
        plain, self._plain = b"".join(self._plain), []
        if plain and not self._below.is_closing():
            try:
                self._stream.write(plain)
            except TlsError:
                self.fail()
                return
            self.flush()

    def flush(self) -> None:
        """Send what TLS has to send."""
        out = self._stream.outgoing()
        if out and not self._below.is_closing():
            self._below.write(out)

    def fail(self) -> None:
        """TLS is broken: send its alert and end."""
        self._plain = []
        self.flush()
        self._close_below()

    def close(self) -> None:
        """Send what was written, then TLS's closing message, and end once both are read, or were long enough not."""
        if self._closing:
            return
        self._send()
        self._stream.close()
        self.flush()
        self._close_below()

    def _close_below(self) -> None:
        self._closing = True
        self._below.close()
        self._unread = self._unread or self._loop.call_later(self._idle_seconds, self._below.abort)

    def lost(self) -> None:
        """The connection is gone: wait for nothing any more."""
        self._closing = True
        if self._unread:
            self._unread.cancel()

    def abort(self) -> None:
        """End at once, without a last message."""
        self._closing = True
        self._below.abort()

    def is_closing(self) -> bool:
        """Whether nothing more can be written."""
        return self._closing or self._below.is_closing()

    def can_write_eof(self) -> bool:
        """TLS has no half-closed connections here."""
        return False

    def pause_reading(self) -> None:
        """Take nothing more from the client for now."""
        self._below.pause_reading()

    def resume_reading(self) -> None:
        """Take again."""
        self._below.resume_reading()

    def is_reading(self) -> bool:
        """Whether anything is taken from the client."""
        return self._below.is_reading()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Another protocol goes on with the connection."""
        self.protocol = cast("asyncio.Protocol", protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """What reads from this transport."""
        return self.protocol

    def get_write_buffer_size(self) -> int:
        """The octets that are not sent yet."""
        return sum(map(len, self._plain)) + self._below.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """As the socket's."""
        return self._below.get_write_buffer_limits()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """As the socket's."""
        self._below.set_write_buffer_limits(high, low)
