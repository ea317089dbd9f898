"""Certificates made here: roots, intermediates, devices, proofs of possession, and requests for an outside authority."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hubtrust.pki.certificate import display, instant
from hubtrust.pki.errors import KeyMismatchError, NotAnAuthorityError, OutlivesIssuerError, PathLengthError, ProfileError
from hubtrust.pki.keys import PublicKey, digest_for, key_thumbprint, require_strong_key
from hubtrust.pki.profile import is_authority, subject_key_identifier
from hubtrust.pki.profile import path_length as path_length_of
from hubtrust.pki.signers import Signer, builder_key

BACKDATE = timedelta(hours=1)  # clocks differ: a certificate made now must be valid on a machine that is behind
PROOF_LIFETIME = timedelta(days=1)
LONGEST_COMMON_NAME = 64  # characters: RFC 5280 appendix A.1, ub-common-name
_HOST_NAME = re.compile(r"(?!.{254})[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*")


@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when, both aware and in whole seconds, both included (RFC 5280 4.1.2.5)."""

    not_before: datetime
    not_after: datetime

    @classmethod
    def lasting(cls, lifetime: timedelta, *, now: datetime, backdate: timedelta = BACKDATE) -> Self:
        """``lifetime`` from ``now``, begun ``backdate`` earlier."""
        start = now.astimezone(UTC).replace(microsecond=0)
        return cls(start - backdate, start + lifetime)

    def within(self, issuer: x509.Certificate) -> Self:
        """The part of it in which ``issuer`` is valid too: a child never outlives its issuer."""
        return type(self)(max(self.not_before, issuer.not_valid_before_utc), min(self.not_after, issuer.not_valid_after_utc))


@dataclass(frozen=True, slots=True)
class Issuer:
    """An authority's certificate and the signer that holds its key.

    Raises:
        KeyMismatchError: the key is not the certificate's.
        NotAnAuthorityError: the certificate is no authority's.
    """

    certificate: x509.Certificate
    signer: Signer

    def __post_init__(self) -> None:
        what = display(self.certificate)
        key = require_strong_key(self.certificate.public_key(), what=what)
        if key != self.signer.public_key:
            ours, theirs = key_thumbprint(self.signer.public_key)[:16], key_thumbprint(key)[:16]
            raise KeyMismatchError(
                what, f"the key given is {ours}… and its own is {theirs}…", "give the key that belongs to this certificate"
            )
        if not is_authority(self.certificate):
            raise NotAnAuthorityError(what, "it is a leaf and can't issue", "give the certificate of an authority")


def root(signer: Signer, *, subject: x509.Name, validity: Validity, path_length: int | None, serial: int) -> x509.Certificate:
    """A self-signed authority for the key of ``signer``; ``path_length`` None leaves the number of authorities below open."""
    builder = _builder(subject, subject, signer.public_key, validity, serial)
    return _sign(_as_authority(builder, path_length), signer)


def intermediate(
    issuer: Issuer, *, subject: x509.Name, public_key: PublicKey, validity: Validity, path_length: int, serial: int
) -> x509.Certificate:
    """An authority below ``issuer`` for ``public_key``; ``path_length`` authorities may stand below it (0: devices only).

    Raises:
        PathLengthError: the issuer allows no authority, or not so many, below itself.
        OutlivesIssuerError: see ``Validity.within``.
        ProfileError: the subject is empty or its issuer's own name.
        WeakError: see ``require_strong_key``.
    """
    what, allowed = f"'{subject.rfc4514_string()}'", path_length_of(issuer.certificate)
    if not list(subject) or subject == issuer.certificate.subject:
        raise ProfileError(
            what, "an authority needs a subject of its own (RFC 5280 4.1.2.6)", "give it a name that differs from its issuer's"
        )
    if allowed is not None and path_length >= allowed:
        fact = f"path length {path_length} is asked for below {display(issuer.certificate)}, which allows {allowed}"
        raise PathLengthError(
            what, f"{fact} (RFC 5280 4.2.1.9)", f"ask for at most {allowed - 1}" if allowed else "let it sign devices only"
        )
    builder = _builder(subject, issuer.certificate.subject, public_key, validity, serial)
    return _sign_below(_as_authority(builder, path_length), issuer, validity, what)


