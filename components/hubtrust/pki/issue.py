"""Issue certificates (roots, intermediates, devices), and create certificate requests for an outside authority."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hubtrust.pki import der, general_names
from hubtrust.pki.certificate import Certificate, display, rfc3339
from hubtrust.pki.chain import validate, validate_issued
from hubtrust.pki.errors import KeyMismatchError, OutlivesIssuerError, PathLengthError, ProfileError
from hubtrust.pki.keys import PublicKey, digest_for, key_thumbprint, require_strong_key
from hubtrust.pki.links import require_linked, require_signed_by
from hubtrust.pki.name_constraints import require_allowed
from hubtrust.pki.policies import require_no_policy_needed
from hubtrust.pki.profile import path_length as path_length_of
from hubtrust.pki.profile import require_may_sign, subject_key_identifier
from hubtrust.pki.request import CertificateRequest
from hubtrust.pki.signers import Signer, builder_key, hashed
from hubtrust.pki.verification_code import VerificationCode, require_no_code, require_no_code_in

_ISSUER = 3  # its place in a TBSCertificate of version 3 (RFC 5280 4.1)
BACKDATE = timedelta(hours=1)  # a new certificate must also be valid where the clock is slow
LONGEST_COMMON_NAME = 64  # characters: RFC 5280 appendix A.1, ub-common-name
_HOST_NAME = re.compile(r"(?!.{254})[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*")


@dataclass(frozen=True, slots=True)
class Validity:
    """The first and the last second in which a certificate is valid (RFC 5280 4.1.2.5): aware, whole seconds."""

    not_before: datetime
    not_after: datetime

    @classmethod
    def lasting(cls, lifetime: timedelta, *, now: datetime, backdate: timedelta = BACKDATE) -> Self:
        """From ``backdate`` before ``now`` to ``lifetime`` after it."""
        start = now.astimezone(UTC).replace(microsecond=0)
        return cls(start - backdate, start + lifetime)

    def within(self, *issuers: Certificate) -> Self:
        """The part of this period in which all ``issuers`` are valid too."""
        starts, ends = (one.not_valid_before_utc for one in issuers), (one.not_valid_after_utc for one in issuers)
        return type(self)(max(self.not_before, *starts), min(self.not_after, *ends))


@dataclass(frozen=True, slots=True)
class Issuer:
    """An authority's certificate, the signer that has its key, and the authorities ``above`` it, its own issuer first.

    Raises:
        KeyMismatchError: the signer's key is not the certificate's.
        NotAnAuthorityError, KeyEncodingError, ProfileError: see ``require_may_sign``.
        ChainError: see ``require_linked``.
        WeakError: see ``require_strong_key``.
    """

    certificate: Certificate
    signer: Signer
    above: tuple[Certificate, ...] = ()

    def __post_init__(self) -> None:
        what = display(self.certificate)
        key = require_strong_key(self.certificate.public_key(), what=what)
        if key != self.signer.public_key:
            given, own = key_thumbprint(self.signer.public_key)[:16], key_thumbprint(key)[:16]
            remedy = "give the key that belongs to this certificate, or the certificate for this key"
            raise KeyMismatchError(what, f"the given key is {given}… and the certificate's own is {own}…", remedy)
        require_may_sign(self.certificate)
        require_linked(self.path)

    @classmethod
    def of(cls, path: Sequence[Certificate], signer: Signer, *, now: datetime) -> Self:
        """The first certificate of ``path``, below the others. One that has expired at ``now`` judges nothing any more, and is left out.

        Raises:
            PkiError: as for the class.
        """
        return cls(path[0], signer, tuple(one for one in path[1:] if one.not_valid_after_utc > now))

    @property
    def path(self) -> tuple[Certificate, ...]:
        """The authorities that judge what is signed, the issuer first."""
        return (self.certificate, *self.above)


def root(signer: Signer, *, subject: x509.Name, validity: Validity, path_length: int | None, serial: int) -> Certificate:
    """A self-signed authority with the key of ``signer``. ``path_length`` is how many authorities may follow below it; None: any number."""
    builder = _builder(subject, subject, signer.public_key, validity, serial)
    created = _sign(_as_authority(builder, path_length), signer)
    validate([created], now=validity.not_before)
    return created


def intermediate(
    issuer: Issuer, *, subject: x509.Name, public_key: PublicKey, validity: Validity, path_length: int, serial: int
) -> Certificate:
    """An authority below ``issuer`` for ``public_key``. ``path_length`` is how many authorities may follow below it (0: devices only).

    Raises:
        PathLengthError: the issuer's own path length does not allow it.
        OutlivesIssuerError: ``validity`` exceeds the issuer's; see ``Validity.within``.
        ProfileError: the subject is empty or equal to the issuer's.
        VerificationCodeError: the subject has the form of a verification code.
        WeakError: see ``require_strong_key``.
    """
    what, allowed = f"'{subject.rfc4514_string()}'", path_length_of(issuer.certificate)
    if not list(subject) or subject == issuer.certificate.subject:
        raise ProfileError(what, "an authority needs a subject of its own (RFC 5280 4.1.2.6)", "use a name other than its issuer's")
    if allowed is not None and path_length >= allowed:
        fact = f"its path length is {path_length} and that of its issuer {display(issuer.certificate)} is {allowed} (RFC 5280 4.2.1.9)"
        raise PathLengthError(what, fact, f"use at most {allowed - 1}" if allowed else "use this issuer for devices only")
    builder = _builder(subject, issuer.certificate.subject, public_key, validity, serial)
    created = _sign_below(_as_authority(builder, path_length), issuer, validity, what)
    validate_issued(created, issuer.path, leaf=False, now=validity.not_before)
    return created


def device(issuer: Issuer, *, device_id: str, public_key: PublicKey, validity: Validity, serial: int) -> Certificate:
    """A device's client certificate. Azure compares its common name with the device id; the id is its DNS name too, if it is a valid one.

    Raises:
        ProfileError, VerificationCodeError: see ``device_name``.
        OutlivesIssuerError, WeakError: as for ``intermediate``.
    """
    builder = _builder(device_name(device_id), issuer.certificate.subject, public_key, validity, serial)
    builder = _as_end_entity(builder, _DEVICE_USAGE, ExtendedKeyUsageOID.CLIENT_AUTH)
    if names := _alternative_names(device_id):
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    created = _sign_below(builder, issuer, validity, f"device '{device_id}'")
    validate_issued(created, issuer.path, leaf=True, now=validity.not_before)
    return created


def require_device_allowed(device_id: str, path: Sequence[Certificate]) -> None:
    """Check, before anything is signed, that the authorities in ``path`` may name this device.

    Raises:
        NameConstraintError: one of them may not.
        ProfileError: see ``require_no_policy_needed``.
        ProfileError, VerificationCodeError: see ``device_name``.
    """
    names = [general_names.host(name.value) for name in _alternative_names(device_id)]
    require_no_policy_needed(path)
    require_allowed(device_name(device_id), names, path, what=f"device '{device_id}'", leaf=True)


def _alternative_names(device_id: str) -> list[x509.DNSName]:
    return [x509.DNSName(device_id)] if _HOST_NAME.fullmatch(device_id) else []


def proof(issuer: Issuer, *, code: VerificationCode, public_key: PublicKey, validity: Validity, serial: int) -> Certificate:
    """The only certificate that may be for a verification code. Its key usages are those of a signed statement: no device connects with it.

    Azure compares the signature, the name and the dates. Name constraints are about devices: the code is nobody's name.

    Raises:
        OutlivesIssuerError, WeakError: as for ``intermediate``.
    """
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, code.text)])
    builder = _unnamed_builder(issuer.certificate.subject, public_key, validity, serial).subject_name(subject)
    builder = _as_end_entity(builder, _PROOF_USAGE, _DOCUMENT_SIGNING)
    created = _sign_below(builder, issuer, validity, f"the proof for {display(issuer.certificate)}")
    require_signed_by(created, issuer.certificate)
    return created


def device_name(device_id: str) -> x509.Name:
    """The subject of a device's certificate.

    Raises:
        ProfileError: the id is empty or longer than 64 characters.
        VerificationCodeError: the id has the form of a verification code.
    """
    if not 0 < len(device_id) <= LONGEST_COMMON_NAME:
        fact = f"its id has {len(device_id)} characters and a common name holds 1 to {LONGEST_COMMON_NAME} (RFC 5280 A.1)"
        raise ProfileError(f"device '{device_id}'", fact, "use a shorter id, or a self-signed certificate with its thumbprint registered")
    require_no_code(device_id, what=f"device '{device_id}'")
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, device_id)])


def request(signer: Signer, *, subject: x509.Name) -> CertificateRequest:
    """A request (RFC 2986) to an outside authority for the certificate of an issuing authority: of a CA, with devices only below it.

    Raises:
        VerificationCodeError: the subject has the form of a verification code.
        WeakError: see ``require_strong_key``.
    """
    require_strong_key(signer.public_key, what=f"'{subject.rfc4514_string()}'")
    require_no_code_in(subject, what=f"'{subject.rfc4514_string()}'")
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_AUTHORITY_USAGE, critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(signer.public_key), critical=False)
    return CertificateRequest.of(builder.sign(builder_key(signer), digest_for(signer.public_key)))


def _key_usage(*, authority: bool, statement: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not (authority or statement),
        content_commitment=statement,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


_AUTHORITY_USAGE, _DEVICE_USAGE = _key_usage(authority=True), _key_usage(authority=False)
_PROOF_USAGE = _key_usage(authority=False, statement=True)
_DOCUMENT_SIGNING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336


def _builder(subject: x509.Name, issuer: x509.Name, key: PublicKey, validity: Validity, serial: int) -> x509.CertificateBuilder:
    """The last gate before a signature: no certificate but a proof is for a verification code."""
    what = f"'{subject.rfc4514_string()}'"
    require_no_code_in(subject, what=what)
    return _unnamed_builder(issuer, key, validity, serial, what=what).subject_name(subject)


def _unnamed_builder(
    issuer: x509.Name, key: PublicKey, validity: Validity, serial: int, *, what: str = "the proof"
) -> x509.CertificateBuilder:
    require_strong_key(key, what=what)
    return x509.CertificateBuilder(
        issuer_name=issuer,
        public_key=key,
        serial_number=serial,
        not_valid_before=validity.not_before,
        not_valid_after=validity.not_after,
        extensions=[x509.Extension(x509.SubjectKeyIdentifier.oid, critical=False, value=x509.SubjectKeyIdentifier.from_public_key(key))],
    )


def _as_authority(builder: x509.CertificateBuilder, path_length: int | None) -> x509.CertificateBuilder:
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    return builder.add_extension(_AUTHORITY_USAGE, critical=True)


def _as_end_entity(builder: x509.CertificateBuilder, usage: x509.KeyUsage, purpose: x509.ObjectIdentifier) -> x509.CertificateBuilder:
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return builder.add_extension(usage, critical=True).add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)


def _sign_below(builder: x509.CertificateBuilder, issuer: Issuer, validity: Validity, what: str) -> Certificate:
    """Add the authority key identifier (RFC 5280 4.2.1.1) and sign."""
    for above in issuer.path:
        if validity.not_before < above.not_valid_before_utc or validity.not_after > above.not_valid_after_utc:
            fact = f"it would be valid from {rfc3339(validity.not_before)} to {rfc3339(validity.not_after)}"
            limits = f"{rfc3339(above.not_valid_before_utc)} to {rfc3339(above.not_valid_after_utc)}"
            remedy = "use a shorter lifetime or renew the issuer"
            raise OutlivesIssuerError(what, f"{fact}, and its issuer {display(above)} is valid from {limits}", remedy)
    above = issuer.certificate
    if validity.not_before >= validity.not_after and validity.not_after < above.not_valid_after_utc:
        fact = f"its issuer {display(above)} is not valid before {rfc3339(above.not_valid_before_utc)}"
        remedy = "wait until then, or have the issuer reissued with an earlier start: a clock was ahead when it was issued"
        raise OutlivesIssuerError(what, fact, remedy)
    if validity.not_before >= validity.not_after:
        fact = f"its issuer {display(above)} expires on {rfc3339(above.not_valid_after_utc)}"
        raise OutlivesIssuerError(what, fact, "renew the issuer first")
    identifier = subject_key_identifier(above)
    if identifier is None:
        identifier = x509.SubjectKeyIdentifier.from_public_key(issuer.signer.public_key).digest
    authority = x509.AuthorityKeyIdentifier(identifier, authority_cert_issuer=None, authority_cert_serial_number=None)
    return _sign(builder.add_extension(authority, critical=False), issuer.signer, above)


def _sign(builder: x509.CertificateBuilder, signer: Signer, issuer: Certificate | None = None) -> Certificate:
    """The certificate, signed; with ``issuer`` its issuer is written in the octets of that one's subject (RFC 5280 4.1.2.6)."""
    digest = digest_for(signer.public_key)
    made = builder.sign(builder_key(signer), digest).public_bytes(serialization.Encoding.DER)
    content, algorithm, _ = der.only_element(made).elements()
    fields = content.elements()
    if issuer is None or fields[_ISSUER].encoding == issuer.subject_encoding:
        return Certificate(made, what="the certificate")
    fields[_ISSUER] = der.only_element(issuer.subject_encoding)
    signed = der.encoded(der.SEQUENCE, b"".join(field.encoding for field in fields))
    signature = der.encoded(der.BIT_STRING, b"\x00" + signer.sign(hashed(signed, digest), digest))
    return Certificate(der.encoded(der.SEQUENCE, signed + algorithm.encoding + signature), what="the certificate")
