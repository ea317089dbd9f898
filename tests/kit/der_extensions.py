"""Odd extensions, as real certificates have them, and lists of extensions that RFC 5280 forbids."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from tests.kit import der
from tests.kit.certificate_shapes import (
    AUTHORITY_KEY_IDENTIFIER,
    BASIC_CONSTRAINTS,
    CERTIFICATE_POLICIES,
    COMMON_NAME,
    EXTENDED_KEY_USAGE,
    INHIBIT_ANY_POLICY,
    KEY_USAGE,
    NAME_CONSTRAINTS,
    POLICY_CONSTRAINTS,
    SUBJECT_ALTERNATIVE_NAME,
    SUBJECT_KEY_IDENTIFIER,
    CertificateShape,
    attribute,
    extension,
    is_of_kind,
    name,
)

UNKNOWN = "1.3.6.1.4.1.99999.5"
_EMPTY = der.encode(der.SEQUENCE)
_POLICY = der.encode(der.SEQUENCE, der.oid("1.3.6.1.4.1.99999.2"))
_CRL, _ACCESS, _NETSCAPE, _TEMPLATE = "2.5.29.31", "1.3.6.1.5.5.7.1.1", "2.16.840.1.113730.1.13", "1.3.6.1.4.1.311.20.2"


def general_names(*names: bytes) -> bytes:
    """A SubjectAltName with these GeneralNames."""
    return der.encode(der.SEQUENCE, *names)


def dns(octets: bytes) -> bytes:
    """A dNSName."""
    return der.encode(0x82, octets)


DIRECTORY_NAME = der.encode(0xA4, name(attribute(COMMON_NAME, der.TELETEX_STRING, b"K\xf6ln")))
EDI_PARTY_NAME = der.encode(0xA5, der.encode(0xA1, der.encode(der.UTF8_STRING, b"kiln")))
X400_ADDRESS = der.encode(0xA3, _EMPTY, _EMPTY)

# What is odd, the extension, its value in DER, and whether it is critical.
VALUES: tuple[tuple[str, str, bytes, bool], ...] = (
    ("an unknown extension", UNKNOWN, der.encode(der.NULL), False),
    ("an unknown critical extension", UNKNOWN, der.encode(der.NULL), True),
    ("an unknown extension of 100,000 octets", UNKNOWN, der.encode(der.OCTET_STRING, b"x" * 100_000), False),
    ("basic constraints without a value", BASIC_CONSTRAINTS, b"", True),
    ("basic constraints that can't be read", BASIC_CONSTRAINTS, b"\x30\x05\x01", True),
    ("basic constraints not critical", BASIC_CONSTRAINTS, der.encode(der.SEQUENCE, der.encode(der.BOOLEAN, b"\xff")), False),
    ("basic constraints for no CA", BASIC_CONSTRAINTS, _EMPTY, True),
    ("basic constraints with cA FALSE, encoded", BASIC_CONSTRAINTS, der.encode(der.SEQUENCE, der.encode(der.BOOLEAN, b"\0")), True),
    ("basic constraints with cA as 1", BASIC_CONSTRAINTS, der.encode(der.SEQUENCE, der.encode(der.BOOLEAN, b"\1")), True),
    (
        "a negative path length",
        BASIC_CONSTRAINTS,
        der.encode(der.SEQUENCE, der.encode(der.BOOLEAN, b"\xff"), der.integer(-1)),
        True,
    ),
    ("a path length of a device", BASIC_CONSTRAINTS, der.encode(der.SEQUENCE, der.integer(0)), True),
    (
        "a path length of 10 octets",
        BASIC_CONSTRAINTS,
        der.encode(der.SEQUENCE, der.encode(der.BOOLEAN, b"\xff"), der.integer(2**79 - 1)),
        True,
    ),
    ("a key usage without bits", KEY_USAGE, der.encode(der.BIT_STRING, b"\0"), True),
    ("a key usage of no octets", KEY_USAGE, der.encode(der.BIT_STRING, b""), True),
    ("a key usage with bits after its end", KEY_USAGE, der.encode(der.BIT_STRING, b"\7\xff\xff\xff"), True),
    ("a key usage that is no BIT STRING", KEY_USAGE, der.integer(5), True),
    ("a key usage for every use", KEY_USAGE, der.encode(der.BIT_STRING, b"\7\xff\x80"), False),
    ("an extended key usage without usages", EXTENDED_KEY_USAGE, _EMPTY, False),
    ("an extended key usage that can't be read", EXTENDED_KEY_USAGE, der.encode(der.SEQUENCE, der.integer(1)), False),
    ("an unknown extended key usage", EXTENDED_KEY_USAGE, der.encode(der.SEQUENCE, der.oid(UNKNOWN)), True),
    ("no alternative names in the list", SUBJECT_ALTERNATIVE_NAME, _EMPTY, False),
    ("an alternative name in Latin-1", SUBJECT_ALTERNATIVE_NAME, general_names(dns(b"k\xf6ln.example")), False),
    ("an alternative name with a NUL", SUBJECT_ALTERNATIVE_NAME, general_names(dns(b"a\0.example")), False),
    ("an empty alternative name", SUBJECT_ALTERNATIVE_NAME, general_names(dns(b"")), False),
    ("an IP address of 5 octets", SUBJECT_ALTERNATIVE_NAME, general_names(der.encode(0x87, b"\1\2\3\4\5")), False),
    ("an address that is no e-mail address", SUBJECT_ALTERNATIVE_NAME, general_names(der.encode(0x81, b"@@")), False),
    ("a URI that is none", SUBJECT_ALTERNATIVE_NAME, general_names(der.encode(0x86, b"://\xff")), False),
    ("an ediPartyName", SUBJECT_ALTERNATIVE_NAME, general_names(EDI_PARTY_NAME), False),
    ("an x400Address", SUBJECT_ALTERNATIVE_NAME, general_names(X400_ADDRESS), False),
    ("a directoryName in Latin-1", SUBJECT_ALTERNATIVE_NAME, general_names(DIRECTORY_NAME), False),
    ("an otherName", SUBJECT_ALTERNATIVE_NAME, general_names(der.encode(0xA0, der.oid(UNKNOWN), der.encode(0xA0, _EMPTY))), False),
    ("an unknown kind of alternative name", SUBJECT_ALTERNATIVE_NAME, general_names(der.encode(0x8F, b"x")), False),
    ("a subject key identifier without octets", SUBJECT_KEY_IDENTIFIER, der.encode(der.OCTET_STRING), False),
    ("a subject key identifier that is no string", SUBJECT_KEY_IDENTIFIER, der.integer(1), False),
    ("a critical subject key identifier", SUBJECT_KEY_IDENTIFIER, der.encode(der.OCTET_STRING, b"\1\2\3"), True),
    ("an authority key identifier of another key", AUTHORITY_KEY_IDENTIFIER, der.encode(der.SEQUENCE, der.encode(0x80, b"\1\2")), False),
    ("an authority key identifier without parts", AUTHORITY_KEY_IDENTIFIER, _EMPTY, False),
    ("an authority key identifier that can't be read", AUTHORITY_KEY_IDENTIFIER, der.encode(der.NULL), False),
    ("name constraints without subtrees", NAME_CONSTRAINTS, _EMPTY, True),
    ("name constraints that can't be read", NAME_CONSTRAINTS, der.encode(der.SEQUENCE, der.encode(0xA0, b"\x30\x80")), True),
    (
        "name constraints for an ediPartyName",
        NAME_CONSTRAINTS,
        der.encode(der.SEQUENCE, der.encode(0xA1, der.encode(der.SEQUENCE, EDI_PARTY_NAME))),
        True,
    ),
    ("certificate policies, none listed", CERTIFICATE_POLICIES, _EMPTY, False),
    ("the same certificate policy twice", CERTIFICATE_POLICIES, der.encode(der.SEQUENCE, _POLICY, _POLICY), False),
    ("certificate policies that can't be read", CERTIFICATE_POLICIES, der.encode(der.SEQUENCE, der.integer(1)), True),
    ("a critical certificate policy", CERTIFICATE_POLICIES, der.encode(der.SEQUENCE, _POLICY), True),
    ("policy constraints that require a policy", POLICY_CONSTRAINTS, der.encode(der.SEQUENCE, der.encode(0x80, b"\0")), True),
    ("policy constraints not critical", POLICY_CONSTRAINTS, der.encode(der.SEQUENCE, der.encode(0x80, b"\0")), False),
    ("policy constraints without parts", POLICY_CONSTRAINTS, _EMPTY, True),
    ("inhibitAnyPolicy", INHIBIT_ANY_POLICY, der.integer(0), True),
    ("a negative inhibitAnyPolicy", INHIBIT_ANY_POLICY, der.integer(-1), True),
    ("CRL distribution points that can't be read", _CRL, der.encode(der.SEQUENCE, der.integer(1)), False),
    ("an access description that can't be read", _ACCESS, der.encode(der.SEQUENCE, der.integer(1)), False),
    ("a Netscape comment", _NETSCAPE, der.encode(der.IA5_STRING, b"K\xf6ln"), False),
    ("a Microsoft certificate template", _TEMPLATE, der.encode(der.BMP_STRING, "Öfen".encode("utf-16-be")), False),
)


def _with_value(shape: CertificateShape, oid: str, value: bytes, critical: bool) -> CertificateShape:
    return shape.with_extension(oid, value, critical=critical)


def _listed(shape: CertificateShape) -> tuple[bytes, ...]:
    return shape.extensions or ()


def _without(oid: str, shape: CertificateShape) -> CertificateShape:
    return replace(shape, extensions=tuple(each for each in _listed(shape) if not is_of_kind(each, oid)))


def _doubled(oid: str, shape: CertificateShape) -> CertificateShape:
    again = tuple(each for each in _listed(shape) if is_of_kind(each, oid))
    return replace(shape, extensions=(*_listed(shape), *again))


def _added(shape: CertificateShape, added: bytes) -> CertificateShape:
    return replace(shape, extensions=(*_listed(shape), added))


def _no_list(shape: CertificateShape) -> CertificateShape:
    return replace(shape, extensions=None)


def _empty_list(shape: CertificateShape) -> CertificateShape:
    return replace(shape, extensions=())


def _reversed(shape: CertificateShape) -> CertificateShape:
    return replace(shape, extensions=tuple(reversed(_listed(shape))))


def _changes() -> Iterator[tuple[str, Any]]:
    for label, oid, value, critical in VALUES:
        yield label, partial(_with_value, oid=oid, value=value, critical=critical)
    for label, oid in (
        ("basic constraints", BASIC_CONSTRAINTS),
        ("key usage", KEY_USAGE),
        ("subject key identifier", SUBJECT_KEY_IDENTIFIER),
        ("authority key identifier", AUTHORITY_KEY_IDENTIFIER),
        ("extended key usage", EXTENDED_KEY_USAGE),
    ):
        yield f"no {label}", partial(_without, oid)
        yield f"{label} twice", partial(_doubled, oid)
    twice = extension(UNKNOWN, der.encode(der.NULL))
    untrue = der.encode(der.SEQUENCE, der.oid(UNKNOWN), der.encode(der.BOOLEAN, b"\0"), der.encode(der.OCTET_STRING))
    yield "an unknown extension twice", lambda shape: _added(_added(shape, twice), twice)
    yield "critical FALSE, encoded", partial(_added, added=untrue)
    yield "an extension without a value", partial(_added, added=der.encode(der.SEQUENCE, der.oid(UNKNOWN)))
    yield "an extension that is none", partial(_added, added=der.encode(der.NULL))
    yield "no extensions", _no_list
    yield "an empty list of extensions", _empty_list
    yield "extensions in another order", _reversed


EXTENSION_CHANGES = tuple(_changes())
