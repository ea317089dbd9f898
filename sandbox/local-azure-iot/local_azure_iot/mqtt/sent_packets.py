"""The packets that a hub sends: MQTT 3.1.1, section 3. Those that clients send are read by `packets`."""

from __future__ import annotations

import struct

from local_azure_iot.mqtt.packets import PacketType


def connack(code: int, *, present: bool = False) -> bytes:
    """The answer to a CONNECT: 0 accepted, 1 another protocol level, 2 the client id refused, 5 not authorized.

    ``present``: the hub has the device's session of before.
    """
    return bytes((PacketType.CONNACK << 4, 2, present, code))


def puback(packet_id: int) -> bytes:
    """A PUBLISH at QoS 1 has arrived."""
    return struct.pack("!BBH", PacketType.PUBACK << 4, 2, packet_id)


def suback(packet_id: int, codes: list[int]) -> bytes:
    """The QoS granted for each filter; 0x80: refused."""
    return bytes((PacketType.SUBACK << 4,)) + length(2 + len(codes)) + packet_id.to_bytes(2, "big") + bytes(codes)


def unsuback(packet_id: int) -> bytes:
    """The subscriptions are removed."""
    return struct.pack("!BBH", PacketType.UNSUBACK << 4, 2, packet_id)


def pingresp() -> bytes:
    """The answer to a PINGREQ."""
    return bytes((PacketType.PINGRESP << 4, 0))


LONGEST_TOPIC = 65_535  # bytes; section 1.5.3


def publish(topic: str, payload: bytes, *, packet_id: int = 0, again: bool = False) -> bytes:
    """A message to a client: with a packet id at QoS 1, else at QoS 0. ``again``: it may have had it before."""
    name = topic.encode()
    flags = (0x02 | again << 3) if packet_id else 0
    number = packet_id.to_bytes(2, "big") if packet_id else b""
    head = len(name).to_bytes(2, "big") + name + number
    return bytes((PacketType.PUBLISH << 4 | flags,)) + length(len(head) + len(payload)) + head + payload


def length(value: int) -> bytes:
    """A remaining length, section 2.2.3: seven bits in each byte, the lowest first."""
    encoded = bytearray()
    while True:
        value, digit = value >> 7, value & 0x7F
        encoded.append(digit | 0x80 if value else digit)
        if not value:
            return bytes(encoded)
