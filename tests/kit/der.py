"""DER by hand (ITU-T X.690): values that no library writes, for tests of how they are read."""

from collections.abc import Iterator

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OBJECT_IDENTIFIER, SEQUENCE, SET = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x30, 0x31
UTF8_STRING, NUMERIC_STRING, PRINTABLE_STRING, TELETEX_STRING, IA5_STRING = 0x0C, 0x12, 0x13, 0x14, 0x16
VISIBLE_STRING, UNIVERSAL_STRING, BMP_STRING = 0x1A, 0x1C, 0x1E
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
CONSTRUCTED = 0x20
STRING_TYPES = {
    UTF8_STRING: ("UTF8String", "utf-8"),
    NUMERIC_STRING: ("NumericString", "latin-1"),
    PRINTABLE_STRING: ("PrintableString", "latin-1"),
    TELETEX_STRING: ("TeletexString", "latin-1"),
    IA5_STRING: ("IA5String", "latin-1"),
    VISIBLE_STRING: ("VisibleString", "latin-1"),
    UNIVERSAL_STRING: ("UniversalString", "utf-32-be"),
    BMP_STRING: ("BMPString", "utf-16-be"),
}


def encode(tag: int, *contents: bytes) -> bytes:
    """A value with this identifier octet; several contents are put one after the other."""
    body = b"".join(contents)
    if len(body) < 0x80:
        return bytes((tag, len(body))) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body


def content(value: bytes) -> bytes:
    """What is inside the first value of `value`."""
    return _first(value)[1]


def split(data: bytes) -> list[bytes]:
    """The values that stand one after the other in `data`, each whole."""
    found = []
    while data:
        end = _first(data)[0]
        found.append(data[:end])
        data = data[end:]
    return found


def children(value: bytes) -> list[bytes]:
    """The values inside a SEQUENCE, SET or other constructed value."""
    return split(content(value))


def integer(number: int) -> bytes:
    """An INTEGER."""
    return encode(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER such as `2.5.4.3`."""
    first, second, *rest = map(int, dotted.split("."))
    octets = bytearray()
    for arc in (first * 40 + second, *rest):
        group = [arc & 0x7F]
        while arc := arc >> 7:
            group.append(0x80 | (arc & 0x7F))
        octets += bytes(reversed(group))
    return encode(OBJECT_IDENTIFIER, bytes(octets))


def places(value: bytes) -> Iterator[tuple[int, ...]]:
    """The place of every value inside `value` that can be replaced: its index at each level; the outermost one is `()`."""
    yield ()
    if value[0] & CONSTRUCTED:
        for index, child in enumerate(children(value)):
            yield from ((index, *deeper) for deeper in places(child))


def at(value: bytes, place: tuple[int, ...]) -> bytes:
    """The value at a place."""
    for index in place:
        value = children(value)[index]
    return value


def replaced(value: bytes, place: tuple[int, ...], new: bytes) -> bytes:
    """`value` with another value at this place; the lengths around it are written anew."""
    if not place:
        return new
    inner = children(value)
    inner[place[0]] = replaced(inner[place[0]], place[1:], new)
    return encode(value[0], *inner)


def _first(data: bytes) -> tuple[int, bytes]:
    """Where the first value ends, and its contents."""
    start, length = 2, data[1]
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[2:start], "big")
    return start + length, data[start : start + length]
