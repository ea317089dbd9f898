"""Reads certificates, whatever people put into them. This is the one place where that can fail.

`cryptography` refuses many certificates that OpenSSL and Azure take (`_` in a PrintableString, a date with a fraction, version 2), and
raises for others only when a part is asked for. Here the structure must be a certificate's (RFC 5280, 4.1); what strings, dates and
numbers hold is for those to judge who use them.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from OpenSSL import crypto

from local_azure_iot.judge import der
from local_azure_iot.judge.der import MalformedError
from local_azure_iot.judge.names import Name

_BASIC_CONSTRAINTS, _KEY_USAGE, _EXTENDED_KEY_USAGE = "2.5.29.19", "2.5.29.15", "2.5.29.37"
_SUBJECT_KEY_IDENTIFIER, _AUTHORITY_KEY_IDENTIFIER, _KEY_IDENTIFIER = "2.5.29.14", "2.5.29.35", 0x80
_CLIENT_AUTH, _ANY_USAGE = "1.3.6.1.5.5.7.3.2", "2.5.29.37.0"
_DIGITAL_SIGNATURE, _KEY_CERT_SIGN = 0x80, 0x04  # bits of the first octet of a key usage
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_VERSION, _ISSUER_ID, _SUBJECT_ID, _EXTENSIONS = 0xA0, 0x81, 0x82, 0xA3
_TIMES = {
    _UTC_TIME: re.compile(rb"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(?:[.,]\d+)?(Z|[+-]\d{4})"),
    _GENERALIZED_TIME: re.compile(rb"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)?(\d\d)?(?:[.,]\d+)?(Z|[+-]\d{4})"),
}
_CENTURY_BEGINS = 50  # RFC 5280, 4.1.2.5.1: the years of UTCTime are 1950 to 2049
_PARTS = 6  # of a TBSCertificate, from the serial number to the key


class UnreadableError(ValueError):
    """It is not a certificate; the message says what was found."""


@dataclass(frozen=True)
class Algorithm:
    """An AlgorithmIdentifier."""

    encoded: bytes  # DER
    name: str  # a dotted number
    parameters: der.Element | None

    @classmethod
    def of(cls, element: der.Element, what: str) -> Algorithm:
        """Read it.

        Raises:
            MalformedError: it is not a sequence that begins with an OBJECT IDENTIFIER.
        """
        parts = der.inside(element, der.SEQUENCE, what)
        if not parts:
            raise MalformedError(f"{what} is empty")
        return cls(element.whole, der.object_identifier(parts[0], what), parts[1] if len(parts) > 1 else None)


@dataclass(frozen=True)
class Certificate:
    """A certificate; dates that can't be read are None."""

    encoded: bytes  # DER
    signed: bytes  # the TBSCertificate in DER
    signature: bytes
    signature_algorithm: Algorithm
    issuer: Name
    subject: Name
    validity: bytes  # DER
    not_before: datetime | None
    not_after: datetime | None
    key: bytes  # the SubjectPublicKeyInfo in DER
    key_algorithm: Algorithm
    extensions: tuple[tuple[str, bytes], ...]  # type and value of each, as they are listed

    @property
    def thumbprints(self) -> tuple[str, str]:
        """SHA-1 and SHA-256 over the DER, upper-case hex."""
        sha1, sha256 = (hashlib.new(each, self.encoded, usedforsecurity=False) for each in ("sha1", "sha256"))
        return sha1.hexdigest().upper(), sha256.hexdigest().upper()

    @property
    def serial_number(self) -> str:
        """The octets of its serial number, upper-case hex."""
        return self._first_members()[1].content.hex().upper()

    @property
    def version(self) -> int:
        """1 to 3, one more than is encoded (RFC 5280, 4.1.2.1); 0 where that can't be read."""
        versioned, _ = self._first_members()
        if versioned is None:
            return 1
        try:
            return int.from_bytes(der.contents(der.first(versioned.content), der.INTEGER, "the version")[-1:], "big") + 1
        except MalformedError:
            return 0

    def _first_members(self) -> tuple[der.Element | None, der.Element]:
        """The version, if it is there, and the serial number."""
        first, second, *_ = der.inside(der.first(self.signed), der.SEQUENCE, "what is signed")
        return (first, second) if first.tag == _VERSION else (None, first)

    @property
    def is_ca(self) -> bool:
        """Whether its basic constraints can be read and say so (RFC 5280, 4.2.1.9)."""
        try:
            found = self._extension(_BASIC_CONSTRAINTS, "basic constraints")
            parts = der.inside(found, der.SEQUENCE, "basic constraints") if found else []
        except MalformedError:
            return False
        return bool(parts) and parts[0].tag == der.BOOLEAN and parts[0].content not in {b"", b"\0"}

    @property
    def doubled_extensions(self) -> list[str]:
        """The types of the extensions that it has more than once, which RFC 5280, 4.2 forbids."""
        kinds = [kind for kind, _ in self.extensions]
        return [kind for kind in dict.fromkeys(kinds) if kinds.count(kind) > 1]

    def may_sign(self) -> bool:
        """Whether its key usage has digitalSignature, or is not there (RFC 5280, 4.2.1.3).

        Raises:
            MalformedError: the extension can't be read, or is there twice.
        """
        return self._has_usage(_DIGITAL_SIGNATURE)

    def may_sign_certificates(self) -> bool:
        """Whether its key usage has keyCertSign, or is not there (RFC 5280, 4.2.1.3).

        Raises:
            MalformedError: the extension can't be read, or is there twice.
        """
        return self._has_usage(_KEY_CERT_SIGN)

    def _has_usage(self, bit: int) -> bool:
        found = self._extension(_KEY_USAGE, "key usage")
        if found is None:
            return True
        bits = der.contents(found, der.BIT_STRING, "its key usage")
        return len(bits) > 1 and bool(bits[1] & bit)

    def subject_key_identifier(self) -> bytes | None:
        """Its name for its own key (RFC 5280, 4.2.1.2); None without the extension.

        Raises:
            MalformedError: the extension can't be read, or is there twice.
        """
        found = self._extension(_SUBJECT_KEY_IDENTIFIER, "subject key identifier")
        return der.contents(found, der.OCTET_STRING, "its subject key identifier") if found else None

    def authority_key_identifier(self) -> bytes | None:
        """Its name for its issuer's key (RFC 5280, 4.2.1.1); None without the extension, or without a name in it.

        Raises:
            MalformedError: the extension can't be read, or is there twice.
        """
        found = self._extension(_AUTHORITY_KEY_IDENTIFIER, "authority key identifier")
        parts = der.inside(found, der.SEQUENCE, "its authority key identifier") if found else []
        return next((part.content for part in parts if part.tag == _KEY_IDENTIFIER), None)

    def is_for_clients(self) -> bool:
        """Whether its extended key usage has clientAuth or any usage, or is not there (RFC 5280, 4.2.1.12).

        Raises:
            MalformedError: the extension can't be read, or is there twice.
        """
        found = self._extension(_EXTENDED_KEY_USAGE, "extended key usage")
        if found is None:
            return True
        usages = {
            der.object_identifier(each, "an extended key usage") for each in der.inside(found, der.SEQUENCE, "its extended key usage")
        }
        return bool(usages & {_CLIENT_AUTH, _ANY_USAGE})

    def _extension(self, kind: str, what: str) -> der.Element | None:
        values = [value for found, value in self.extensions if found == kind]
        if len(values) > 1:
            raise MalformedError(f"it has the extension {what} {len(values)} times (RFC 5280, 4.2)")
        return der.first(values[0]) if values else None


