"""The CONNECT proxy: Azure's own names lead to local Azure; every other host is refused."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local_azure_iot import host_names
from local_azure_iot.amqp import availability
from local_azure_iot.wire import whole_number

if TYPE_CHECKING:
    from collections.abc import Callable

_HEAD_LIMIT = 16 * 1024
_CHUNK = 64 * 1024
HTTPS, AMQPS, MQTTS = 443, 5671, 8883
_AMQP = {host_names.Endpoint.HUB, host_names.Endpoint.EVENT_HUB}


@dataclass
class Proxy:
    """RFC 9110, 9.3.6. Ports 443, 5671 and 8883 of Azure's names are known; every other host is refused with 403."""

    https: tuple[str, int]  # where local Azure's HTTPS listens
    mqtt: tuple[str, int]  # where its MQTT listens
    amqp: tuple[str, int] | None = None  # where its AMQP listens; None: it has none
    idle_seconds: float = 60.0  # for a client to send its request, to read what it is sent, and to close after the other side did
    resolves: Callable[[host_names.Destination], bool] = lambda _destination: True  # a vault that does not exist has no address
    connections: set[asyncio.Task[None]] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)  # the last hosts that were refused, for `status`

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client until either side ends."""
        task = asyncio.current_task()
        if task:
            self.connections.add(task)
            task.add_done_callback(self.connections.discard)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client closed the connection, or does nothing: no answer can be sent
        except asyncio.CancelledError:
            pass  # local Azure stops, and this is the outermost frame: asyncio would print a traceback for it
        finally:
            writer.close()
            if writer.transport.get_write_buffer_size():  # closing waits until the client has read everything
                asyncio.get_running_loop().call_later(self.idle_seconds, writer.transport.abort)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), self.idle_seconds)
        except asyncio.LimitOverrunError:
            await _refuse(writer, "431", "the request's head is too long")
            return
        method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
        target = rest.partition(" ")[0]
        if method != "CONNECT":
            await _refuse(writer, "405", f"this proxy only takes CONNECT to Azure's names, not {method[:20]}")
            return
        destination = host_names.destination(target.rpartition(":")[0])
        address = self._address(destination, target)
        if destination is None or address is None:
            self.refused = [*self.refused[-19:], target]
            await _refuse(writer, "403", _no_way_to(target))
            return
        if not self.resolves(destination):
            await _refuse(writer, "502", f"'{target}' can't be resolved: there is no such host")
            return
        upstream_reader, upstream_writer = await asyncio.open_connection(*address)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.drain()
        await self._both_ways(reader, writer, upstream_reader, upstream_writer)

    async def _both_ways(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        upstream_reader: asyncio.StreamReader,
        upstream_writer: asyncio.StreamWriter,
    ) -> None:
        # Local Azure ends its own idle connections, so that only a client can hold a tunnel.
        there = asyncio.create_task(_pump(reader, upstream_writer, None, writer.get_extra_info("socket")))
        try:
            await _pump(upstream_reader, writer, self.idle_seconds)
            await asyncio.wait_for(there, self.idle_seconds)
        finally:
            there.cancel()
            upstream_writer.close()

    def _address(self, destination: host_names.Destination | None, target: str) -> tuple[str, int] | None:
        port = target.rpartition(":")[2]
        if destination is None or whole_number(port) is None or destination.endpoint is host_names.Endpoint.LOOPBACK:
            return None
        if int(port) == HTTPS:
            return self.https
        if int(port) == MQTTS and destination.endpoint in host_names.OF_DEVICES:
            return self.mqtt
        if int(port) == AMQPS and destination.endpoint in _AMQP:
            return self.amqp
        return None


def _no_way_to(target: str) -> str:
    """Why a host is refused, and what to do. Most are package registries, which need what every other host needs."""
    host, _, port = target.rpartition(":")
    if not host or whole_number(port) is None:
        return f"'{target}' is not a host and a port; CONNECT wants both, such as management.azure.com:443"
    known = host_names.destination(host)
    if known and known.endpoint in _AMQP and int(port) == AMQPS:
        return availability.MISSING
    if known and known.endpoint in host_names.OF_DEVICES and int(port) == AMQPS:
        return availability.NOT_FOR_PROVISIONING
    if known and known.endpoint is not host_names.Endpoint.LOOPBACK:
        return f"local Azure does not serve port {port} of '{host}'"
    return (
        f"'{target}' is not a name that local Azure serves, and its proxy leads nowhere else; "
        f"add '{host}' to NO_PROXY and no_proxy, or unset HTTPS_PROXY and https_proxy for this command"
    )


async def _refuse(writer: asyncio.StreamWriter, status: str, reason: str) -> None:
    """The reason is also in the status line: Python, Go, Java and npm show that line and not the body (RFC 9112, 4: any text)."""
    reason = "".join(character if character.isascii() and character.isprintable() else "?" for character in reason)
    body = f"{reason}\n".encode()
    head = f"HTTP/1.1 {status} {reason}\r\ncontent-type: text/plain\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float | None, source: socket.socket | None = None
) -> None:
    """Pass on until the end of the one side; ``seconds``: how long the other side may leave what it is sent unread."""
    with contextlib.suppress(OSError):
        _acknowledge_at_once(source)
        while (data := await reader.read(_CHUNK)) and not writer.transport.is_closing():
            _acknowledge_at_once(source)
            writer.write(data)
            async with asyncio.timeout(seconds):
                await writer.drain()
        if not writer.transport.is_closing():  # it may have closed while the other side was still sending
            writer.write_eof()


def _acknowledge_at_once(source: socket.socket | None) -> None:
    """Let the client send on: urllib3 waits behind a proxy for the head of a request to be acknowledged, which takes Linux 40 ms.

    The kernel drops the setting after some packets, so it is set again.
    """
    if source is not None and hasattr(socket, "TCP_QUICKACK"):
        source.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
