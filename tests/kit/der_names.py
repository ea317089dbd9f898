"""Odd names, as real certificates and requests have them."""

from collections.abc import Callable
from typing import Protocol, Self, TypeVar

from tests.kit import der
from tests.kit.certificate_shapes import COMMON_NAME, COUNTRY, ORGANIZATION, SERIAL_NUMBER, attribute

_UNIT, _LOCALITY, _TITLE = "2.5.4.11", "2.5.4.7", "2.5.4.12"
_UNIQUE_IDENTIFIER, _EMAIL, _COMPONENT = "2.5.4.45", "1.2.840.113549.1.9.1", "0.9.2342.19200300.100.1.25"


class Named(Protocol):
    """A certificate or a request."""

    subject: bytes

    def named(self, subject: bytes) -> Self:
        """With another subject."""


N = TypeVar("N", bound=Named)

ODD_ATTRIBUTES: dict[str, bytes] = {
    "Latin-1 in a TeletexString": attribute(ORGANIZATION, der.TELETEX_STRING, b"K\xf6ln"),
    "an escape sequence in a TeletexString": attribute(ORGANIZATION, der.TELETEX_STRING, b"\x1b$B\x24\x22"),
    "Latin-1 in a PrintableString": attribute(ORGANIZATION, der.PRINTABLE_STRING, b"K\xf6ln"),
    "Latin-1 in an IA5String": attribute(_EMAIL, der.IA5_STRING, b"k\xf6ln@example.com"),
    "bad UTF-8": attribute(ORGANIZATION, der.UTF8_STRING, b"\xff\xfe\xfd"),
    "a surrogate in UTF-8": attribute(ORGANIZATION, der.UTF8_STRING, b"\xed\xa0\x80"),
    "an overlong NUL in UTF-8": attribute(ORGANIZATION, der.UTF8_STRING, b"a\xc0\x80b"),
    "'_' in a PrintableString": attribute(SERIAL_NUMBER, der.PRINTABLE_STRING, b"eui48_6827"),
    "'*' in a PrintableString": attribute(_UNIT, der.PRINTABLE_STRING, b"*.example.com"),
    "'@' in a PrintableString": attribute(_EMAIL, der.PRINTABLE_STRING, b"plant@example.com"),
    "'&' in a PrintableString": attribute(ORGANIZATION, der.PRINTABLE_STRING, b"Kiln & Sons"),
    "letters in a NumericString": attribute(SERIAL_NUMBER, der.NUMERIC_STRING, b"A-12"),
    "a BMPString": attribute(ORGANIZATION, der.BMP_STRING, "Öfen".encode("utf-16-be")),
    "a BMPString of odd length": attribute(ORGANIZATION, der.BMP_STRING, b"\0K\0"),
    "a surrogate alone in a BMPString": attribute(ORGANIZATION, der.BMP_STRING, b"\xd8\x00"),
    "a UniversalString": attribute(ORGANIZATION, der.UNIVERSAL_STRING, "Öfen".encode("utf-32-be")),
    "a UniversalString of odd length": attribute(ORGANIZATION, der.UNIVERSAL_STRING, b"\0\0\0K\0"),
    "a UniversalString beyond Unicode": attribute(ORGANIZATION, der.UNIVERSAL_STRING, b"\x7f\xff\xff\xff"),
    "a VisibleString": attribute(ORGANIZATION, der.VISIBLE_STRING, b"Kiln"),
    "an empty string": attribute(ORGANIZATION, der.UTF8_STRING, b""),
    "an empty BMPString": attribute(ORGANIZATION, der.BMP_STRING, b""),
    "a line feed": attribute(ORGANIZATION, der.UTF8_STRING, b"Kiln\nworks"),
    "a NUL": attribute(ORGANIZATION, der.UTF8_STRING, b"Kiln\0works"),
    "an escape sequence of terminals": attribute(ORGANIZATION, der.UTF8_STRING, b"\x1b[2JKiln"),
    "a right-to-left override": attribute(ORGANIZATION, der.UTF8_STRING, "Kiln\u202eskrow".encode()),
    "a private-use character": attribute(ORGANIZATION, der.UTF8_STRING, "\U0010fffd".encode()),
    "an attribute of an unknown type": attribute("1.3.6.1.4.1.99999.7", der.UTF8_STRING, b"x"),
    "an attribute type of one long number": attribute("2.999.340282366920938463463374607431768211456", der.UTF8_STRING, b"x"),
    "a BIT STRING": attribute(_UNIQUE_IDENTIFIER, der.BIT_STRING, b"\0\x12\x34"),
    "an OCTET STRING": attribute(_UNIQUE_IDENTIFIER, der.OCTET_STRING, b"\x12\x34"),
    "an INTEGER": attribute(SERIAL_NUMBER, der.INTEGER, b"\x12\x34"),
    "a SEQUENCE": attribute(_TITLE, der.SEQUENCE, der.encode(der.UTF8_STRING, b"x")),
    "a country of three letters": attribute(COUNTRY, der.PRINTABLE_STRING, b"DEU"),
    "an empty country": attribute(COUNTRY, der.PRINTABLE_STRING, b""),
    "a country in UTF8String": attribute(COUNTRY, der.UTF8_STRING, b"DE"),
    "a domain component": attribute(_COMPONENT, der.IA5_STRING, b"example"),
    "a domain component in UTF-8": attribute(_COMPONENT, der.UTF8_STRING, "öfen".encode()),
    "a name of 70,000 characters": attribute(ORGANIZATION, der.UTF8_STRING, b"K" * 70_000),
    "white space around a name": attribute(_LOCALITY, der.UTF8_STRING, b"  K  L  "),
    "a second common name": attribute(COMMON_NAME, der.UTF8_STRING, b"another"),
}
# What becomes of the text of the common name.
ODD_COMMON_NAMES = {
    "ends in a line feed": b"%s\n",
    "ends in NUL": b"%s\0",
    "ends in white space": b"%s ",
    "begins with white space": b" %s",
    "has NUL and more": b"%s\0.example.com",
    "has bad UTF-8": b"%s\xff",
    "has a zero-width space": b"%s\xe2\x80\x8b",
    "has a combining mark": b"%s\xcc\x88",
    "has a line separator": b"%s\xe2\x80\xa8",
    "is empty": b"",
    "is another": b"another",
}


