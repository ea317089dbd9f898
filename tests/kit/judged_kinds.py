"""Kinds of changed certificates, and what three judges say of each: an anchor, an intermediate, a device, names under constraints.

A changed authority is judged by whether a device below it can connect: the device that is issued below it where we take it, and one that
names it as it is written where we don't.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import strategies as st

from hubtrust.pki import chain, errors, issue
from hubtrust.pki.certificate import Certificate, load_certificate
from hubtrust.pki.path import Wanted
from hubtrust.pki.pem import CERTIFICATE, Block
from hubtrust.pki.signers import KeyInMemory
from tests.kit import der
from tests.kit.authorities import NOW, Forged, lasting
from tests.kit.certificate_shapes import (
    AUTHORITY_KEY_IDENTIFIER,
    NAME_CONSTRAINTS,
    SUBJECT_ALTERNATIVE_NAME,
    SUBJECT_KEY_IDENTIFIER,
    CertificateShape,
)
from tests.kit.constraint_strategies import alternative_names, name_constraints, subjects
from tests.kit.der_mutations import mutated_certificates
from tests.kit.judges import HUBTRUST, CertificationPath, Verdict, cryptography_verdict, openssl_verdict
from tests.kit.signature_strategies import private_key, two_authorities

ANCHOR, INTERMEDIATE, DEVICE = "anchors", "intermediates", "devices"
NAMES, SIGNATURES = "names under constraints", "keys and signatures"
_ROOT_KEY, _ISSUING_KEY, _DEVICE_KEY = (ec.derive_private_key(number, ec.SECP256R1()) for number in (5, 6, 7))
_CLIENT = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
_ROOT_FORGED = Forged(subject="Root", key=_ROOT_KEY)
_ROOT = _ROOT_FORGED.certificate.der
_ISSUING = Forged(subject="Issuing", key=_ISSUING_KEY, issuer=_ROOT_FORGED).certificate.der
_DEVICE = Forged(subject="press-001", key=_DEVICE_KEY, issuer=_ROOT_FORGED, authority=False, usage=False, extra=[_CLIENT]).certificate.der


@dataclass(frozen=True)
class Kind:
    """A kind of input: its changed forms (DER, what was changed), and its three judges, ours first."""

    changed: st.SearchStrategy[tuple[bytes, str]]
    judges: Callable[[bytes], Sequence[Verdict]]


def _below(authority: bytes, key: Any) -> bytes:
    """A device's certificate below a changed authority, with its name and key identifier as that one writes them."""
    try:
        above = CertificateShape.of(authority)
    except (ValueError, IndexError):
        return _DEVICE  # below something that is no certificate
    device = replace(CertificateShape.of(_DEVICE), issuer=above.subject)
    kept = [each for each in device.extensions or () if der.children(each)[0] != der.oid(AUTHORITY_KEY_IDENTIFIER)]
    device = replace(device, extensions=tuple(kept))
    for each in above.extensions or ():
        if each[2:].startswith(der.oid(SUBJECT_KEY_IDENTIFIER)) and der.content(der.children(each)[-1])[:1] == b"\4":
            value = der.encode(der.SEQUENCE, der.encode(0x80, der.content(der.content(der.children(each)[-1]))))
            device = device.with_extension(AUTHORITY_KEY_IDENTIFIER, value)
    return device.signed(key)


def _imported(*given: bytes, key: Any) -> tuple[Verdict, bytes | None]:
    """Our verdict on authorities of which the last is trusted, with the device that is issued below the first."""
    try:
        text = "".join(Block(CERTIFICATE, each).text for each in given)
        found = chain.load_chain(text, what="the chain", now=NOW, wanted=Wanted(top=True))
        found.require_valid_at(NOW)
        issuer = issue.Issuer(found.issuing, KeyInMemory(key), found.path[1:])
        validity = lasting(0.5).within(*issuer.path)
        made = issue.device(issuer, device_id="press-001", public_key=_DEVICE_KEY.public_key(), validity=validity, serial=9)
    except errors.PkiError as error:
        return Verdict(HUBTRUST, accepts=False, said=str(error)), None
    return Verdict(HUBTRUST, accepts=True), made.der


def _judged(path: CertificationPath, ours: Verdict) -> Sequence[Verdict]:
    return ours, cryptography_verdict(path, NOW), openssl_verdict(path, NOW)


def _anchor(changed: bytes) -> Sequence[Verdict]:
    ours, device = _imported(changed, key=_ROOT_KEY)
    return _judged(CertificationPath(device or _below(changed, _ROOT_KEY), changed), ours)


def _intermediate(changed: bytes) -> Sequence[Verdict]:
    ours, device = _imported(changed, _ROOT, key=_ISSUING_KEY)
    return _judged(CertificationPath(device or _below(changed, _ISSUING_KEY), _ROOT, (changed,)), ours)


def judged_names(subject: bytes, issuer: bytes) -> Sequence[Verdict]:
    """The verdicts on a root with this subject and an authority below it that names it as ``issuer``."""
    root = CertificateShape.of(_ROOT).named(subject).signed(_ROOT_KEY)
    below = replace(CertificateShape.of(_ISSUING), issuer=issuer).signed(_ROOT_KEY)
    ours, device = _imported(below, root, key=_ISSUING_KEY)
    return _judged(CertificationPath(device or _below(below, _ISSUING_KEY), root, (below,)), ours)


def _device(changed: bytes) -> Sequence[Verdict]:
    return _judged(CertificationPath(changed, _ROOT), _gate(changed, _ROOT))


def _gate(device: bytes, root: bytes) -> Verdict:
    """Our verdict on a device's certificate before it leaves."""
    try:
        leaf = load_certificate(Block(CERTIFICATE, device).text, what="the device")
        chain.validate_leaf(leaf, chain.Chain((Certificate(root, what="the root"),)), now=NOW)
    except errors.PkiError as error:
        return Verdict(HUBTRUST, accepts=False, said=str(error))
    return Verdict(HUBTRUST, accepts=True)


@st.composite
def _constrained(draw: st.DrawFn) -> tuple[bytes, str]:
    """A device's certificate and, after it, the constrained root that signed it."""
    held, value, subject = draw(alternative_names), draw(name_constraints), draw(subjects)
    root = CertificateShape.of(_ROOT).with_extension(NAME_CONSTRAINTS, value, critical=draw(st.booleans())).signed(_ROOT_KEY)
    device = CertificateShape.of(_DEVICE).named(subject)
    device = device.with_extension(SUBJECT_ALTERNATIVE_NAME, held, critical=not der.children(subject)) if held else device
    return device.signed(_ROOT_KEY) + root, f"constraints {value.hex()}, subject {subject.hex()}, names {held.hex()}"


def _names(both: bytes) -> Sequence[Verdict]:
    device, root = der.split(both)
    return _judged(CertificationPath(device, root), _gate(device, root))


def _signatures(both: bytes) -> Sequence[Verdict]:
    issuing, root = der.split(both)
    key = private_key(issuing)
    ours, device = _imported(issuing, root, key=key)
    return _judged(CertificationPath(device or _below(issuing, key), root, (issuing,)), ours)


KINDS = {
    SIGNATURES: Kind(two_authorities(), _signatures),
    ANCHOR: Kind(mutated_certificates(CertificateShape.of(_ROOT), _ROOT_KEY), _anchor),
    INTERMEDIATE: Kind(mutated_certificates(CertificateShape.of(_ISSUING), _ROOT_KEY), _intermediate),
    DEVICE: Kind(mutated_certificates(CertificateShape.of(_DEVICE), _ROOT_KEY), _device),
    NAMES: Kind(_constrained(), _names),
}
