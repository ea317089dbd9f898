"""The rules for a single certificate (RFC 5280 4): each is tested with a certificate that breaks only this rule."""

import base64
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from hubtrust.pki import chain, errors
from hubtrust.pki.certificate import Certificate, load_certificate
from tests.kit.authorities import ABSENT, NOW, Forged, hierarchy, name, pem_of

TOP = Forged(subject="Top")
LEAF = {"subject": "d", "authority": False, "usage": False, "issuer": TOP}
CONSTRAINTS = x509.NameConstraints(permitted_subtrees=[x509.DNSName("plant.example")], excluded_subtrees=None)
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55738.1"), b"\x05\x00")


@pytest.mark.parametrize(
    ("broken", "match"),
    [
        (Forged(subject=x509.Name([])), "its subject is empty .RFC 5280 4.1.2.6"),
        (Forged(ski=ABSENT), "it has no subject key identifier .RFC 5280 4.2.1.2"),
        (Forged(aki=ABSENT, issuer=TOP), "it has no authority key identifier .RFC 5280 4.2.1.1"),
        (Forged(critical_constraints=False), "its extension basicConstraints is not critical .RFC 5280 4.2.1.9"),
        (Forged(extra=[(CONSTRAINTS, False)]), "its extension nameConstraints is not critical .RFC 5280 4.2.1.10"),
        (Forged(ski=ABSENT, extra=[(x509.SubjectKeyIdentifier(b"k"), True)]), "its critical extension 2.5.29.14 is not supported"),
        (Forged(extra=[(UNKNOWN, True)]), "its critical extension 1.3.6.1.4.1.55738.1 is not supported"),
        (Forged(extra=[(UNKNOWN, False), (UNKNOWN, False)]), "the extension 1.3.6.1.4.1.55738.1 occurs twice"),
    ],
)
def test_an_authority_that_breaks_the_profile_is_refused(broken: Forged, match: str) -> None:
    """An authority that breaks a rule is refused, and the error cites the rule's section."""
    above = [TOP.certificate] if broken.issuer else []
    with pytest.raises(errors.ProfileError, match=match):
        chain.load_chain(pem_of(broken.certificate, *above), what="pki:chain", now=NOW)


@pytest.mark.parametrize(
    ("broken", "match"),
    [
        (Forged(**LEAF | {"usage": True}), "its key usage has keyCertSign, but it is not a CA"),
        (Forged(**LEAF, extra=[(CONSTRAINTS, True)]), "it has name constraints, but it is not a CA"),
        (Forged(**LEAF, aki=ABSENT), "it has no authority key identifier"),
    ],
)
def test_a_leaf_that_breaks_the_profile_is_refused(broken: Forged, match: str) -> None:
    """A leaf with properties of an authority, or without an authority key identifier, is refused."""
    imported = chain.load_chain(pem_of(TOP.certificate), what="pki:chain", now=NOW)
    with pytest.raises(errors.ProfileError, match=match):
        chain.validate_leaf(broken.certificate, imported, now=NOW)


def test_a_leaf_may_be_an_authority() -> None:
    """An authority may be used as a leaf (RFC 5280 6.1.5)."""
    imported = chain.load_chain(pem_of(TOP.certificate), what="pki:chain", now=NOW)
    chain.validate_leaf(Forged(subject="d", issuer=TOP, extra=[(CONSTRAINTS, True)]).certificate, imported, now=NOW)


def rewritten(certificate: Certificate, old: bytes, new: bytes) -> str:
    """The certificate's PEM with some of its DER changed."""
    der = certificate.public_bytes(serialization.Encoding.DER)
    assert old in der
    return f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(der.replace(old, new)).decode()}\n-----END CERTIFICATE-----\n"


def test_a_zero_serial_number_is_refused() -> None:
    """Serial number 0 is refused (RFC 5280 4.1.2.2)."""
    zero = load_certificate(rewritten(Forged(serial=0x12, subject="Zero").certificate, b"\x02\x01\x12", b"\x02\x01\x00"), what="zero")
    with pytest.raises(errors.ProfileError, match="its serial number is not a positive number"):
        chain.validate([zero], now=NOW)


def test_a_malformed_extension_is_refused() -> None:
    """An extension that breaks its own syntax is refused."""
    named = Forged(extra=[(x509.SubjectAlternativeName([x509.IPAddress(ip_address("192.0.2.1"))]), False)])
    with pytest.raises(errors.ProfileError, match="its extension subjectAltName is malformed"):
        chain.load_chain(rewritten(named.certificate, b"\x30\x06\x87\x04\xc0", b"\x30\x06\x87\x05\xc0"), what="one", now=NOW)


def test_signature_algorithms_must_agree_and_be_known() -> None:
    """Different inner and outer signature algorithms, an unknown algorithm and a weak algorithm give three different errors."""
    sha_256, sha_384, unknown = (bytes.fromhex(f"06082a8648ce3d0403{end}") for end in ("02", "03", "09"))
    created = hierarchy(depth=0).up[0]
    der = created.public_bytes(serialization.Encoding.DER)
    once = der[: der.rindex(sha_256)] + sha_384 + der[der.rindex(sha_256) + len(sha_256) :]
    text = f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(once).decode()}\n-----END CERTIFICATE-----\n"
    with pytest.raises(errors.ChainError, match="two signature algorithm fields differ"):
        chain.load_chain(text, what="pki:chain", now=NOW)
    with pytest.raises(errors.WeakError, match=r"it is signed with 1\.2\.840\.10045\.4\.3\.9"):
        chain.load_chain(rewritten(created, sha_256, unknown), what="pki:chain", now=NOW)
    edwards = Forged(subject="Ed", key=ed25519.Ed25519PrivateKey.generate(), algorithm=None)
    below = Forged(subject="Below", issuer=edwards, algorithm=None)
    with pytest.raises(errors.WeakError, match="its key is Ed25519"):
        chain.load_chain(pem_of(below.certificate, edwards.certificate), what="pki:chain", now=NOW)
    with pytest.raises(errors.WeakError, match="it is signed with Ed25519"):
        chain.load_chain(pem_of(below.certificate), what="pki:chain", now=NOW)


def test_validity_includes_both_ends() -> None:
    """The first and last second are part of the validity period; fractions of a second are ignored (RFC 5280 4.1.2.5)."""
    one = Forged(subject="Exact", start=NOW, end=NOW.replace(hour=13))
    for moment in (NOW, NOW.replace(hour=13), NOW.replace(hour=13, microsecond=999_999)):
        chain.validate([one.certificate], now=moment)
    with pytest.raises(errors.NotValidNowError):
        chain.validate([one.certificate], now=NOW.replace(hour=13, second=1))


def test_the_same_name_means_self_issued() -> None:
    """A self-issued authority does not count towards a path length (RFC 5280 4.2.1.9)."""
    old = Forged(subject="CA", path_length=0)
    renewed = Forged(subject="CA", issuer=old, path_length=0)
    chain.validate([renewed.certificate, old.certificate], now=NOW)
    assert name("CA") == renewed.certificate.issuer
