"""One device's connection, from its CONNECT to the last message. Which transport carries its bytes (TLS, a WebSocket) does not matter."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from local_azure_iot.mqtt import endpoints, packets, sent_packets
from local_azure_iot.mqtt.conversation import RefusedError
from local_azure_iot.mqtt.packets import MalformedPacketError, PacketType, ProtocolBreachError
from local_azure_iot.mqtt.plane import ENDED
from local_azure_iot.tls_transport import PEER, Peer

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.mqtt.conversation import Conversation
    from local_azure_iot.mqtt.packets import Connect, Packet
    from local_azure_iot.mqtt.plane import Plane

_KEEP_ALIVE_GRACE = 1.5  # MQTT 3.1.1, section 3.1.2.10
# Also without a keep-alive: "IoT Hub limits the maximum server-side timeout to 29.45 minutes (1767 seconds)", as its load balancer does
# (learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub, "Default keep-alive time-out").
_LONGEST_SILENCE = 1767.0
_MOST_AT_ONCE = 256 * 1024  # octets


def longest_silence(keep_alive: int) -> float:
    """The seconds after which a device that sends nothing is gone. A ``keep_alive`` of 0 asks for no limit, and gets the longest one."""
    return min(keep_alive * _KEEP_ALIVE_GRACE, _LONGEST_SILENCE) if keep_alive else _LONGEST_SILENCE


class Session(asyncio.Protocol):
    """Takes bytes from a transport, and answers as Azure's MQTT endpoints do. The transport's extra information has the client's Peer.

    What differs between a hub and a provisioning service is in the `Conversation` that a CONNECT leads to.
    """

    def __init__(self, plane: Plane, idle_seconds: float) -> None:
        self._idle_seconds = idle_seconds  # for the CONNECT to come, and for what is sent to be read
        self._plane, self._azure = plane, plane.azure
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._written = 0  # octets that were sent since `_work` began
        self._paused = False  # whether the client does not read what it is sent
        self._reading = True  # whether anything is taken from it
        self._silence = _LONGEST_SILENCE  # seconds after which a device that sends nothing is gone
        self._heard = 0.0  # when it sent its last packet, by the loop's clock
        self._peer = Peer("", [])
        self._logged = False  # whether the control port's log has this connection
        self._conversation: Conversation | None = None  # with a client that was admitted
        self._tell_will = True  # unless the device says DISCONNECT
        self._stopped = False  # whether the conversation is over

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        self._transport = cast("asyncio.Transport", transport)  # as all that are used here
        self._peer = self._transport.get_extra_info(PEER)
        self._plane.connections.add(self)
        self._timer("connect", self._idle_seconds, self._abort_without_connect)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature; why it ended does not matter
        """The connection ended, for any reason."""
        self._plane.connections.discard(self)
        if not self._logged:
            self._log_attempt(None, "the device closed the connection before its CONNECT")
        for timer in self._timers.values():
            timer.cancel()
        self._stop()
        if self._conversation:
            self._conversation.gone(self)

    def data_received(self, data: bytes) -> None:
        """Bytes came: serve every whole packet in them."""
        self._buffer += data
        self._work()

    def _work(self) -> None:
        """Serve the packets that have come, until what they make the hub send is enough for now: it must go out before more does."""
        self._written = 0
        try:
            self._check_first()
            while not self._full and not self._closing and (packet := packets.split(self._buffer)):
                self._serve(packet)
        except (MalformedPacketError, ProtocolBreachError) as error:
            self.end(str(error))
        if self._full and not self._paused:
            self._read(wanted=False)
            self._loop.call_soon(self._go_on)

    @property
    def _full(self) -> bool:
        return self._paused or self._written >= _MOST_AT_ONCE

    def _go_on(self) -> None:
        if self._paused or self._closing:
            return  # `resume_writing` goes on
        self._read(wanted=True)
        self._work()

    def _read(self, *, wanted: bool) -> None:
        if self._transport and not self._transport.is_closing() and wanted is not self._reading:
            self._reading = wanted
            (self._transport.resume_reading if wanted else self._transport.pause_reading)()

    def _check_first(self) -> None:
        if self._conversation is None and self._buffer and self._buffer[0] != PacketType.CONNECT << 4:
            raise MalformedPacketError("the first packet was not a CONNECT")

    @property
    def _closing(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def _serve(self, packet: Packet) -> None:
        conversation = self._conversation
        if conversation is None:
            self._connect(packets.read_connect(packet))
            return
        self._hear(conversation)
        if packet.kind == PacketType.DISCONNECT:
            packets.check_empty(packet)
            self._tell_will = False
            self._close()
        elif packet.kind == PacketType.PINGREQ:
            packets.check_empty(packet)
            self._write(sent_packets.pingresp())
        else:
            conversation.serve(packet)

    def _connect(self, connect: Connect) -> None:
        self._timers.pop("connect").cancel()
        try:
            conversation = endpoints.admit(self._azure, connect, self._peer)
        except RefusedError as error:
            self._log_attempt(connect, str(error), own_words=error.own_words)
            self._write(sent_packets.connack(error.code))
            self._close()
            return
        self._log_attempt(connect, "")
        self._conversation = conversation
        self._silence = longest_silence(connect.keep_alive)
        self._check_token(conversation)
        conversation.begin(self, self._write)
        self._hear(conversation)

    def _hear(self, conversation: Conversation) -> None:
        """Record that the device sent a packet; it must send the next one in time."""
        conversation.heard()
        self._heard = self._loop.time()
        if "silence" not in self._timers:
            self._timer("silence", self._silence, self._check_silence)

    def _check_silence(self) -> None:
        """One timer for the whole session: a packet, of which there may be thousands in a second, only notes its time."""
        left = self._heard + self._silence - self._loop.time()
        if left > 0:
            self._timer("silence", left, self._check_silence)
        else:
            self.end("nothing was heard from the device")

    def recheck(self) -> None:
        """Once the current write is done, check whether the device may stay connected."""
        self._loop.call_soon(self._recheck)

    def _recheck(self) -> None:
        if self._conversation is None or self._closing:
            return
        reason = self._conversation.revocation()
        if reason:
            self._tell_will = False  # whoever may not connect has nothing to tell either
            self.end(reason)
        else:
            self._check_token(self._conversation)

    def _check_token(self, conversation: Conversation) -> None:
        """End the session if its token has expired, by local Azure's clock; otherwise look again when it will have."""
        if conversation.expires is None:
            return
        if wait := self._azure.clock.wait_until(conversation.expires):
            self._timer("token", wait, lambda: self._check_token(conversation))
        else:
            self.end("the device's token has expired")

    def end(self, reason: str) -> None:
        """Close the connection; the reason goes to the control port's log."""
        if not self._closing:
            self._log_attempt(None, f"{ENDED}{reason}")
        self._close()

    def _stop(self) -> None:
        if self._conversation and not self._stopped:
            self._stopped = True
            self._conversation.stop(tell_will=self._tell_will)

    def _close(self) -> None:
        self._stop()
        if self._transport:
            self._transport.close()  # which waits until the client has read everything, but not for ever

    def pause_writing(self) -> None:
        """The client does not read what it was sent, so nothing else is taken from it."""
        self._paused = True
        self._read(wanted=False)
        self._timer("unread", self._idle_seconds, self.abort)

    def resume_writing(self) -> None:
        """It reads again."""
        if self._transport and not self._transport.is_closing():
            self._paused = False
            self._timers.pop("unread").cancel()
            self._go_on()

    def abort(self) -> None:
        """End the connection at once, without a last message."""
        if self._transport:
            self._transport.abort()

    def _abort_without_connect(self) -> None:
        self._log_attempt(None, f"no CONNECT within {self._idle_seconds:g} seconds")
        self.abort()

    def _write(self, data: bytes) -> None:
        if self._transport:
            self._written += len(data)
            self._transport.write(data)

    def _timer(self, name: str, seconds: float, function: Callable[[], None]) -> None:
        if name in self._timers:
            self._timers[name].cancel()
        self._timers[name] = self._loop.call_later(max(seconds, 0), function)

    def _log_attempt(self, connect: Connect | None, reason: str, *, own_words: bool = False) -> None:
        device = self._conversation.client if self._conversation else connect.client_id if connect else ""
        self._plane.log_attempt(self._peer, device, reason, own_words=own_words)
        self._logged = True
