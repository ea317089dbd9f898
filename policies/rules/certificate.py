"""One certificate, whatever people put into it: everything is read when it is loaded, so that no rule meets a part that can't be read.

`cryptography` refuses certificates that hubs, OpenSSL and hubtrust take (`_` in a PrintableString, a date with a fraction), and raises
for others only when a part is asked for. Here the structure must be a certificate's (RFC 5280, 4.1), with two dates.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from . import der
from .key_kinds import kind_of_key
from .names import Name

_VERSION, _EXTENSIONS = 0xA0, 0xA3
_PARTS = 6  # of a TBSCertificate, from the serial number to the key
BASIC_CONSTRAINTS, KEY_USAGE, SUBJECT_KEY_IDENTIFIER, AUTHORITY_KEY_IDENTIFIER = "2.5.29.19", "2.5.29.15", "2.5.29.14", "2.5.29.35"
_TIMES = {
    0x17: re.compile(rb"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(?:[.,]\d+)?(Z|[+-]\d{4})"),
    0x18: re.compile(rb"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)?(\d\d)?(?:[.,]\d+)?(Z|[+-]\d{4})"),
}
_UTC_TIME = 0x17
_NINETEEN = 50  # the first year of UTCTime in the 20th century (RFC 5280, 4.1.2.5.1)
HASH_NAMES = {  # of signature algorithms: PKCS #1 v1.5, ECDSA, DSA
    "1.2.840.113549.1.1.4": "md5", "1.2.840.113549.1.1.5": "sha1", "1.2.840.113549.1.1.14": "sha224", "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384", "1.2.840.113549.1.1.13": "sha512", "1.2.840.10045.4.1": "sha1", "1.2.840.10045.4.3.1": "sha224",
    "1.2.840.10045.4.3.2": "sha256", "1.2.840.10045.4.3.3": "sha384", "1.2.840.10045.4.3.4": "sha512", "1.2.840.10040.4.3": "sha1",
    "2.16.840.1.101.3.4.3.2": "sha256",
    # and by themselves, in the parameters of RSASSA-PSS
    "1.3.14.3.2.26": "sha1", "2.16.840.1.101.3.4.2.1": "sha256", "2.16.840.1.101.3.4.2.2": "sha384", "2.16.840.1.101.3.4.2.3": "sha512",
}  # fmt: skip
RSASSA_PSS, _PSS_HASH = "1.2.840.113549.1.1.10", 0xA0  # RFC 4055, 3.1


class UnreadableError(ValueError):
    """It holds no certificate that can be read; the message says what was found, to be put after "because"."""


class Extension(NamedTuple):
    """One extension: its type, whether it is critical, and its value in DER."""

    kind: str
    critical: bool
    value: bytes


class Certificate:
    """What rules ask about a certificate."""

    def __init__(self, encoding: bytes) -> None:
        """Read a certificate in DER.

        Raises:
            UnreadableError: it is none, or its validity can't be read.
        """
        try:
            self._read(encoding)
        except ValueError as error:
            raise UnreadableError(f"it contains no readable certificate ({error})") from None

    def _read(self, encoding: bytes) -> None:
        whole = der.first(encoding)
        signed, algorithm, _ = der.inside(whole, der.SEQUENCE)
        parts = der.inside(signed, der.SEQUENCE)
        self.version = 1
        if parts and parts[0].tag == _VERSION:
            self.version = int.from_bytes(der.first(parts.pop(0).content).content, "big", signed=True) + 1
        if len(parts) < _PARTS:
            raise ValueError("it has fewer parts than a certificate")
        serial, _, issuer, validity, subject, key, *optional = parts
        begins, ends = der.inside(validity, der.SEQUENCE)
        self.encoding = whole.whole
        self.serial = int.from_bytes(serial.content, "big", signed=True)
        self.subject, self.issuer = Name(subject), Name(issuer)
        self.not_before, self.not_after = _moment(begins), _moment(ends)
        self.key = key.whole
        self.kind_of_key = kind_of_key(key.whole)
        self.signature_hash = _hash(algorithm)
        self.extensions = _extensions(optional)

    @property
    def is_self_issued(self) -> bool:
        """Whether subject and issuer are the same name, as in a root certificate."""
        return self.subject.canonical == self.issuer.canonical

    @property
    def lifetime_days(self) -> float:
        """The days from notBefore to notAfter."""
        return (self.not_after - self.not_before).total_seconds() / 86400

    @property
    def is_ca(self) -> bool:
        """Whether its basic constraints mark it as a CA (RFC 5280 4.2.1.9)."""
        parts = self._constraints()
        return bool(parts) and parts[0].tag == der.BOOLEAN and any(parts[0].content)

    @property
    def path_length(self) -> int | None:
        """The path length: how many CAs may be below it; None if it sets no limit."""
        return next((int.from_bytes(part.content, "big") for part in self._constraints() if part.tag == der.INTEGER), None)

    def extension(self, kind: str) -> Extension | None:
        """The extension of this type, or None."""
        return next((each for each in self.extensions if each.kind == kind), None)

    @property
    def has_doubled_extensions(self) -> bool:
        """Whether an extension is there twice."""
        return len({each.kind for each in self.extensions}) < len(self.extensions)

    def thumbprints(self) -> dict[str, str]:
        """SHA-256 of the certificate and of its key (SubjectPublicKeyInfo), in upper-case hex, as in the stack output `trust`."""
        octets = {"certificate": self.encoding, "key": self.key}
        return {what: hashlib.sha256(each).hexdigest().upper() for what, each in octets.items()}

    def __str__(self) -> str:
        """Its name in messages: its quoted subject (RFC 4514)."""
        return f"'{self.subject}'"

    def _constraints(self) -> list[der.Element]:
        """The parts of its basic constraints; none if they can't be read, or are there twice."""
        found = [each for each in self.extensions if each.kind == BASIC_CONSTRAINTS]
        try:
            return der.inside(der.first(found[0].value), der.SEQUENCE) if len(found) == 1 else []
        except ValueError:
            return []


