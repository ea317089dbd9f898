"""Recognizes private keys in octets, by how their encoding begins: whether it is whole, and what is in the key, does not matter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.hazmat.primitives.serialization import pkcs12

from . import der

if TYPE_CHECKING:
    from collections.abc import Iterator

OPENSSH: Final = "OpenSSH"
PKCS12: Final = "PKCS #12"
_ENOUGH = 512  # octets: everything that is looked at stands before the key's own numbers, or is one of them
_SHORTEST_SCALAR = 16  # octets of the shortest private number of a curve that is in use
_LONGEST_SCALAR = 72  # P-521 has 66
_SHORTEST_MODULUS = 32  # octets
_SEALED: Final = (  # ways to encrypt a PKCS #8 key: PKCS #5, PKCS #12, and those of Java's and Netscape's stores
    "1.2.840.113549.1.5.",
    "1.2.840.113549.1.12.",
    "1.3.6.1.4.1.42.2.",
)
_DATA: Final = "1.2.840.113549.1.7."  # PKCS #7 content types
_MAGIC: Final = {
    b"openssh-key-v1\0": OPENSSH,
    b"\x1e\xf1\xb5\xb0": "Microsoft PVK",
    b"RSA2": "Windows CNG",
    b"RSA3": "Windows CNG",
    b"ECS2": "Windows CNG",
    b"ECS4": "Windows CNG",
    b"ECS6": "Windows CNG",
}
_BLOB, _BLOB_KINDS, _BLOB_KIND_AT = b"\x07\x02\x00\x00", {b"RSA2", b"DSS2"}, 8  # PRIVATEKEYBLOB of Windows' CryptoAPI
_JAVA_STORES, _JAVA_SEAL = (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"), b"\x06\x0a\x2b\x06\x01\x04\x01\x2a\x02\x11\x01\x01"
_JCE_SEAL = b"\x06\x0b\x2b\x06\x01\x04\x01\x2a\x02\x13\x01"
_PFX_VERSION = 3
# How a key in each form begins, in enough octets that others hardly look like it: with these it is also found after other octets.
_MARK: Final = re.compile(
    rb"\x30(?:[\x00-\x80]|\x81.|\x82..|\x83...)"
    rb"(?:\x02\x01[\x00\x01](?:\x02|\x04[\x10-\x48]|\x30.\x06)|\x02\x01\x03\x30|\x30(?:.|\x81.|\x82..)\x06[\x08-\x0b]\x2a\x86\x48\x86\xf7\x0d\x01)"
    rb"|openssh-key-v1\x00"
    rb"|\x1e\xf1\xb5\xb0\x00{4}[\x00-\x02]\x00{3}[\x00\x01]\x00{3}"
    rb"|RSA[23]..\x00\x00[\x01-\x08]\x00{3}|ECS[246][\x20-\x42]\x00{3}"
    rb"|\x07\x02\x00\x00.{4}(?:RSA2|DSS2)"
    rb"|[\xfe\xce]{1}[\xed\xce][\xfe\xce][\xed\xce]\x00{3}[\x01\x02]",
    re.DOTALL,
)
_MOST_MARKS = 256  # that are looked at in one value; a bundle of certificates has none


def form_of(data: bytes) -> str | None:
    """The form of the private key that begins where `data` does, such as `PKCS #8`; None if none does.

    A PKCS #12 file that can't be opened without a password counts as one: only who has the password can say what is in it. It must be
    whole; of other forms the beginning says enough.
    Source: RFC 5958 (PKCS #8), RFC 8017 A.1.2 (PKCS #1), RFC 5915 (SEC 1), RFC 7292 (PKCS #12), PROTOCOL.key of OpenSSH.
    """
    for magic, program in _MAGIC.items():
        if data.startswith(magic):
            return program
    if data.startswith(_BLOB) and data[_BLOB_KIND_AT : _BLOB_KIND_AT + 4] in _BLOB_KINDS:
        return "Windows PRIVATEKEYBLOB"
    if data.startswith(_JAVA_STORES) and (_JAVA_SEAL in data or _JCE_SEAL in data):
        return "Java key store"
    if not data.startswith(b"\x30"):
        return None
    parts = _beginnings(data[:_ENOUGH])
    form = _form(parts) if parts else None
    if form == PKCS12:
        start, length = _header(data)
        return None if start + length > len(data) or _holds_no_key(data[: start + length] if length >= 0 else data) else form
    return form


def keys_in(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Each private key in ``data``, also after other octets: its form, and the octets from its beginning on."""
    at = 0
    if form := form_of(data):
        yield form, data
        at = _end(data, 0)
    for _ in range(_MOST_MARKS):
        if (mark := _MARK.search(data, at)) is None:
            return
        value = data[mark.start() :]
        if form := form_of(value):
            yield form, value
            at = _end(data, mark.start())  # what is inside the key is not another one
        else:
            at = mark.start() + 1


def _end(data: bytes, at: int) -> int:
    begin, length = _header(data, at) if data[at] == der.SEQUENCE else (-1, 0)
    if begin < 0:
        return at + 1
    return begin + length if length >= 0 else len(data)


class _Part(NamedTuple):
    """A value whose end may be missing."""

    tag: int
    content: bytes
    length: int  # of the whole content


def _beginnings(data: bytes) -> list[_Part]:
    """The values inside the outermost one, as far as `data` reaches; lengths may be indefinite (BER)."""
    start, _ = _header(data)
    found: list[_Part] = []
    at = start
    while 0 < at < len(data):
        begin, length = _header(data, at)
        if begin < 0:
            break
        found.append(_Part(data[at], data[begin : begin + length] if length >= 0 else data[begin:], length if length >= 0 else len(data)))
        at = begin + length if length >= 0 else -1
    return found


def _header(data: bytes, at: int = 0) -> tuple[int, int]:
    """Where the contents begin, and how long they are: -1 if that is not said (BER). A beginning of -1: there is no value."""
    if at + 1 >= len(data):
        return -1, 0
    length = data[at + 1]
    if length < 0x80:  # noqa: PLR2004 - X.690, 8.1.3: the short form
        return at + 2, length
    size = length & 0x7F
    begin = at + 2 + size
    return (begin, int.from_bytes(data[at + 2 : begin], "big") if size else -1) if begin <= len(data) and size <= 4 else (-1, 0)  # noqa: PLR2004 - no key is longer than four octets of length can say


def _form(parts: list[_Part]) -> str | None:
    first, second, third = (*parts, *[_Part(0, b"", 0)] * 3)[:3]
    if first.tag == der.SEQUENCE:
        sealed = second.tag == der.OCTET_STRING and _identifier(first).startswith(_SEALED)
        return "encrypted PKCS #8" if sealed else None
    version = first.content[0] if first.tag == der.INTEGER and first.length == 1 and first.content else -1
    forms = {
        "PKCS #8": version in {0, 1} and (second.tag, third.tag) == (der.SEQUENCE, der.OCTET_STRING) and bool(_identifier(second)),
        PKCS12: version == _PFX_VERSION and second.tag == der.SEQUENCE and _identifier(second).startswith(_DATA),
        "SEC 1": version == 1 and second.tag == der.OCTET_STRING and _SHORTEST_SCALAR <= second.length <= _LONGEST_SCALAR,
        "PKCS #1": version in {0, 1} and (second.tag, third.tag) == (der.INTEGER, der.INTEGER) and second.length >= _SHORTEST_MODULUS,
    }
    return next((form for form, is_it in forms.items() if is_it), None)


def _identifier(part: _Part) -> str:
    """The OBJECT IDENTIFIER with which a value begins; empty if it begins with something else."""
    try:
        return der.identifier(der.first(part.content))
    except ValueError:
        return ""


def _holds_no_key(data: bytes) -> bool:
    """Whether a PKCS #12 file is open to everyone and holds certificates alone."""
    for password in (None, b""):
        try:
            return pkcs12.load_pkcs12(data, password).key is None
        except (ValueError, TypeError):
            continue
    return False
