"""Copies of certificates and requests that `cryptography` can read: it refuses some that OpenSSL, and so Azure, reads.

A copy has other bytes: it is only for reading. Signatures, thumbprints and everything that is passed on are of the original.
"""

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from cryptography import x509

from hubtrust.pki import der
from hubtrust.pki.errors import DerError

_T = TypeVar("_T")
_UTF8, _NUMERIC, _PRINTABLE, _TELETEX, _VIDEOTEX, _IA5 = 0x0C, 0x12, 0x13, 0x14, 0x15, 0x16
_GRAPHIC, _VISIBLE, _GENERAL, _UNIVERSAL, _BMP = 0x19, 0x1A, 0x1B, 0x1C, 0x1E
_EIGHT_BITS = {_NUMERIC, _PRINTABLE, _TELETEX, _VIDEOTEX, _IA5, _GRAPHIC, _VISIBLE, _GENERAL}
_ENCODINGS = {_UTF8: "utf-8", _UNIVERSAL: "utf-32-be", _BMP: "utf-16-be"}
_NO_TEXTS = {der.OCTET_STRING, der.UTC_TIME, der.GENERALIZED_TIME}
_UNIQUE_IDENTIFIER = bytes.fromhex("55042d")  # X.520's x500UniqueIdentifier: the only attribute that is a bit string
# ECDSA with SHA-2, Ed25519 and Ed448: signature algorithms that have no parameters, also not NULL (RFC 5758 3.2, RFC 8410 3)
_WITHOUT_PARAMETERS = (bytes.fromhex("2a8648ce3d0403"), bytes.fromhex("2b6570"), bytes.fromhex("2b6571"))
_FALSE, _TRUE = b"\x00", b"\xff"
_VERSION = _ATTRIBUTES = 0xA0  # [0]: a certificate's version, a request's attributes
_ONE = der.Element.of(der.INTEGER, b"\x01")
_VERSION_3 = der.Element.of(_VERSION, der.encoded(der.INTEGER, b"\x02"))
_VERSION_1, _NO_ATTRIBUTES = der.Element.of(der.INTEGER, b"\x00"), der.Element.of(_ATTRIBUTES, b"")
# Version 1 in so many words, which DER leaves out; version 2, which is read as 3, as it may have extensions where nobody minds.
_KNOWN_VERSIONS = {_VERSION_1.encoding: list[der.Element](), der.encoded(der.INTEGER, b"\x01"): [_VERSION_3]}
_NOTHING_AT_ALL = b"\x80\x00"  # no attributes, not marked as constructed
_FIELDS_OF_A_REQUEST = (2, 3)  # after the version: subject, key, and mostly attributes
_DEEPEST = 32  # elements inside elements
_TIMES = {der.UTC_TIME: re.compile(rb"\d{12}Z"), der.GENERALIZED_TIME: re.compile(rb"\d{14}Z")}  # RFC 5280 4.1.2.5


def read(encoding: bytes, reader: Callable[[bytes], _T]) -> _T:
    """What ``reader``, of a certificate or a request, makes of ``encoding``, or of its copy.

    Raises:
        DerError: it can read neither; the error says why.
    """
    with quiet():
        try:
            return reader(encoding)
        except (ValueError, TypeError, x509.InvalidVersion):
            copy = readable(encoding)
        try:
            return reader(copy)
        except x509.InvalidVersion as error:
            raise DerError(f"its version is {error.parsed_version + 1}") from None
        except (ValueError, TypeError) as error:
            raise DerError(fact(error)) from None


def require_texts(*names: x509.Name) -> None:
    """Refuse ``names`` with a value that is not text, which `cryptography` reads as one: its copy has # and hex, and is nobody's name.

    Raises:
        ValueError: there is one.
    """
    if any(part._type.value in _NO_TEXTS for name in names for part in name):  # noqa: SLF001 - the only place where it is kept
        raise ValueError("a name in it has a value that is not text")


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings that `cryptography` prints whenever it reads a name longer than RFC 5280 A.1 allows, or PKCS#12 that is BER."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def readable(encoding: bytes) -> bytes:
    """A copy whose lengths and booleans are DER, whose names are UTF8Strings, and whose version and serial are as RFC 5280 wants them.

    OpenSSL reads 8-bit strings in names as Latin-1, and so do most others, whatever X.680 says of them. A value that is no text is
    written as RFC 4514 2.4 shows it: # and its encoding in hex.

    Raises:
        DerError: it is neither a certificate nor a request, it is not even BER with definite lengths, or a date is not RFC 5280's.
    """
    outer = der.only_element(encoding)
    parts = outer.elements() if outer.tag == der.SEQUENCE else []
    if len(parts) != 3 or parts[0].tag != der.SEQUENCE or parts[2].tag != der.BIT_STRING:  # noqa: PLR2004 - content, algorithm, signature
        raise DerError("it has not the structure of a certificate or of a request")
    content = der.encoded(der.SEQUENCE, b"".join(_copy(part, 0) for part in _known_version(parts[0].elements())))
    return der.encoded(der.SEQUENCE, content + _copy(parts[1], 0) + parts[2].encoding)


