"""DER, element by element (ITU-T X.690): for what `cryptography` does not read, and for what it reads too late to name the fault."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from hubtrust.pki.errors import DerError

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OBJECT_IDENTIFIER = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = 0x17, 0x18, 0x30, 0x31
_CONSTRUCTED, _LONG_TAG, _LONG_LENGTH = 0x20, 0x1F, 0x80
_INDEFINITE, _END = 0x80, b"\x00\x00"  # X.690 8.1.3.6: a length, and the two octets at the end
_DEEPEST = 32  # elements inside elements


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its tag octet, its content, and its whole encoding."""

    tag: int
    content: bytes
    encoding: bytes

    @classmethod
    def of(cls, tag: int, content: bytes) -> Self:
        """The element with this tag and content."""
        return cls(tag, content, encoded(tag, content))

    @property
    def is_constructed(self) -> bool:
        """Whether the content is elements again."""
        return bool(self.tag & _CONSTRUCTED)

    def elements(self) -> list["Element"]:
        """The elements in the content.

        Raises:
            DerError: see ``elements``.
        """
        return list(elements(self.content))


def elements(content: bytes) -> Iterator[Element]:
    """The elements in ``content``, one after the other.

    Raises:
        DerError: an element ends after the content, or its length or tag is not DER.
    """
    at = 0
    while at < len(content):
        element = _element(content, at)
        yield element
        at += len(element.encoding)


def only_element(der: bytes) -> Element:
    """The element that ``der`` is.

    Raises:
        DerError: it is none, or something follows.
    """
    element = _element(der, 0)
    if len(element.encoding) < len(der):
        raise DerError(f"{len(der) - len(element.encoding)} octets follow its end")
    return element


def encoded(tag: int, content: bytes) -> bytes:
    """The encoding of an element."""
    if len(content) < _LONG_LENGTH:
        return bytes([tag, len(content)]) + content
    size = (len(content).bit_length() + 7) // 8
    return bytes([tag, _LONG_LENGTH | size]) + len(content).to_bytes(size) + content


def from_ber(data: bytes) -> bytes:
    """The DER of the first element of ``data``, whose lengths may be indefinite and whose octet strings may be in pieces (X.690 8).

    Raises:
        DerError: it ends too early, or is nested too deep.
    """
    return _from_ber(data, 0, 0)[0]


def _from_ber(data: bytes, at: int, depth: int) -> tuple[bytes, int]:
    """The DER of the element that begins at ``at``, and where it ends."""
    if depth > _DEEPEST:
        raise DerError(f"its elements are nested more than {_DEEPEST} deep")
    if data[at + 1 : at + 2] == bytes([_INDEFINITE]) and data[at] & _CONSTRUCTED:
        content, at_tag, at, end = list[bytes](), at, at + 2, len(data)
    else:
        element = _element(data, at)
        if not element.is_constructed:
            return element.encoding, at + len(element.encoding)
        end = at + len(element.encoding)
        content, at_tag, at = list[bytes](), at, end - len(element.content)
    while at < end and data[at : at + 2] != _END:
        part, at = _from_ber(data, at, depth + 1)
        content.append(part)
    if data[at_tag + 1] == _INDEFINITE:
        if at >= end:
            raise DerError("it ends in the middle of an element")
        at += len(_END)
    tag = data[at_tag]
    if tag == OCTET_STRING | _CONSTRUCTED:
        return encoded(OCTET_STRING, b"".join(only_element(part).content for part in content)), at
    return encoded(tag, b"".join(content)), at


def dotted(content: bytes) -> str:
    """An object identifier's content as text, such as ``1.2.840.10045.2.1``."""
    arcs, value = list[int](), 0
    for octet in content:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2) if arcs else 0
    return ".".join(map(str, [first, arcs[0] - 40 * first, *arcs[1:]])) if arcs else ""


def _element(data: bytes, at: int) -> Element:
    """The element that begins in ``data`` at ``at``."""
    if len(data) - at < 2:  # noqa: PLR2004 - a tag and a length
        raise DerError("it ends in the middle of an element")
    if data[at] & _LONG_TAG == _LONG_TAG:
        raise DerError("it has a tag of several octets")
    length, start = data[at + 1], at + 2
    if length >= _LONG_LENGTH:
        size = length & 0x7F
        length, start = int.from_bytes(data[start : start + size]), start + size
        if not 1 <= size <= 4:  # noqa: PLR2004 - 0 is BER's indefinite length, and nothing here has more than 4 GB
            raise DerError("it has a length that is not DER's")
    if start + length > len(data):
        raise DerError("it ends in the middle of an element")
    return Element(data[at], data[start : start + length], data[at : start + length])
