"""The rules for a single certificate (RFC 5280 4 and 6): each is tested with a certificate that breaks only this rule."""

import base64
import re
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from OpenSSL import crypto

from hubtrust.pki import chain, errors, profile
from hubtrust.pki.certificate import Certificate, load_certificate
from hubtrust.pki.path import Wanted
from tests.kit.authorities import ABSENT, NOW, Forged, hierarchy, name, parsed, pem_of

TOP = Forged(subject="Top")
LEAF = {"subject": "d", "authority": False, "usage": False, "issuer": TOP}
CONSTRAINTS = x509.NameConstraints(permitted_subtrees=[x509.DNSName("plant.example")], excluded_subtrees=None)
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55738.1"), b"\x05\x00")


@pytest.mark.parametrize(
    ("broken", "match"),
    [
        (Forged(subject=x509.Name([])), "its subject is empty .RFC 5280 4.1.2.6"),
        (Forged(usage=ABSENT), "it has no key usage extension .RFC 5280 4.2.1.3"),
        (Forged(ski=ABSENT), "it has no subject key identifier .RFC 5280 4.2.1.2"),
        (Forged(aki=ABSENT, issuer=TOP), "it has no authority key identifier .RFC 5280 4.2.1.1"),
        (Forged(critical_constraints=False), "its extension basicConstraints is not critical .RFC 5280 4.2.1.9"),
        (Forged(extra=[(CONSTRAINTS, False)]), "its extension nameConstraints is not critical .RFC 5280 4.2.1.10"),
    ],
)
def test_what_issuers_must_do_is_required_of_us_and_noticed_of_others(broken: Forged, match: str) -> None:
    """What is issued here is refused, citing RFC 5280 section 4; an import has a notice, and devices connect (section 6)."""
    with pytest.raises(errors.ProfileError, match=match):
        profile.require_authority(broken.certificate, now=NOW)
    for wanted in (Wanted(), Wanted(top=True)):
        given = pem_of(broken.certificate, *([TOP.certificate] if broken.issuer else []))
        loaded = chain.load_chain(given, what="pki:chain", now=NOW, wanted=wanted)
        (notice,) = [one for one in loaded.notices if "devices connect anyway" in one]
        assert re.search(match, notice)
    own = Forged(subject="d.plant.example", issuer=broken, authority=False, usage=False)
    assert verified_by_openssl(own.certificate, broken.certificate)


@pytest.mark.parametrize(
    ("broken", "match"),
    [
        (Forged(ski=ABSENT, extra=[(x509.SubjectKeyIdentifier(b"k"), True)]), "its critical extension 2.5.29.14 is not supported"),
        (Forged(extra=[(UNKNOWN, True)]), "its critical extension 1.3.6.1.4.1.55738.1 is not supported"),
        (Forged(extra=[(UNKNOWN, False), (UNKNOWN, False)]), "the extension 1.3.6.1.4.1.55738.1 occurs twice"),
    ],
)
def test_an_authority_whose_devices_could_not_connect_is_refused(broken: Forged, match: str) -> None:
    """What no path may have is refused of everybody, and the error cites the rule's section."""
    with pytest.raises(errors.ProfileError, match=match):
        chain.load_chain(pem_of(broken.certificate), what="pki:chain", now=NOW)


def verified_by_openssl(device: Certificate, anchor: Certificate) -> bool:
    """Whether OpenSSL lets a device in where ``anchor`` is trusted, as local Azure asks it."""
    store = crypto.X509Store()
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    store.set_time(NOW)
    store.add_cert(crypto.X509.from_cryptography(parsed(anchor)))
    crypto.X509StoreContext(store, crypto.X509.from_cryptography(parsed(device))).verify_certificate()
    return True


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


def test_a_zero_serial_number_is_never_issued() -> None:
    """Serial number 0 is refused of what is issued here (RFC 5280 4.1.2.2); of an import it is noticed: public roots have it."""
    zero = load_certificate(rewritten(Forged(serial=0x12, subject="Zero").certificate, b"\x02\x01\x12", b"\x02\x01\x00"), what="zero")
    with pytest.raises(errors.ProfileError, match="its serial number is not a positive number"):
        chain.validate([zero], now=NOW)
    notices = chain.load_chain(pem_of(zero), what="pki:chain", now=NOW).notices
    assert "its serial number is not a positive number of at most 20 octets" in notices[0]


def test_a_malformed_extension_is_refused() -> None:
    """An extension that breaks its own syntax is refused."""
    named = Forged(extra=[(x509.SubjectAlternativeName([x509.IPAddress(ip_address("192.0.2.1"))]), False)])
    with pytest.raises(errors.ProfileError, match="its extension subjectAltName is malformed"):
        chain.load_chain(rewritten(named.certificate, b"\x30\x06\x87\x04\xc0", b"\x30\x06\x87\x05\xc0"), what="one", now=NOW)


def test_signature_algorithms_must_agree_and_be_known() -> None:
    """Different inner and outer algorithms, an unknown one and a weak one: three errors below a trusted certificate, notices on it."""
    sha_256, sha_384, unknown = (bytes.fromhex(f"06082a8648ce3d0403{end}") for end in ("02", "03", "09"))
    created = hierarchy(depth=1).up
    der = created[0].public_bytes(serialization.Encoding.DER)
    once = der[: der.rindex(sha_256)] + sha_384 + der[der.rindex(sha_256) + len(sha_256) :]
    odd = f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(once).decode()}\n-----END CERTIFICATE-----\n"
    for text, kind, match in (
        (odd, errors.ChainError, "two signature algorithm fields differ"),
        (rewritten(created[0], sha_256, unknown), errors.ChainError, r"its signature algorithm 1\.2\.840\.10045\.4\.3\.9 is not supported"),
    ):
        with pytest.raises(kind, match=match):
            chain.load_chain(text + pem_of(created[1]), what="pki:chain", now=NOW, wanted=Wanted(top=True))
        loaded = chain.load_chain(text + pem_of(created[1]), what="pki:chain", now=NOW)
        assert re.search(match, loaded.notices[0])
        assert len(loaded.certificates) == 1, "what does not link is not sent"
    edwards = Forged(subject="Ed", key=ed25519.Ed25519PrivateKey.generate(), algorithm=None)
    below = Forged(subject="Below", issuer=edwards, algorithm=None)
    with pytest.raises(errors.WeakError, match="its key is Ed25519"):
        chain.load_chain(pem_of(edwards.certificate), what="pki:chain", now=NOW)
    assert "its key is Ed25519" in chain.load_chain(pem_of(below.certificate, edwards.certificate), what="pki:chain", now=NOW).notices[0]
    assert "it is signed with Ed25519" in chain.load_chain(pem_of(below.certificate), what="pki:chain", now=NOW).notices[1]


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
