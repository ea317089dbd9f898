"""What an IssuedCertificate declares: whose key, under which issuer, for how long, and when it is due again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from cryptography import x509

from hubtrust.custody.custodies import custody_of, signer_from
from hubtrust.dynamic.lifecycle import Properties
from hubtrust.pki import issue
from hubtrust.pki.certificate import describe, instant, load_certificate, load_certificates, pem
from hubtrust.pki.chain import require_signed_by
from hubtrust.pki.errors import ChainError, PathLengthError
from hubtrust.pki.keys import PublicKey, key_thumbprint, load_public_key, require_strong_key
from hubtrust.pki.profile import path_length, require_authority
from hubtrust.pki.request import load_request, requested_key
from hubtrust.pki.signers import Signer
from hubtrust.reconcile_errors import DeclarationError

ROOT, INTERMEDIATE, DEVICE = "root", "intermediate", "device"
PROFILES = (ROOT, INTERMEDIATE, DEVICE)
DEFAULTS = {
    ROOT: {"lifetimeDays": 3650.0, "renewBeforeDays": 365.0},
    INTERMEDIATE: {"lifetimeDays": 1825.0, "renewBeforeDays": 180.0},
    DEVICE: {"lifetimeDays": 365.0, "renewBeforeDays": 30.0},
}
# A renewal that gains less than this is none: a certificate that ends with its issuer waits for the issuer to be renewed.
_LEAST_GAIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Issuance:
    """The inputs, all known and read."""

    profile: str
    signer: Signer
    issuers: tuple[x509.Certificate, ...]  # the issuer first; empty for a root
    public_key: PublicKey
    news: Properties

    @classmethod
    def read(cls, news: Properties) -> Self:
        """From the inputs.

        Raises:
            HubtrustError: one is no good, as ``check`` says it.
        """
        profile = str(news["profile"])
        if profile == ROOT:
            signer = _signer(news, None)
            return cls(profile, signer, (), signer.public_key, news)
        issuers = tuple(load_certificates(str(news["issuerCertificate"]), what="issuerCertificate"))
        key = require_strong_key(issuers[0].public_key(), what="issuerCertificate")
        return cls(profile, _signer(news, key), issuers, _subject_key(news), news)

    @staticmethod
    def require_device_id(value: object) -> None:
        """Refuse an id that does not fit a common name."""
        issue.device_name(str(value))

    @property
    def subject_key_thumbprint(self) -> str:
        """The certified key's."""
        return key_thumbprint(self.public_key)

    @property
    def issuer_key_thumbprint(self) -> str:
        """The signing key's."""
        return key_thumbprint(self.signer.public_key)

    @property
    def lifetime(self) -> timedelta:
        """As declared; the issuer's end may cut it."""
        return timedelta(days=float(self._or_default("lifetimeDays")))

    @property
    def window(self) -> timedelta:
        """How long before its end it is due again."""
        return timedelta(days=float(self._or_default("renewBeforeDays")))

    def require_possible(self, *, now: datetime) -> None:
        """What signing would refuse, refused before anything is made.

        Raises:
            PkiError: the issuer is no authority, not valid now, of another key, or allows no such path length.
        """
        for above in self.issuers[:1]:
            require_authority(above, now=now)
            issue.Issuer(above, self.signer)
            allowed, asked = path_length(above), self.news.get("pathLength")
            if self.profile == INTERMEDIATE and allowed is not None and asked is not None and asked >= allowed:
                remedy = f"use at most {allowed - 1}" if allowed else "let the issuer sign devices, or have it issued with a longer path"
                raise PathLengthError("pathLength", f"it is {asked:g} and the issuer's own allows {allowed} authorities below", remedy)

    def sign(self, *, now: datetime, issuer: issue.Issuer | None = None) -> x509.Certificate:
        """The certificate, for its whole lifetime from ``now`` or as much of it as the issuer has left.

        ``issuer`` is the issuer, where it was judged already: for many certificates that is once instead of each time.
        """
        validity, serial = self._validity(now), x509.random_serial_number()
        length = self.news.get("pathLength")
        if self.profile == ROOT:
            subject = parse_subject(self.news["subject"])
            return issue.root(
                self.signer, subject=subject, validity=validity, path_length=None if length is None else int(length), serial=serial
            )
        issuer = issuer or issue.Issuer(self.issuers[0], self.signer)
        if self.profile == DEVICE:
            device_id = str(self.news["deviceId"])
            return issue.device(issuer, device_id=device_id, public_key=self.public_key, validity=validity, serial=serial)
        subject = parse_subject(self.news["subject"])
        return issue.intermediate(
            issuer, subject=subject, public_key=self.public_key, validity=validity, path_length=int(length or 0), serial=serial
        )

    def kept(self, olds: Properties, *, now: datetime) -> x509.Certificate | None:
        """The certificate of the last run, where it is still what is declared and not due; else None."""
        certificate = load_certificate(str(olds["certificate"]), what="certificate")
        same = olds.get("pathLength") == self.news.get("pathLength") and self._same_lifetime(olds) and self._is_below_issuer(certificate)
        return certificate if same and not self.is_due(certificate, now=now) else None

    def is_due(self, certificate: x509.Certificate, *, now: datetime) -> bool:
        """In its window, and there is something to gain by renewal."""
        gain = self._validity(now).not_after - certificate.not_valid_after_utc
        return now >= certificate.not_valid_after_utc - self.window and gain >= _LEAST_GAIN

    def is_current(self, olds: Properties, *, now: datetime) -> bool:
        """Nothing to sign, and nothing to say otherwise about it: chain, window and custody are as they were."""
        certificate = self.kept(olds, now=now)
        return certificate is not None and self.outs(certificate) == dict(olds)

    def outs(self, certificate: x509.Certificate) -> dict[str, Any]:
        """Every output; the key that signed is in none of them."""
        described = describe(certificate)
        kept = ("profile", "deviceId", "issuerCertificate", "pathLength", "lifetimeDays", "renewBeforeDays")
        found = {name: self.news.get(name) for name in kept} | {
            "subject": self.news.get("subject") or described.subject,
            "custody": custody_of(self.news["signer"]),
            "certificate": pem(certificate),
            "chain": "".join(pem(one) for one in (certificate, *self.issuers)),
            "issuer": described.issuer,
            "serial": described.serial,
            "thumbprint": described.thumbprint,
            "sha256": described.sha256,
            "notBefore": described.not_before,
            "notAfter": described.not_after,
            "renewAt": instant(certificate.not_valid_after_utc - self.window),
            "key": described.key,
            "keyThumbprint": described.key_thumbprint,
            "issuerKeyThumbprint": self.issuer_key_thumbprint,
        }
        return {name: value for name, value in found.items() if value is not None}

    def _validity(self, now: datetime) -> issue.Validity:
        validity = issue.Validity.lasting(self.lifetime, now=now)
        return validity.within(self.issuers[0]) if self.issuers else validity

    def _is_below_issuer(self, certificate: x509.Certificate) -> bool:
        """The issuer may have been renewed since: with the same name and key it stands above what it signed before."""
        try:
            require_signed_by(certificate, self.issuers[0] if self.issuers else certificate)
        except ChainError:
            return False
        return True

    def _same_lifetime(self, olds: Properties) -> bool:
        return float(olds.get("lifetimeDays") or DEFAULTS[self.profile]["lifetimeDays"]) == float(self._or_default("lifetimeDays"))

    def _or_default(self, name: str) -> Any:
        value = self.news.get(name)
        return DEFAULTS[self.profile][name] if value is None else value


def parse_subject(value: object) -> x509.Name:
    """RFC 4514 text as a name.

    Raises:
        DeclarationError: it is none, or empty.
    """
    try:
        name = x509.Name.from_rfc4514_string(str(value))
    except ValueError:
        raise DeclarationError("subject", f"'{value}' is no distinguished name", "write it as CN=Plant A,O=Contoso (RFC 4514)") from None
    if not list(name):
        raise DeclarationError("subject", "it is empty", "write it as CN=Plant A,O=Contoso (RFC 4514)")
    return name


def _signer(news: Properties, public_key: PublicKey | None) -> Signer:
    signer = signer_from(news["signer"], public_key=public_key)
    if signer is None:
        fact = f"custody '{custody_of(news['signer'])}' signs nothing here"
        raise DeclarationError("signer", fact, "issue it where the key is and import the chain")
    return signer


def _subject_key(news: Properties) -> PublicKey:
    if news.get("publicKey"):
        return load_public_key(str(news["publicKey"]), what="publicKey")
    name = str(news["deviceId"]) if news["profile"] == DEVICE else None
    return requested_key(load_request(str(news["request"]), what="request"), what="request", name=name)