@lru_cache(maxsize=128)
def read(encoded: bytes) -> Certificate:
    """Read a certificate in DER; octets after it are left out.

    Raises:
        UnreadableError: it is not a certificate.
    """
    try:
        return _read(der.first(encoded))
    except MalformedError as error:
        raise UnreadableError(str(error)) from error


def read_sent(certificate: crypto.X509) -> Certificate:
    """Read a certificate that OpenSSL has read, such as one of a device's chain.

    Raises:
        UnreadableError: OpenSSL reads more than we do.
    """
    try:
        encoded = crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
    except crypto.Error as error:
        raise UnreadableError("OpenSSL gives no certificate") from error
    return read(encoded)


def names_sent(certificate: crypto.X509) -> tuple[str, str]:
    """Subject and issuer of a certificate that OpenSSL has read, each on one line of bounded length."""
    try:
        found = read_sent(certificate)
    except UnreadableError as error:
        return (f"can't be read: {error}",) * 2
    return str(found.subject), str(found.issuer)


def openssl_words(error: crypto.Error) -> str:
    """What OpenSSL says is wrong: the last parts of its errors."""
    errors = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return "; ".join(dict.fromkeys(str(each[-1]) for each in errors)) or "it gives no reason"


def _read(whole: der.Element) -> Certificate:
    parts = der.inside(whole, der.SEQUENCE, "the certificate")
    if len(parts) != 3:  # noqa: PLR2004 - what is signed, the algorithm, the signature
        raise MalformedError(f"the certificate has {len(parts)} parts instead of three")
    signed, algorithm, signature = parts
    members = der.inside(signed, der.SEQUENCE, "what is signed")
    if members and members[0].tag == _VERSION:
        members = members[1:]
    if len(members) < _PARTS:
        raise MalformedError("it has fewer parts than a certificate (RFC 5280, 4.1)")
    serial, _, issuer, validity, subject, key, *optional = members
    der.contents(serial, der.INTEGER, "the serial number")
    dates = der.inside(validity, der.SEQUENCE, "the validity")
    if len(dates) != 2:  # noqa: PLR2004 - two dates
        raise MalformedError(f"the validity has {len(dates)} dates instead of two")
    key_parts = der.inside(key, der.SEQUENCE, "the public key")
    if not key_parts:
        raise MalformedError("the public key is empty")
    return Certificate(
        encoded=whole.whole,
        signed=signed.whole,
        signature=der.contents(signature, der.BIT_STRING, "the signature")[1:],
        signature_algorithm=Algorithm.of(algorithm, "the signature's algorithm"),
        issuer=Name.of(issuer, "issuer"),
        subject=Name.of(subject, "subject"),
        validity=validity.whole,
        not_before=moment(dates[0]),
        not_after=moment(dates[1]),
        key=key.whole,
        key_algorithm=Algorithm.of(key_parts[0], "the key's algorithm"),
        extensions=_extensions(optional),
    )