def _known_version(fields: list[der.Element]) -> list[der.Element]:
    """The fields of the signed content, with a version that `cryptography` knows, and with the attributes of a request, even if none."""
    if not fields:
        return fields
    first, *rest = fields
    if first.tag == der.INTEGER and len(rest) in _FIELDS_OF_A_REQUEST:
        *others, last = [*rest, _NO_ATTRIBUTES] if len(rest) == min(_FIELDS_OF_A_REQUEST) else rest
        last = _NO_ATTRIBUTES if last.encoding == _NOTHING_AT_ALL else last
        return [_VERSION_1, *others, der.Element.of(last.tag, b"".join(sorted(each.encoding for each in last.elements())))]
    if first.tag != _VERSION:
        return _positive_serial(fields)
    known = _KNOWN_VERSIONS.get(first.content, [first])
    return known + _positive_serial(rest)


def _positive_serial(fields: list[der.Element]) -> list[der.Element]:
    """The fields of a certificate after its version, with a serial number that RFC 5280 4.1.2.2 allows."""
    number, *rest = fields or [_VERSION_1]
    return [number if int.from_bytes(_integer(number.content), signed=True) > 0 else _ONE, *rest]


def _copy(element: der.Element, depth: int) -> bytes:
    if depth > _DEEPEST:
        raise DerError(f"its elements are nested more than {_DEEPEST} deep")
    if element.tag == der.BOOLEAN:
        if len(element.content) != 1:
            raise DerError(f"a BOOLEAN in it has {len(element.content)} octets (X.690 8.2.1)")
        return der.encoded(der.BOOLEAN, _TRUE if any(element.content) else _FALSE)
    if element.tag == der.INTEGER:
        return der.encoded(der.INTEGER, _integer(element.content))
    if element.tag in _TIMES and not _TIMES[element.tag].fullmatch(element.content):
        shown = element.content.decode("ascii", "backslashreplace")
        raise DerError(f"it has the date '{shown}', and dates are YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ (RFC 5280 4.1.2.5)")
    if not element.is_constructed:
        return der.encoded(element.tag, element.content)
    parts = element.elements()
    if element.tag == der.SEQUENCE and parts and all(part.tag == der.SET for part in parts):
        return der.encoded(der.SEQUENCE, b"".join(_plain_names(part, depth + 1) for part in parts))
    if element.tag == der.SEQUENCE and [part.tag for part in parts] == [der.OBJECT_IDENTIFIER, der.NULL]:
        parts = parts[: 1 if parts[0].content.startswith(_WITHOUT_PARAMETERS) else 2]
    if element.tag == der.SEQUENCE and _is_extension(parts):
        parts = [part for part in parts if part.tag != der.BOOLEAN or part.content != _FALSE]  # false is the default
        return der.encoded(der.SEQUENCE, b"".join(map(_extension_part, parts)))
    copies = [_copy(part, depth + 1) for part in parts]
    return der.encoded(element.tag, b"".join(sorted(copies) if element.tag == der.SET else copies))


def _plain_names(names: der.Element, depth: int) -> bytes:
    """A relative distinguished name: a set of attributes of a name, each with a type and one value."""
    return der.encoded(
        der.SET, b"".join(sorted(_plain_attribute(part) if _is_attribute(part) else _copy(part, depth) for part in names.elements()))
    )


def _is_extension(parts: list[der.Element]) -> bool:
    """Whether these are the parts of an extension: its object identifier, perhaps whether it is critical, and a value in octets."""
    tags = [part.tag for part in parts]
    return tags in ([der.OBJECT_IDENTIFIER, der.OCTET_STRING], [der.OBJECT_IDENTIFIER, der.BOOLEAN, der.OCTET_STRING])


def _extension_part(part: der.Element) -> bytes:
    if part.tag != der.OCTET_STRING:
        return _copy(part, 0)
    try:
        return der.encoded(der.OCTET_STRING, b"".join(_copy(inner, 1) for inner in part.elements()))
    except DerError:
        return part.encoding  # the value of somebody's own extension, which need not be DER


def _integer(content: bytes) -> bytes:
    """An integer's content. OpenSSL takes none with octets that only repeat its sign (X.690 8.3.2)."""
    number = int.from_bytes(content, signed=True)
    if not content or len(content) > number.bit_length() // 8 + 1:
        raise DerError("a number in it has octets too many, or none (X.690 8.3.2), and OpenSSL reads no such certificate")
    return content


def _is_attribute(element: der.Element) -> bool:
    if element.tag != der.SEQUENCE:
        return False
    tags = [part.tag for part in element.elements()]
    return len(tags) == 2 and tags[0] == der.OBJECT_IDENTIFIER  # noqa: PLR2004 - type, value


def _plain_attribute(element: der.Element) -> bytes:
    kind, value = element.elements()
    if value.tag == der.BIT_STRING and kind.content == _UNIQUE_IDENTIFIER:
        return element.encoding
    if value.tag == _NUMERIC and value.content.isascii():
        return element.encoding  # it is compared with other NumericStrings alone, so it must stay one
    return der.encoded(der.SEQUENCE, kind.encoding + der.encoded(_UTF8, text(value).encode()))


def text(value: der.Element) -> str:
    """The text of an attribute's value in a name; # and hex if it is none."""
    if value.tag not in _EIGHT_BITS and value.tag not in _ENCODINGS:
        return f"#{value.encoding.hex()}"
    try:
        return value.content.decode(_ENCODINGS.get(value.tag, "latin-1"))
    except UnicodeDecodeError:
        return value.content.decode("latin-1")


def fact(error: Exception) -> str:
    """`cryptography`'s error as a fact: what it could not read, and in which field."""
    kind, places = re.search(r"kind: (\w+)", str(error)), re.findall(r'"(?:\w+::)?(\w+)"', str(error))
    if not kind:
        return f"it can't be read ({error})"
    return f"it can't be read ({kind[1]}{' at ' + '.'.join(places) if places else ''})"