def _extensions(optional: list[der.Element]) -> list[Extension]:
    found = []
    for part in optional:
        for extension in der.inside(der.first(part.content), der.SEQUENCE) if part.tag == _EXTENSIONS else ():
            kind, *flag, value = der.inside(extension, der.SEQUENCE)
            found.append(Extension(der.identifier(kind), bool(flag) and any(flag[0].content), value.content))
    return found


def _moment(date: der.Element) -> datetime:
    """A date in one of the two types; seconds may be missing, and a fraction of a second is left out."""
    pattern = _TIMES.get(date.tag)
    found = pattern.fullmatch(date.content) if pattern else None
    if found is None:
        raise ValueError("a date of its validity can't be read")
    *fields, zone = found.groups()
    year, *rest = (int(each or 0) for each in fields)
    if date.tag == _UTC_TIME:
        year += 1900 if year >= _NINETEEN else 2000
    try:
        away = timedelta() if zone == b"Z" else timedelta(hours=int(zone[:3]), minutes=int(zone[:1] + zone[3:]))
        month, day, hour, minute, second = rest
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC) - away
    except OverflowError:
        raise ValueError("a date of its validity is in no calendar") from None


def _hash(algorithm: der.Element) -> str:
    """The hash of a signature, such as `sha256`; the number of an algorithm without one, or with an unknown one."""
    kind, *parameters = der.inside(algorithm, der.SEQUENCE)
    name = der.identifier(kind)
    if name == RSASSA_PSS:
        try:
            named = next((each for each in der.inside(parameters[0], der.SEQUENCE) if each.tag == _PSS_HASH), None)
            hash_name = der.identifier(der.inside(der.first(named.content), der.SEQUENCE)[0]) if named else "1.3.14.3.2.26"
        except (ValueError, IndexError):
            return name
        return HASH_NAMES.get(hash_name, hash_name)
    return HASH_NAMES.get(name, name)
