"""MQTT 3.1.1 packets, as far as a hub speaks them (OASIS standard, section 3)."""

from __future__ import annotations

import struct
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


@dataclass(frozen=True)
class Publish:
    """The fields of a PUBLISH."""

    topic: str
    payload: bytes
    qos: int
    packet_id: int  # 0 at QoS 0


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


def read_connect(packet: Packet) -> Connect:
    """Read a CONNECT. Its will is ignored: a hub would publish it, local Azure does not.

    Raises:
        MalformedPacketError: The packet is malformed.
    """
    reader = _Reader(packet.body)
    protocol = reader.text()
    level, flags = reader.take(1)[0], 0
    if protocol not in {"MQTT", "MQIsdp"} or packet.flags:
        raise MalformedPacketError(f"protocol '{protocol[:20]}'")
    flags = reader.take(1)[0]
    keep_alive = reader.number()
    if level != 4:  # noqa: PLR2004 - the rest of an MQTT 5 packet has another layout
        return Connect(level, "", "", "", keep_alive)
    client_id = reader.text()
    if flags & 0x04:
        reader.text()
        reader.data()
    username = reader.text() if flags & 0x80 else ""
    password = reader.data().decode("utf-8", "replace") if flags & 0x40 else ""
    return Connect(level, client_id, username, password, keep_alive)


def read_publish(packet: Packet) -> Publish:
    """Read a PUBLISH.

    Raises:
        MalformedPacketError: The packet is malformed.
    """
    reader = _Reader(packet.body)
    topic, qos = reader.text(), packet.flags >> 1 & 0x03
    packet_id = reader.number() if qos else 0
    if "#" in topic or "+" in topic or qos == 3 or (qos and not packet_id):  # noqa: PLR2004 - section 3.3.1.2
        raise MalformedPacketError("an invalid PUBLISH")
    return Publish(topic, reader.rest(), qos, packet_id)


def read_subscribe(packet: Packet) -> tuple[int, list[tuple[str, int]]]:
    """The id of a SUBSCRIBE, and its topic filters with the requested QoS.

    Raises:
        MalformedPacketError: The packet is malformed.
    """
    reader = _Reader(packet.body)
    packet_id, filters = reader.number(), []
    while reader.more():
        filters.append((reader.text(), reader.take(1)[0] & 0x03))
    if not filters or packet.flags != 0x02:  # noqa: PLR2004 - section 3.8.1
        raise MalformedPacketError("an invalid SUBSCRIBE")
    return packet_id, filters


def read_unsubscribe(packet: Packet) -> tuple[int, list[str]]:
    """The id of an UNSUBSCRIBE, and its topic filters.

    Raises:
        MalformedPacketError: The packet is malformed.
    """
    reader = _Reader(packet.body)
    packet_id, filters = reader.number(), []
    while reader.more():
        filters.append(reader.text())
    return packet_id, filters


def connack(code: int) -> bytes:
    """The answer to a CONNECT: 0 accepted, 1 another protocol level, 2 the client id refused, 5 not authorized. No session is kept."""
    return bytes((PacketType.CONNACK << 4, 2, 0, code))


def puback(packet_id: int) -> bytes:
    """A PUBLISH at QoS 1 has arrived."""
    return struct.pack("!BBH", PacketType.PUBACK << 4, 2, packet_id)


def suback(packet_id: int, codes: list[int]) -> bytes:
    """The QoS granted for each filter; 0x80: refused."""
    return bytes((PacketType.SUBACK << 4,)) + _length(2 + len(codes)) + packet_id.to_bytes(2, "big") + bytes(codes)


def unsuback(packet_id: int) -> bytes:
    """The subscriptions are removed."""
    return struct.pack("!BBH", PacketType.UNSUBACK << 4, 2, packet_id)


def pingresp() -> bytes:
    """The answer to a PINGREQ."""
    return bytes((PacketType.PINGRESP << 4, 0))


def publish(topic: str, payload: bytes) -> bytes:
    """A message to a client at QoS 0."""
    name = topic.encode()
    return bytes((PacketType.PUBLISH << 4,)) + _length(2 + len(name) + len(payload)) + len(name).to_bytes(2, "big") + name + payload


def _length(value: int) -> bytes:
    encoded = bytearray()
    while True:
        value, digit = value >> 7, value & 0x7F
        encoded.append(digit | 0x80 if value else digit)
        if not value:
            return bytes(encoded)