def device(issuer: Issuer, *, device_id: str, public_key: PublicKey, validity: Validity, serial: int) -> x509.Certificate:
    """A device's client certificate: common name (and DNS name, where it is one) is ``device_id``, which Azure compares.

    Raises:
        ProfileError: the id is empty or longer than a common name may be.
        OutlivesIssuerError, WeakError: as for ``intermediate``.
    """
    subject = device_name(device_id)
    builder = _as_leaf(_builder(subject, issuer.certificate.subject, public_key, validity, serial))
    if _HOST_NAME.fullmatch(device_id):
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(device_id)]), critical=False)
    return _sign_below(builder, issuer, validity, f"device '{device_id}'")


def device_name(device_id: str) -> x509.Name:
    """The subject of a device's certificate.

    Raises:
        ProfileError: the id is empty or longer than 64 characters.
    """
    if not 0 < len(device_id) <= LONGEST_COMMON_NAME:
        fact = f"its id has {len(device_id)} characters and a common name holds 1 to {LONGEST_COMMON_NAME} (RFC 5280 A.1)"
        raise ProfileError(f"device '{device_id}'", fact, "use a shorter id, or a self-signed certificate with its thumbprint registered")
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, device_id)])


def proof_of_possession(issuer: Issuer, *, code: str, public_key: PublicKey, now: datetime, serial: int) -> x509.Certificate:
    """The certificate that answers Azure's verification ``code``: subject exactly ``CN=<code>``, signed by the authority.

    ``public_key`` is a throw-away one: Azure looks at the name and the signature only. ``now`` is best the service's own clock.

    Source: learn.microsoft.com/azure/iot-hub/tutorial-x509-test-certs.
    """
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, code)])
    validity = Validity.lasting(PROOF_LIFETIME, now=now).within(issuer.certificate)
    builder = _as_leaf(_builder(subject, issuer.certificate.subject, public_key, validity, serial))
    return _sign_below(builder, issuer, validity, f"the proof for {display(issuer.certificate)}")


def request(signer: Signer, *, subject: x509.Name) -> x509.CertificateSigningRequest:
    """A request to an outside authority for an issuing authority's certificate (RFC 2986)."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(_AUTHORITY_USAGE, critical=True)
    return builder.sign(builder_key(signer), digest_for(signer.public_key))


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


_AUTHORITY_USAGE, _LEAF_USAGE = _usage(authority=True), _usage(authority=False)
_CLIENT = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])


def _builder(subject: x509.Name, issuer: x509.Name, key: PublicKey, validity: Validity, serial: int) -> x509.CertificateBuilder:
    require_strong_key(key, what=f"'{subject.rfc4514_string()}'")
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key,
        serial_number=serial,
        not_valid_before=validity.not_before,
        not_valid_after=validity.not_after,
        extensions=[x509.Extension(x509.SubjectKeyIdentifier.oid, critical=False, value=x509.SubjectKeyIdentifier.from_public_key(key))],
    )


def _as_authority(builder: x509.CertificateBuilder, path_length: int | None) -> x509.CertificateBuilder:
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    return builder.add_extension(_AUTHORITY_USAGE, critical=True)


def _as_leaf(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return builder.add_extension(_LEAF_USAGE, critical=True).add_extension(_CLIENT, critical=False)


def _sign_below(builder: x509.CertificateBuilder, issuer: Issuer, validity: Validity, what: str) -> x509.Certificate:
    """Signed by ``issuer``, with its key identifier (RFC 5280 4.2.1.1)."""
    above = issuer.certificate
    if validity.not_before < above.not_valid_before_utc or validity.not_after > above.not_valid_after_utc:
        fact = f"it would be valid from {instant(validity.not_before)} to {instant(validity.not_after)}"
        limits = f"{instant(above.not_valid_before_utc)} to {instant(above.not_valid_after_utc)}"
        raise OutlivesIssuerError(what, f"{fact} and its issuer {display(above)} from {limits}", "shorten its lifetime or renew the issuer")
    if validity.not_before >= validity.not_after:
        raise OutlivesIssuerError(
            what, f"its issuer {display(above)} ends on {instant(above.not_valid_after_utc)}", "renew the issuer first"
        )
    named = subject_key_identifier(above)
    identifier = named or x509.SubjectKeyIdentifier.from_public_key(issuer.signer.public_key).digest
    authority = x509.AuthorityKeyIdentifier(identifier, authority_cert_issuer=None, authority_cert_serial_number=None)
    return _sign(builder.add_extension(authority, critical=False), issuer.signer)


def _sign(builder: x509.CertificateBuilder, signer: Signer) -> x509.Certificate:
    return builder.sign(builder_key(signer), digest_for(signer.public_key))
