"""How certificates are issued: whose key, under which issuer, for how long, and when they are due again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pulumi
from cryptography import x509

from hubtrust.azure_inputs import CloudInputs, cloud_name
from hubtrust.certificates.lifetimes import DEVICE, INTERMEDIATE, LIFETIMES, LONGEST, ROOT, SHORTEST, Lifetime, require_window
from hubtrust.custody.custodies import DeclaredSigner, read_signer
from hubtrust.inputs import input_field, number
from hubtrust.pki import issue
from hubtrust.pki.certificate import Certificate, load_certificate, load_certificates, rfc3339
from hubtrust.pki.chain import path_upwards
from hubtrust.pki.errors import ChainError, PathLengthError
from hubtrust.pki.keys import PublicKey, key_thumbprint, require_strong_key
from hubtrust.pki.links import require_path_lengths, require_signed_by
from hubtrust.pki.name_constraints import require_allowed
from hubtrust.pki.path_choice import path_to
from hubtrust.pki.profile import path_length, require_valid_at
from hubtrust.pki.signers import Signer
from hubtrust.pki.verification_code import require_no_code_in
from hubtrust.reconcile_errors import DeclarationError

# What to do where the issuer's key is not here. That it is not may follow from an Output.
ELSEWHERE = "issue the certificate where the key is, and import the chain; or give an authority whose issuing key is here"
PROFILES = (ROOT, INTERMEDIATE, DEVICE)
# A renewal that gains less than this is not worth it: a certificate that ends with its issuer waits for the issuer to be renewed.
_LEAST_GAIN = timedelta(hours=1)
_LEAST_CUT = timedelta(days=1)  # of a lifetime, that is told


def issuer_certificates(value: object) -> tuple[Certificate, ...]:
    """The certificates in the input ``issuer_certificate``, the issuer's own first."""
    return tuple(load_certificates(str(value), what="issuerCertificate"))


def _defaults(name: str) -> str:
    return ", ".join(f"{getattr(lifetime, name):g} ({profile})" for profile, lifetime in LIFETIMES.items())


@dataclass(frozen=True, kw_only=True)
class IssuingInputs(CloudInputs):
    """The inputs of every resource that issues certificates: the issuer, its key, and how long the certificates last."""

    cloud: str = cloud_name(kept=False)  # in the outputs it would be a change of every certificate that exists

    issuer_certificate: tuple[Certificate, ...] = input_field(
        issuer_certificates, "certificates, PEM, the issuer's own first; those above it go into the chain.", required=True
    )
    anchor: Certificate | None = input_field(
        lambda value: load_certificate(str(value), what="anchor"),
        "the certificate, PEM, of those in ``issuer_certificate`` that is trusted: what is above it judges nothing. Default: all judge.",
    )
    signer: DeclaredSigner = input_field(
        read_signer,
        "where the issuer's key is, or a root's own: ``signer_inputs.in_state``, ``in_key_vault`` or ``in_token``. It becomes a secret.",
        required=True,
        secret=True,
    )
    lifetime_days: float | None = input_field(
        number(SHORTEST, LONGEST),
        f"how many days a certificate is valid; default {_defaults('days')}; fewer if the issuer expires earlier.",
        kept=True,
    )
    renew_before_days: float | None = input_field(
        number(0, LONGEST), f"how many days before its end a certificate is renewed; default {_defaults('renew_before_days')}.", kept=True
    )

    def lifetime(self, profile: str) -> Lifetime:
        """The declared lifetime; what is not declared has the default of ``profile``.

        Raises:
            DeclarationError: the renewal window is not shorter than the lifetime.
        """
        default = LIFETIMES[profile]
        days = default.days if self.lifetime_days is None else self.lifetime_days
        window = default.renew_before_days if self.renew_before_days is None else self.renew_before_days
        if not {"lifetime_days", "renew_before_days"} & self.unknown:
            require_window(days, window)
        return Lifetime(days, window)

    def issuer_key(self) -> Signer:
        """The signer with the issuer's key.

        Raises:
            DeclarationError: see ``DeclaredSigner.require_signer``.
            WeakError: the issuer's key is too weak.
        """
        key = require_strong_key(self.issuer_certificate[0].public_key(), what="issuerCertificate")
        return self.signer.require_signer(ELSEWHERE, key)


