"""Which names are the same: an issuer that is named otherwise than it names itself is found exactly where OpenSSL finds it."""

from dataclasses import replace

import pytest

from hubtrust.pki.certificate import Certificate
from hubtrust.pki.names import is_within, same_name
from tests.kit import der
from tests.kit.authorities import Forged, ec_key
from tests.kit.certificate_shapes import ORGANIZATION, CertificateShape, attribute, name
from tests.kit.judged_kinds import judged_names
from tests.kit.judges import OPENSSL

UTF8, PRINTABLE, TELETEX, BMP, NUMERIC = der.UTF8_STRING, der.PRINTABLE_STRING, der.TELETEX_STRING, der.BMP_STRING, der.NUMERIC_STRING
SAME = [  # for OpenSSL, by RFC 5280 7.1
    ((UTF8, b"Kiln"), (UTF8, b"KILN")),
    ((UTF8, b"Kiln Works"), (PRINTABLE, b"  Kiln   Works ")),
    ((UTF8, b"Kiln Works"), (UTF8, b"Kiln\tWorks")),
    ((UTF8, b"Kiln Works"), (UTF8, b"Kiln\n\x0bWorks")),
    ((UTF8, "Öfen".encode()), (TELETEX, b"\xd6fen")),
    ((UTF8, "Öfen".encode()), (BMP, "Öfen".encode("utf-16-be"))),
    ((NUMERIC, b"1 2"), (NUMERIC, b"1 2")),
]
ALIKE = [  # by RFC 4518, and not for OpenSSL
    ((UTF8, "Öfen".encode()), (UTF8, "öfen".encode())),
    ((UTF8, "Öfen".encode()), (UTF8, "O\u0308fen".encode())),
    ((UTF8, b"Kiln Works"), (UTF8, "Kiln\u00a0Works".encode())),
    ((UTF8, b"Kiln"), (UTF8, "Ki\u200bln".encode())),
    ((UTF8, b"Kiln"), (UTF8, "Ki\u00adln".encode())),
    ((UTF8, b"fine"), (UTF8, "\ufb01ne".encode())),
    ((UTF8, "Straße".encode()), (UTF8, b"strasse")),
    ((UTF8, b"kiln"), (UTF8, "\u212ailn".encode())),
    ((UTF8, b"123"), (NUMERIC, b"123")),
    ((NUMERIC, b"1 2"), (NUMERIC, b"1  2")),
]
OTHERS = [((UTF8, b"Kiln"), (UTF8, b"Kilns")), ((UTF8, b"Kiln"), (UTF8, b"Ki ln"))]
Value = tuple[int, bytes]


@pytest.mark.parametrize(("one", "other"), [*SAME, *ALIKE, *OTHERS])
def test_an_issuer_is_found_where_openssl_finds_it(one: Value, other: Value) -> None:
    """Otherwise no device could connect, although the chain was taken; or a good chain would be refused."""
    ours, _, openssl = judged_names(name(attribute(ORGANIZATION, *one)), name(attribute(ORGANIZATION, *other)))
    assert openssl.judge == OPENSSL
    assert ours.accepts is openssl.accepts is ((one, other) in SAME)


@pytest.mark.parametrize(("one", "other"), [*SAME, *ALIKE, *OTHERS])
def test_an_excluded_name_is_excluded_however_it_is_written(one: Value, other: Value) -> None:
    """What is alike for either of the two is excluded; what is permitted must be the same for OpenSSL."""
    key = ec_key()
    shape = CertificateShape.of(Forged(key=key).certificate.der)
    names = [Certificate(shape.named(name(attribute(ORGANIZATION, *each))).signed(key), what="one").subject for each in (one, other)]
    assert same_name(*names) is ((one, other) in SAME)
    assert is_within(names[1], names[0], excluding=False) is ((one, other) in SAME)
    assert is_within(names[1], names[0], excluding=True) is ((one, other) not in OTHERS)


@pytest.mark.parametrize("octets", [b"123", b"A-12"])
def test_a_numeric_string_stays_one_where_the_certificate_is_read_by_a_copy(octets: bytes) -> None:
    """A root with serial number 0 is: what it issues names it in the same octets, and is found below it."""
    key = ec_key()
    shape = replace(CertificateShape.of(Forged(key=key).certificate.der), serial=der.integer(0))
    subject = name(attribute(ORGANIZATION, NUMERIC, octets))
    by_copy = Certificate(shape.named(subject).signed(key), what="the root")
    directly = Certificate(replace(shape, serial=der.integer(7)).named(subject).signed(key), what="the root")
    assert same_name(by_copy.subject, directly.subject)


@pytest.mark.parametrize(
    ("value", "flaw"),
    [
        ((UTF8, b"\xff"), "a UTF8String that is not valid"),
        ((BMP, "\U0001f525".encode("utf-16-be")), "a BMPString that is not valid"),
        ((der.UNIVERSAL_STRING, b"\0\0\0K\0"), "a UniversalString that is not valid"),
        ((der.VISIBLE_STRING, b"Kiln"), "a VisibleString"),
        ((der.BIT_STRING, b"\x49Kiln"), "a BIT STRING that is not valid"),
        ((der.BIT_STRING, b"\0Kiln"), None),
        ((TELETEX, b"\xff"), None),
    ],
)
def test_values_with_which_openssl_reads_no_certificate(value: Value, flaw: str | None) -> None:
    """Nobody connects below an authority with one, and the error names it."""
    ours, _, openssl = judged_names(*[name(attribute(ORGANIZATION, *value))] * 2)
    assert ours.accepts is openssl.accepts is (flaw is None)
    assert flaw is None or f"has {flaw}, with which OpenSSL can't read the certificate" in ours.said