def with_attribute(added: bytes, shape: N) -> N:
    """With one more attribute before the others."""
    return shape.named(der.encode(der.SEQUENCE, der.encode(der.SET, added), *der.children(shape.subject)))


def with_common_name(form: bytes, shape: N) -> N:
    """With the common name in this form, as a UTF8String; `%s` in it stands for the text that it had."""
    return shape.named(_changed(shape.subject, lambda tag, octets: (der.UTF8_STRING, form.replace(b"%s", _text(tag, octets).encode()))))


def with_string_type(tag: int, shape: N) -> N:
    """With the common name in this string type."""
    return shape.named(retyped(shape.subject, tag))


def retyped(name: bytes, tag: int) -> bytes:
    """The same name with its common name in this string type: equal to it by RFC 5280, 7.1, where the type has the characters."""
    return _changed(name, lambda old, octets: (tag, _text(old, octets).encode(der.STRING_TYPES[tag][1], "replace")))


def _changed(name: bytes, change: Callable[[int, bytes], tuple[int, bytes]]) -> bytes:
    """The name with another type and other octets in each common name that is a string."""
    for place in list(der.places(name)):
        kind = (*place[:2], 0)
        if len(place) == 3 and place[2] == 1 and der.at(name, kind) == der.oid(COMMON_NAME):
            value = der.at(name, place)
            if value[0] in der.STRING_TYPES:
                name = der.replaced(name, place, der.encode(*change(value[0], der.content(value))))
    return name


def _text(tag: int, octets: bytes) -> str:
    return octets.decode(der.STRING_TYPES[tag][1], "replace")
