"""DER read element by element, and the copies that `cryptography` can read."""

import contextlib

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from hubtrust.pki import der, readable
from hubtrust.pki.certificate import Certificate
from hubtrust.pki.errors import DerError, PkiError, UnreadableError
from tests.kit.authorities import Forged

ROOT = Forged(subject="Contoso Root").certificate


@given(tag=st.sampled_from([der.INTEGER, der.SEQUENCE, der.OCTET_STRING]), content=st.binary(max_size=70_000))
def test_what_is_written_is_read(tag: int, content: bytes) -> None:
    """An element of any length reads back, and so do several in a row."""
    encoding = der.encoded(tag, content)
    assert der.only_element(encoding) == der.Element(tag, content, encoding)
    assert [each.content for each in der.elements(encoding * 3)] == [content] * 3


@given(st.binary(max_size=300))
def test_any_octets_are_read_or_refused(data: bytes) -> None:
    """Nothing but DerError is raised, also two levels down."""
    with contextlib.suppress(DerError):
        for element in der.elements(data):
            element.elements()
    with contextlib.suppress(DerError):
        readable.readable(data)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ("30", "ends in the middle of an element"),
        ("3005020101", "ends in the middle of an element"),
        ("30800000", "a length that is not DER's"),
        ("1f8101 00", "a tag of several octets"),
        ("0201010500", "2 octets follow its end"),
    ],
)
def test_what_is_not_der_is_named(data: str, match: str) -> None:
    """Cut off, of indefinite length, with a long tag, or followed by something."""
    with pytest.raises(DerError, match=match):
        der.only_element(bytes.fromhex(data))


def test_object_identifiers() -> None:
    """As text, with arcs of more than one octet."""
    assert der.dotted(bytes.fromhex("2a8648ce3d0201")) == "1.2.840.10045.2.1"
    assert der.dotted(bytes.fromhex("883703")) == "2.999.3"


@pytest.mark.parametrize("data", ["", "00", "3000", "30023000", "3004300002 00", "0500"])
def test_what_is_no_certificate_is_refused(data: str) -> None:
    """Empty sequences and other elements are an UnreadableError."""
    with pytest.raises(UnreadableError):
        Certificate(bytes.fromhex(data), what="the file")


@given(data=st.data())
def test_a_changed_octet_is_read_or_refused(data: st.DataObject) -> None:
    """A certificate with any octet changed: everything that can be asked of it answers, or raises a PkiError."""
    encoding = bytearray(ROOT.der)
    for _ in range(data.draw(st.integers(1, 3))):
        encoding[data.draw(st.integers(0, len(encoding) - 1))] = data.draw(st.integers(0, 255))
    try:
        changed = Certificate(bytes(encoding), what="the file")
    except PkiError:
        return
    for ask in (
        lambda: changed.extensions,
        changed.public_key,
        changed.require_usable_key,
        lambda: changed.is_signed_by(ROOT.public_key()),
        lambda: (changed.signature_hash_algorithm, changed.signature_algorithm, changed.has_pss_signature),
        lambda: (changed.not_valid_before_utc, changed.not_valid_after_utc, changed.serial_number, changed.shown),
        lambda: (changed.has_one_signature_algorithm, changed.subject_encoding),
    ):
        with contextlib.suppress(PkiError):
            ask()


@pytest.mark.parametrize("tag", [0x13, 0x14, 0x16, 0x12, 0x1A], ids=["Printable", "Teletex", "IA5", "Numeric", "Visible"])
def test_a_string_of_eight_bits_is_read_as_latin_1(tag: int) -> None:
    """Whatever X.680 says of it: OpenSSL does so too, and the certificate itself stays as it is."""
    odd = ROOT.der.replace(b"\x0c\x0cContoso Root", bytes([tag, 12]) + "Cöntoso_Rööt".encode("latin-1"))
    found = Certificate(odd, what="the file")
    assert found.subject.rfc4514_string() == "CN=Cöntoso_Rööt"
    assert found.der == odd
    assert bytes([tag, 12]) in found.subject_encoding


def test_a_copy_of_a_plain_certificate_is_the_same() -> None:
    """What is DER already does not change."""
    assert readable.readable(ROOT.der) == ROOT.der
    assert x509.load_der_x509_certificate(readable.readable(ROOT.der)).subject == ROOT.subject
