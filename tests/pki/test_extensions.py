"""Extensions are read one by one: what OpenSSL reads is read, what it refuses is refused, and what nobody needs is passed over."""

from dataclasses import replace

import pytest
from cryptography import x509

from hubtrust.pki import chain, errors
from hubtrust.pki.certificate import Certificate
from tests.kit import der
from tests.kit.authorities import NOW, Forged, ec_key
from tests.kit.certificate_shapes import (
    BASIC_CONSTRAINTS,
    CERTIFICATE_POLICIES,
    KEY_USAGE,
    SUBJECT_ALTERNATIVE_NAME,
    CertificateShape,
)
from tests.kit.der_extensions import EDI_PARTY_NAME, VALUES, X400_ADDRESS, general_names

KEY = ec_key()
SHAPE = CertificateShape.of(Forged(subject="Kiln Root", key=KEY).certificate.der)
TRUE, FALSE = der.encode(der.BOOLEAN, b"\xff"), der.encode(der.BOOLEAN, b"\0")


def with_extension(oid: str, value: bytes, *, critical: bool = False) -> Certificate:
    return Certificate(SHAPE.with_extension(oid, value, critical=critical).signed(KEY), what="the root")


def imported(root: Certificate) -> chain.Chain:
    return chain.load_chain(root.der, what="the root", now=NOW)


@pytest.mark.parametrize("name", [EDI_PARTY_NAME, X400_ADDRESS, der.encode(0x87, b"\1\2\3\4\5"), der.encode(0x82, b"k\xf6ln")])
def test_an_alternative_name_that_nobody_reads_is_no_reason_to_refuse(name: bytes) -> None:
    """Of a form that `cryptography` does not know, or an odd one."""
    assert imported(with_extension(SUBJECT_ALTERNATIVE_NAME, general_names(name))).notices == ()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (der.encode(der.SEQUENCE, TRUE, der.integer(2**79)), (True, 2**79)),
        (der.encode(der.SEQUENCE, der.encode(der.BOOLEAN, b"\1")), (True, None)),
        (der.encode(der.SEQUENCE, FALSE), (False, None)),
        (der.encode(der.SEQUENCE, FALSE, der.integer(0)), (False, None)),
        (der.encode(der.SEQUENCE, der.integer(0)), (False, None)),
    ],
)
def test_basic_constraints_as_people_write_them(value: bytes, expected: tuple[bool, int | None]) -> None:
    """In BER, with FALSE in so many words, with a path length that only a CA may have."""
    found = with_extension(BASIC_CONSTRAINTS, value).extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (found.ca, found.path_length) == expected


@pytest.mark.parametrize(("octets", "expected"), [(b"\7\xff\xff\xff", True), (b"\1\x07", True), (b"\2\x05", True), (b"\2\x03", False)])
def test_a_key_usage_with_bits_after_its_end(octets: bytes, expected: bool) -> None:
    """The bits that are unused say nothing."""
    found = with_extension(KEY_USAGE, der.encode(der.BIT_STRING, octets)).extensions.get_extension_for_class(x509.KeyUsage).value
    assert found.key_cert_sign is expected


@pytest.mark.parametrize("row", [row for row in VALUES if "can't be read" in row[0] or "no BIT STRING" in row[0]], ids=lambda row: row[0])
def test_what_is_malformed_is_refused_where_openssl_refuses_it(row: tuple[str, str, bytes, bool]) -> None:
    """By its name; policies only where they are critical, and where to get more certificates never."""
    label, oid, value, critical = row
    root = with_extension(oid, value, critical=critical)
    if "access description" in label:
        imported(root)
        return
    with pytest.raises(errors.ProfileError, match=r"its extension \w+ is malformed \(RFC 5280 4.2\): .*; have it reissued"):
        imported(root)
    if oid == CERTIFICATE_POLICIES:
        imported(with_extension(oid, value))


def test_an_extension_that_occurs_twice_is_refused_though_another_is_odd() -> None:
    """Both are found where extensions are read one by one."""
    listed = SHAPE.with_extension(SUBJECT_ALTERNATIVE_NAME, general_names(X400_ADDRESS)).extensions or ()
    twice = replace(SHAPE, extensions=(*listed, listed[0]))
    with pytest.raises(errors.ProfileError, match="occurs twice"):
        imported(Certificate(twice.signed(KEY), what="the root"))
