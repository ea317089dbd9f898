"""Reads DER (ITU-T X.690) as leniently as OpenSSL does: lengths may be longer than needed, and contents are not judged."""

from __future__ import annotations

from typing import NamedTuple

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OBJECT_IDENTIFIER, SEQUENCE, SET = 0x01, 0x02, 0x03, 0x04, 0x06, 0x30, 0x31
_LONG, _MULTIPLE = 0x80, 0x1F
_MOST_LENGTH_OCTETS = 4
_ARC_BITS, _ARC_MASK = 7, 0x7F
_SECOND_ARCS = 40


class MalformedError(ValueError):
    """The octets are not the DER that was looked for; the message says what they are."""


class Element(NamedTuple):
    """One value: its identifier octet, its contents, and all its octets."""

    tag: int
    content: bytes
    whole: bytes


def first(data: bytes) -> Element:
    """The first value in `data`; more may follow it.

    Raises:
        MalformedError: there is no whole value.
    """
    if len(data) < 2 or data[0] & _MULTIPLE == _MULTIPLE:  # noqa: PLR2004 - an identifier octet and a length octet
        raise MalformedError("a value without a readable type and length")
    start, length = 2, data[1]
    if length & _LONG:
        start += length & ~_LONG
        if not 2 < start <= 2 + _MOST_LENGTH_OCTETS:  # noqa: PLR2004 - 2: a length that is not given (BER)
            raise MalformedError("a value whose length is not given, or is longer than any certificate")
        length = int.from_bytes(data[2:start], "big")
    if start + length > len(data):
        raise MalformedError(f"a value of {length} octets, of which {max(len(data) - start, 0)} are there")
    return Element(data[0], data[start : start + length], data[: start + length])


def elements(data: bytes) -> list[Element]:
    """The values that stand one after the other in `data`.

    Raises:
        MalformedError: they are not all whole.
    """
    found = []
    while data:
        element = first(data)
        found.append(element)
        data = data[len(element.whole) :]
    return found


def inside(element: Element, tag: int, what: str) -> list[Element]:
    """The values inside a SEQUENCE or SET; `tag` is the expected type, and `what` names the value in the error.

    Raises:
        MalformedError: it is of another type, or its contents are not all whole.
    """
    return elements(contents(element, tag, what))


def contents(element: Element, tag: int, what: str) -> bytes:
    """The contents of a value that must have this type.

    Raises:
        MalformedError: it is of another type.
    """
    if element.tag != tag:
        raise MalformedError(f"{what} has type 0x{element.tag:02X} instead of 0x{tag:02X}")
    return element.content


def object_identifier(element: Element, what: str) -> str:
    """An OBJECT IDENTIFIER in dotted form.

    Raises:
        MalformedError: it is of another type, or not whole.
    """
    octets = contents(element, OBJECT_IDENTIFIER, what)
    if not octets or octets[-1] & _LONG:
        raise MalformedError(f"{what} is an OBJECT IDENTIFIER that ends too early")
    arcs, arc = [], 0
    for octet in octets[:64]:  # none that is known is longer; the rest of a longer one is left out
        arc = arc << _ARC_BITS | octet & _ARC_MASK
        if not octet & _LONG:
            arcs.append(arc)
            arc = 0
    top = min(arcs[0] // _SECOND_ARCS, 2) if arcs else 2
    return ".".join(map(str, (top, arcs[0] - top * _SECOND_ARCS, *arcs[1:]))) if arcs else "2"


def encode(tag: int, content: bytes) -> bytes:
    """A value of this type in DER."""
    size = len(content)
    length = (
        bytes((size,))
        if size < _LONG
        else bytes((_LONG | (size.bit_length() + 7) // 8,)) + size.to_bytes((size.bit_length() + 7) // 8, "big")
    )
    return bytes((tag,)) + length + content