@dataclass(frozen=True, slots=True)
class Issuance:
    """One certificate to issue."""

    profile: str
    signer: Signer
    public_key: PublicKey  # the key to certify
    lifetime: Lifetime
    issuers: tuple[Certificate, ...] = ()  # the issuer first; empty for a root
    subject: x509.Name | None = None  # of a root or an intermediate
    device_id: str | None = None  # of a device; `<device>/<module>` of a module
    path_length: int | None = None
    anchor: Certificate | None = None  # of the issuers the one that is trusted; None: all of them judge

    @property
    def subject_key_thumbprint(self) -> str:
        """The thumbprint of the key to certify."""
        return key_thumbprint(self.public_key)

    @property
    def issuer_key_thumbprint(self) -> str:
        """The thumbprint of the key that signs."""
        return key_thumbprint(self.signer.public_key)

    @property
    def window(self) -> timedelta:
        """How long before its end the certificate is renewed."""
        return timedelta(days=self.lifetime.renew_before_days)

    def require_possible(self, *, now: datetime, issuer: issue.Issuer | None = None) -> None:
        """Check now what ``sign`` would refuse later; ``issuer`` as for ``sign``.

        Raises:
            PkiError: see ``issuer``; or an authority of the path does not allow the path length or the name.
        """
        if not self.issuers:
            return
        path = (issuer or self.issuer(now=now)).path
        if self.profile == DEVICE:
            require_path_lengths(path, below=0)
            issue.require_device_allowed(str(self.device_id), path)
            return
        allowed, asked = path_length(path[0]), self.path_length
        if allowed is not None and asked is not None and asked >= allowed:
            remedy = f"use at most {allowed - 1}" if allowed else "let the issuer sign devices, or have it issued with a longer path"
            raise PathLengthError("pathLength", f"it is {asked} and the issuer's own allows {allowed} authorities below", remedy)
        require_path_lengths(path, below=1)
        require_allowed(self.subject or x509.Name([]), (), path, what="subject", leaf=False)

    def issuer(self, *, now: datetime) -> issue.Issuer:
        """The issuer and the authorities above it that judge: up to the trusted one, or all that are given and have not expired.

        Whether they are valid now is checked where something is signed (``require_valid``): what exists is compared with them in every run.

        Raises:
            PkiError: the issuer is not an authority, has another key than the signer, or can't sign; see ``path_to``.
        """
        if self.anchor is None:
            return issue.Issuer.of(path_upwards(self.issuers), self.signer, now=now)
        path = path_to(self.anchor, self.issuers, now=now)
        return issue.Issuer(path[0], self.signer, path[1:])

    def require_valid(self, *, now: datetime, issuer: issue.Issuer | None = None) -> None:
        """Check that every authority that judges is valid now; ``issuer`` as for ``sign``. An expired one signs nothing new.

        Raises:
            PkiError: one is not, or see ``issuer``.
        """
        if self.issuers:
            for authority in reversed((issuer or self.issuer(now=now)).path):
                require_valid_at(authority, now=now)

    def sign(self, *, now: datetime, issuer: issue.Issuer | None = None) -> Certificate:
        """Sign the certificate, and check it against the path. It is valid for its lifetime from ``now``, but not longer than its issuers.

        ``issuer`` is the issuer if it is validated already, so that it is validated only once for many certificates.

        Raises:
            PkiError: see ``require_possible``.
        """
        serial = x509.random_serial_number()
        subject = self.subject or x509.Name([])
        if self.profile == ROOT:
            validity = self._validity(now, ())
            return issue.root(self.signer, subject=subject, validity=validity, path_length=self.path_length, serial=serial)
        issuer = issuer or self.issuer(now=now)
        self.require_valid(now=now, issuer=issuer)
        validity = self._validity(now, issuer.path)
        if self.profile == DEVICE:
            device_id = str(self.device_id)
            return issue.device(issuer, device_id=device_id, public_key=self.public_key, validity=validity, serial=serial)
        length = self.path_length or 0
        return issue.intermediate(issuer, subject=subject, public_key=self.public_key, validity=validity, path_length=length, serial=serial)

    def is_current(self, certificate: Certificate, *, lifetime_days: object, now: datetime) -> bool:
        """Whether ``certificate``, issued for ``lifetime_days`` (None: the default), is still what is declared, and not due for renewal."""
        issued_for = LIFETIMES[self.profile].days if lifetime_days is None else float(str(lifetime_days))
        if issued_for != self.lifetime.days or is_from_the_future(certificate, now=now):
            return False
        return self._is_signed_by_issuer(certificate) and not self.is_due(certificate, now=now)

    def is_due(self, certificate: Certificate, *, now: datetime) -> bool:
        """Whether it is in its renewal window, and renewal would make it last longer."""
        if now < certificate.not_valid_after_utc - self.window:
            return False
        path = self.issuer(now=now).path if self.issuers else ()
        return self._validity(now, path).not_after - certificate.not_valid_after_utc >= _LEAST_GAIN

    def what_is_cut(self, certificate: Certificate, *, now: datetime) -> str | None:
        """What to tell of a certificate, issued ``now``, that ends a day or more before its lifetime is over, because its issuers do."""
        left = timedelta(days=self.lifetime.days) - (certificate.not_valid_after_utc - now)
        if left < _LEAST_CUT:
            return None
        fact = f"it ends on {rfc3339(certificate.not_valid_after_utc)} with its issuer, {left.days:,} days before lifetimeDays is over"
        return f"{fact}; have the issuer renewed, or use a smaller lifetimeDays"

    def _validity(self, now: datetime, path: tuple[Certificate, ...]) -> issue.Validity:
        validity = issue.Validity.lasting(timedelta(days=self.lifetime.days), now=now)
        return validity.within(*path) if path else validity

    def _is_signed_by_issuer(self, certificate: Certificate) -> bool:
        """Also true if the issuer was renewed since with the same name and key."""
        try:
            require_signed_by(certificate, self.issuers[0] if self.issuers else certificate)
        except ChainError:
            return False
        return True


