"""MQTT 3.1.1 packets, as far as a hub speaks them (OASIS standard, section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

MAX_PACKET = 300 * 1024  # bytes; a hub's messages hold at most 256 KiB, the rest is for the topic


class PacketType(IntEnum):
    """Control packet types."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


class MalformedPacketError(ValueError):
    """Not MQTT 3.1.1; a server closes the connection without an answer (section 4.8)."""


class ProtocolBreachError(Exception):
    """MQTT that a hub does not take: it closes the connection too."""


@dataclass(frozen=True)
class Packet:
    """One packet as received: the two halves of its first byte, and the bytes after the length."""

    kind: int
    flags: int
    body: bytes


@dataclass(frozen=True)
class Connect:
    """The fields of a CONNECT. `level` 4 is MQTT 3.1.1."""

    level: int
    client_id: str
    username: str
    password: str
    keep_alive: int  # seconds; 0: no limit
    clean: bool = True  # CleanSession: forget the subscriptions of before, and these ones at the end
    will: Publish | None = None


@dataclass(frozen=True)
class Publish:
    """The fields of a PUBLISH, or of a will."""

    topic: str
    payload: bytes
    qos: int
    packet_id: int  # 0 at QoS 0
    retain: bool = False


def split(buffer: bytearray) -> Packet | None:
    """Remove the first complete packet from the buffer and return it; None while it is incomplete.

    Raises:
        MalformedPacketError: Its length is invalid, or more than a hub accepts.
    """
    length = shift = 0
    for at in range(1, 5):
        if at >= len(buffer):
            return None
        length |= (buffer[at] & 0x7F) << shift
        shift += 7
        if buffer[at] < 0x80:  # noqa: PLR2004 - the continuation bit, section 2.2.3
            break
    else:
        raise MalformedPacketError("a remaining length of more than four bytes")
    if length > MAX_PACKET:
        raise MalformedPacketError(f"a packet of {length} bytes")
    end = at + 1 + length
    if len(buffer) < end:
        return None
    packet = Packet(buffer[0] >> 4, buffer[0] & 0x0F, bytes(buffer[at + 1 : end]))
    del buffer[:end]
    return packet


