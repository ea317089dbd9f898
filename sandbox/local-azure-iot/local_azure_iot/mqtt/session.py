"""One device's connection, from its CONNECT to the last message. Which transport carries its bytes (TLS, a WebSocket) does not matter."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from local_azure_iot.hub_registry import device_access
from local_azure_iot.mqtt import packets, sent_packets
from local_azure_iot.mqtt.admission import RefusedError, admit
from local_azure_iot.mqtt.packets import MalformedPacketError, PacketType, ProtocolBreachError
from local_azure_iot.mqtt.plane import ENDED
from local_azure_iot.mqtt.subscriptions import Subscriptions
from local_azure_iot.mqtt.topics import Topics
from local_azure_iot.tls_transport import PEER, Peer

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.hub_registry.device_access import AdmittedIdentity
    from local_azure_iot.mqtt.packets import Connect, Packet, Publish
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
    """Takes bytes from a transport, and answers as a hub's MQTT endpoint does. The transport's extra information has the client's Peer."""

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
        self._admitted: AdmittedIdentity | None = None
        self._topics: Topics | None = None
        self._will: Publish | None = None  # to be told unless the device says DISCONNECT

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
        self._end_topics()
        if self._admitted:
            self._azure.presence.disconnected(self._admitted.store_key, self, self._azure.clock.now())

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
        if self._topics is None and self._buffer and self._buffer[0] != PacketType.CONNECT << 4:
            raise MalformedPacketError("the first packet was not a CONNECT")

    @property
    def _closing(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def _serve(self, packet: Packet) -> None:
        if self._topics is None or self._admitted is None:
            self._connect(packets.read_connect(packet))
            return
        self._restart_keep_alive()
        if packet.kind == PacketType.DISCONNECT:
            packets.check_empty(packet)
            self._will = None
            self._close()
        elif packet.kind == PacketType.PINGREQ:
            packets.check_empty(packet)
            self._write(sent_packets.pingresp())
        else:
            self._topics.serve(packet)

    def _connect(self, connect: Connect) -> None:
        self._timers.pop("connect").cancel()
        try:
            admitted = admit(self._azure, connect, self._peer)
        except RefusedError as error:
            self._log_attempt(connect, str(error), own_words=error.own_words)
            self._write(sent_packets.connack(error.code))
            self._close()
            return
        self._log_attempt(connect, "")
        self._admitted, self._will = admitted, connect.will
        self._silence = longest_silence(connect.keep_alive)
        displaced = self._azure.presence.connected(admitted.store_key, self, self._azure.clock.now(), admitted.device_key)
        if displaced:
            displaced.end("the device connected again")
        self._check_token(admitted)
        subscriptions = Subscriptions(self._azure, admitted, clean=connect.clean)
        self._topics = Topics(self._azure, admitted, subscriptions, self._write)
        self._write(sent_packets.connack(0, present=subscriptions.present))
        self._restart_keep_alive()
        self._topics.resume()

    def _restart_keep_alive(self) -> None:
        """Record that the device sent a packet; it must send the next one in time."""
        if self._admitted:
            self._azure.presence.record_message(self._admitted.store_key, self._azure.clock.now())
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
        if self._admitted is None or self._closing:
            return
        reason = device_access.revocation(self._azure, self._admitted)
        if reason:
            self._will = None  # whoever may not connect has nothing to tell either
            self.end(reason)
        else:
            self._check_token(self._admitted)

    def _check_token(self, admitted: AdmittedIdentity) -> None:
        """End the session if its token has expired, by local Azure's clock; otherwise look again when it will have."""
        if admitted.expires is None:
            return
        if wait := self._azure.clock.wait_until(admitted.expires):
            self._timer("token", wait, lambda: self._check_token(admitted))
        else:
            self.end("the device's token has expired")

    def end(self, reason: str) -> None:
        """Close the connection; the reason goes to the control port's log."""
        if not self._closing:
            self._log_attempt(None, f"{ENDED}{reason}")
        self._close()

    def _end_topics(self) -> None:
        topics, self._topics = self._topics, None
        will, self._will = self._will, None
        if topics:
            topics.close(will)

    def _close(self) -> None:
        self._end_topics()
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
        admitted = self._admitted
        own = f"{admitted.device}/{admitted.module}".rstrip("/") if admitted else ""
        device = own or (connect.client_id if connect else "")
        self._plane.log_attempt(self._peer, device, reason, own_words=own_words)
        self._logged = True