class IssuedCertificateOutputs:
    """The outputs of an IssuedCertificate; none of them contains a private key."""

    profile: pulumi.Output[str]
    """`root`, `intermediate` or `device`, as declared."""
    certificate: pulumi.Output[str]
    """The certificate, PEM."""
    chain: pulumi.Output[str]
    """The certificate and all that are above it in ``issuer_certificate``, PEM: what a device sends."""
    issuer: pulumi.Output[str]
    """The issuer's subject, as RFC 4514 text."""
    serial: pulumi.Output[str]
    """The serial number, hex."""
    thumbprint: pulumi.Output[str]
    """SHA-1 thumbprint as Azure shows it: 40 upper-case hex digits."""
    sha256: pulumi.Output[str]
    """SHA-256 thumbprint: 64 upper-case hex digits."""
    subject: pulumi.Output[str]
    """The subject, as RFC 4514 text."""
    device_id: pulumi.Output[str | None]
    """The id of the device, as declared; None for a CA."""
    module_id: pulumi.Output[str | None]
    """The id of the device's module, as declared; None for a device and a CA."""
    issuer_certificate: pulumi.Output[str | None]
    """The issuer's certificate and those above it, PEM, as declared; None for a root."""
    path_length: pulumi.Output[float | None]
    """How many authorities may follow below, as declared; None for a device."""
    lifetime_days: pulumi.Output[float | None]
    """For how many days it is issued, as declared; None: the default of the profile."""
    renew_before_days: pulumi.Output[float | None]
    """How many days before its end it is renewed, as declared; None: the default of the profile."""
    not_before: pulumi.Output[str]
    """From when it is valid, UTC: 2026-11-24T03:19:06Z."""
    not_after: pulumi.Output[str]
    """When it expires, UTC; never later than its issuer."""
    renew_at: pulumi.Output[str]
    """From when a run renews it with the same key, UTC."""
    key: pulumi.Output[str]
    """The kind of the certified key, such as `EC P-256`."""
    key_thumbprint: pulumi.Output[str]
    """SHA-256 of the certified public key (SubjectPublicKeyInfo, DER), hex; it is the resource's id."""
    key_since: pulumi.Output[str | None]
    """From when the first certificate of this resource for the same key was valid, UTC; None where that is ``not_before``."""
    issuer_key_thumbprint: pulumi.Output[str]
    """SHA-256 of the issuer's public key, hex."""
    custody: pulumi.Output[str]
    """Where the issuer's key is: `state`, `key-vault` or `pkcs11`."""


def is_from_the_future(certificate: Certificate, *, now: datetime) -> bool:
    """Whether it was issued by a clock that was ahead. What is issued here is backdated, so that ``now`` need not be exact."""
    return certificate.not_valid_before_utc > now


def parse_subject(value: object) -> x509.Name:
    """The name that RFC 4514 text denotes.

    Raises:
        DeclarationError: the text is not a distinguished name, or is empty.
        VerificationCodeError: it has the form of a verification code.
    """
    try:
        name = x509.Name.from_rfc4514_string(str(value))
    except ValueError:
        raise DeclarationError("subject", f"'{value}' is not a distinguished name", "write it as CN=Plant A,O=Contoso (RFC 4514)") from None
    if not list(name):
        raise DeclarationError("subject", "it is empty", "write it as CN=Plant A,O=Contoso (RFC 4514)")
    require_no_code_in(name, what="subject")
    return name