class _Reader:
    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._body):
            raise MalformedPacketError("a packet that ends too early")
        part, self._at = self._body[self._at : end], end
        return part

    def number(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def data(self) -> bytes:
        return self.take(self.number())

    def text(self) -> str:
        try:
            found = self.data().decode()
        except UnicodeDecodeError as error:
            raise MalformedPacketError("text that is not UTF-8") from error
        if "\0" in found:
            raise MalformedPacketError("text with a zero in it")
        return found

    def rest(self) -> bytes:
        return self.take(len(self._body) - self._at)

    def more(self) -> bool:
        return self._at < len(self._body)

    def end(self) -> None:
        """Check that nothing is left."""
        if self.more():
            raise MalformedPacketError(f"a packet with {len(self._body) - self._at} bytes too many")


_MQTT_3_1_1 = 4
# The flags of a CONNECT, section 3.1.2.3.
_RESERVED, _CLEAN, _WILL, _WILL_QOS, _WILL_RETAIN, _PASSWORD, _USERNAME = 0x01, 0x02, 0x04, 0x18, 0x20, 0x40, 0x80
_QOS_3 = 3  # there is none
_FIXED_FLAGS = 0x02  # of SUBSCRIBE and UNSUBSCRIBE, section 2.2.2


def read_connect(packet: Packet) -> Connect:
    """Read a CONNECT (section 3.1).

    Raises:
        MalformedPacketError: The packet is malformed.
    """
    reader = _Reader(packet.body)
    protocol = reader.text()
    level = reader.take(1)[0]
    if protocol not in {"MQTT", "MQIsdp"} or packet.flags:
        raise MalformedPacketError(f"protocol '{protocol[:20]}'")
    flags = reader.take(1)[0]
    keep_alive = reader.number()
    if level != _MQTT_3_1_1:  # the rest of an MQTT 5 packet has another layout
        return Connect(level, "", "", "", keep_alive)
    _check_connect_flags(flags)
    client_id = reader.text()
    will = None
    if flags & _WILL:
        will = Publish(_topic(reader.text()), reader.data(), (flags & _WILL_QOS) >> 3, 0, bool(flags & _WILL_RETAIN))
    username = reader.text() if flags & _USERNAME else ""
    password = reader.data().decode("utf-8", "replace") if flags & _PASSWORD else ""
    reader.end()
    return Connect(level, client_id, username, password, keep_alive, bool(flags & _CLEAN), will)


def _check_connect_flags(flags: int) -> None:
    if flags & _RESERVED:
        raise MalformedPacketError("a CONNECT with its reserved flag set")
    if (not flags & _WILL and flags & (_WILL_QOS | _WILL_RETAIN)) or (flags & _WILL_QOS) >> 3 == _QOS_3:
        raise MalformedPacketError("a CONNECT with flags of a will that can't be")
    if flags & _PASSWORD and not flags & _USERNAME:
        raise MalformedPacketError("a CONNECT with a password and no user name")


def _topic(text: str) -> str:
    if not text or "#" in text or "+" in text:
        raise MalformedPacketError("an invalid PUBLISH: its topic is empty, or has a wildcard in it")
    return text


def _packet_id(reader: _Reader) -> int:
    number = reader.number()
    if not number:
        raise MalformedPacketError("a packet whose id is 0")
    return number


def read_publish(packet: Packet) -> Publish:
    """Read a PUBLISH (section 3.3).

    Raises:
        MalformedPacketError: The packet is malformed.
    """
    reader, qos = _Reader(packet.body), packet.flags >> 1 & 0x03
    if qos == _QOS_3 or (packet.flags & 0x08 and not qos):
        raise MalformedPacketError("an invalid PUBLISH: QoS 3, or a repetition at QoS 0")
    topic = _topic(reader.text())
    packet_id = _packet_id(reader) if qos else 0
    return Publish(topic, reader.rest(), qos, packet_id, bool(packet.flags & 0x01))


def read_puback(packet: Packet) -> int:
    """The id of the message that the client has (section 3.4).

    Raises:
        MalformedPacketError: The packet is malformed.
    """
    if packet.flags:
        raise MalformedPacketError("an invalid PUBACK: flags")
    reader = _Reader(packet.body)
    found = _packet_id(reader)
    reader.end()
    return found


def check_empty(packet: Packet) -> None:
    """Check a packet that says nothing but its type: PINGREQ, DISCONNECT.

    Raises:
        MalformedPacketError: It says more.
    """
    if packet.flags or packet.body:
        raise MalformedPacketError(f"a packet of type {packet.kind} with something in it")


def read_subscribe(packet: Packet) -> tuple[int, list[tuple[str, int]]]:
    """The id of a SUBSCRIBE, and its topic filters with the requested QoS (section 3.8).

    Raises:
        MalformedPacketError: The packet is malformed.
    """
    reader = _subscription(packet, "SUBSCRIBE")
    packet_id, filters = _packet_id(reader), []
    while reader.more():
        text, qos = reader.text(), reader.take(1)[0]
        if not text or qos >= _QOS_3:
            raise MalformedPacketError("an invalid SUBSCRIBE: an empty filter, or a QoS above 2")
        filters.append((text, qos))
    if not filters:
        raise MalformedPacketError("an invalid SUBSCRIBE: no filter")
    return packet_id, filters


def read_unsubscribe(packet: Packet) -> tuple[int, list[str]]:
    """The id of an UNSUBSCRIBE, and its topic filters (section 3.10).

    Raises:
        MalformedPacketError: The packet is malformed.
    """
    reader = _subscription(packet, "UNSUBSCRIBE")
    packet_id, filters = _packet_id(reader), []
    while reader.more():
        filters.append(reader.text())
    if not all(filters) or not filters:
        raise MalformedPacketError("an invalid UNSUBSCRIBE: no filter, or an empty one")
    return packet_id, filters


def _subscription(packet: Packet, name: str) -> _Reader:
    if packet.flags != _FIXED_FLAGS:
        raise MalformedPacketError(f"an invalid {name}: other flags than it must have")
    return _Reader(packet.body)