def _extensions(optional: list[der.Element]) -> tuple[tuple[str, bytes], ...]:
    """The type and the value of each extension, as they are listed."""
    found = []
    for part in optional:
        if part.tag == _EXTENSIONS:
            for extension in der.inside(der.first(part.content), der.SEQUENCE, "the extensions"):
                members = der.inside(extension, der.SEQUENCE, "an extension")
                if len(members) < 2:  # noqa: PLR2004 - type and value
                    raise MalformedError("an extension has no value")
                value = der.contents(members[-1], der.OCTET_STRING, "the value of an extension")
                found.append((der.object_identifier(members[0], "the type of an extension"), value))
        elif part.tag not in {_ISSUER_ID, _SUBJECT_ID}:
            raise MalformedError(f"it has a part of type 0x{part.tag:02X}, which no certificate has")
    return tuple(found)


def moment(date: der.Element) -> datetime | None:
    """A date in one of the two types; seconds may be missing, and a fraction of a second is left out. None if it is no date."""
    pattern = _TIMES.get(date.tag)
    found = pattern.fullmatch(date.content) if pattern else None
    if found is None:
        return None
    *fields, zone = found.groups()
    year, month, day, hour, minute, second = (int(each or 0) for each in fields)
    if date.tag == _UTC_TIME:
        year += 1900 if year >= _CENTURY_BEGINS else 2000
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        away = timedelta() if zone == b"Z" else timedelta(hours=int(zone[:3]), minutes=int(zone[:1] + zone[3:]))
        return local - away
    except (ValueError, OverflowError):
        return None
