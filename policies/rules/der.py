"""Reads DER (ITU-T X.690) for certificates and requests that `cryptography` refuses and OpenSSL, hubs and hubtrust take."""

from __future__ import annotations

from typing import NamedTuple

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OBJECT_IDENTIFIER, SEQUENCE, SET = 0x01, 0x02, 0x03, 0x04, 0x06, 0x30, 0x31
_LONG, _LONGEST = 0x80, 4  # of lengths: the bit of the long form, and the most octets
_ARC, _SECOND_ARCS = 0x7F, 40
_LONGEST_IDENTIFIER = 64  # octets; none that is in use is longer


class Element(NamedTuple):
    """One value: its identifier octet, its contents, and all its octets."""

    tag: int
    content: bytes
    whole: bytes


def elements(data: bytes) -> list[Element]:
    """The values that stand one after the other in `data`.

    Raises:
        ValueError: they are not all whole.
    """
    found = []
    at = 0
    while at < len(data):
        found.append(first(data, at))
        at += len(found[-1].whole)
    return found


def first(data: bytes, at: int = 0) -> Element:
    """The value that begins at `at`; more may follow it.

    Raises:
        ValueError: it is not whole.
    """
    head = data[at : at + 2]
    start, length = at + 2, head[-1] if len(head) > 1 else -1
    if length >= _LONG:
        size = length & ~_LONG
        start, length = start + size, int.from_bytes(data[start : start + size], "big") if 0 < size <= _LONGEST else -1
    if length < 0 or start + length > len(data):
        raise ValueError("it ends in the middle of a value")
    return Element(head[0], data[start : start + length], data[at : start + length])


def inside(element: Element, tag: int) -> list[Element]:
    """The values inside a value, which must be of this type.

    Raises:
        ValueError: it is of another type, or not whole.
    """
    if element.tag != tag:
        raise ValueError(f"it has a value of type 0x{element.tag:02X} where 0x{tag:02X} is expected")
    return elements(element.content)


def identifier(element: Element) -> str:
    """An OBJECT IDENTIFIER in dotted form.

    Raises:
        ValueError: it is of another type, or not whole.
    """
    octets = element.content[:_LONGEST_IDENTIFIER]
    if element.tag != OBJECT_IDENTIFIER or not octets or octets[-1] & ~_ARC:
        raise ValueError("it has an object identifier that can't be read")
    arcs, arc = [], 0
    for octet in octets:
        arc = arc << 7 | octet & _ARC
        if not octet & ~_ARC:
            arcs.append(arc)
            arc = 0
    top = min(arcs[0] // _SECOND_ARCS, 2)
    return ".".join(map(str, (top, arcs[0] - top * _SECOND_ARCS, *arcs[1:])))
