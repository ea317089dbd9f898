"""Authorities and certificates for tests, created when the tests run; some are invalid on purpose."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from hubtrust.pki import issue
from hubtrust.pki.certificate import Certificate
from hubtrust.pki.keys import PrivateKey
from hubtrust.pki.signers import KeyInMemory

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
YEAR = timedelta(days=365)
ABSENT = object()


def ec_key(curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve or ec.SECP256R1())


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """One RSA key per size and process: creating one takes a second, and no test needs two."""
    return rsa.generate_private_key(65537, bits)


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def parsed(certificate: Certificate) -> x509.Certificate:
    """``certificate`` as `cryptography` reads it, for judges of another kind."""
    return x509.load_der_x509_certificate(certificate.der)


def pem_of(*certificates: Certificate) -> str:
    return "".join(one.public_bytes(serialization.Encoding.PEM).decode() for one in certificates)


def private_pem(key: PrivateKey, passphrase: str | None = None) -> str:
    encryption = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()


def lasting(days: float = 365, now: datetime = NOW) -> issue.Validity:
    return issue.Validity.lasting(timedelta(days=days), now=now)


@dataclass
class Hierarchy:
    """A chain that hubtrust issued: the issuers from the root down."""

    issuers: list[issue.Issuer]

    @property
    def up(self) -> list[Certificate]:
        """The certificates, issuing CA first, as in a chain file."""
        return [issuer.certificate for issuer in reversed(self.issuers)]

    @property
    def issuing(self) -> issue.Issuer:
        """The lowest CA, which signs device certificates."""
        return self.issuers[-1]


def hierarchy(keys: list[PrivateKey] | None = None, *, depth: int = 1, days: float = 3650) -> Hierarchy:
    """A root and ``depth`` intermediates below it; with ``keys``, one CA for each key."""
    keys = keys or [ec_key() for _ in range(depth + 1)]
    depth = len(keys) - 1
    signer = KeyInMemory(keys[0])
    root = issue.root(signer, subject=name("Root"), validity=lasting(days), path_length=depth, serial=1)
    issuers = [issue.Issuer(root, signer)]
    for level, key in enumerate(keys[1:], 1):
        validity = lasting(days).within(issuers[-1].certificate)
        certificate = issue.intermediate(
            issuers[-1],
            subject=name(f"Level {level}"),
            public_key=key.public_key(),
            validity=validity,
            path_length=depth - level,
            serial=level + 1,
        )
        issuers.append(issue.Issuer(certificate, KeyInMemory(key)))
    return Hierarchy(issuers)


def leaf(issuer: issue.Issuer, device_id: str = "press-001", key: PrivateKey | None = None) -> Certificate:
    validity = lasting(30).within(issuer.certificate)
    return issue.device(issuer, device_id=device_id, public_key=(key or ec_key()).public_key(), validity=validity, serial=77)


@dataclass
class Forged:
    """A certificate created without hubtrust, so that it can break any rule."""

    subject: str | x509.Name = "Forged"
    key: Any = field(default_factory=ec_key)
    issuer: "Forged | None" = None
    authority: Any = True  # True, False or ABSENT
    path_length: int | None = None
    usage: Any = True  # keyCertSign: True, False or ABSENT
    ski: Any = True
    aki: Any = True
    critical_constraints: bool = True
    start: datetime = NOW - timedelta(days=1)
    end: datetime = NOW + YEAR
    algorithm: Any = field(default_factory=hashes.SHA256)
    extra: list[tuple[x509.ExtensionType, bool]] = field(default_factory=list)
    signed_by: Any = None  # another key than the issuer's: an invalid signature
    serial: int = 4711

    @property
    def name(self) -> x509.Name:
        """The subject."""
        return name(self.subject) if isinstance(self.subject, str) else self.subject

    @property
    def certificate(self) -> Certificate:
        """A new certificate at each access, from the current fields."""
        issuer = self.issuer or self
        builder = x509.CertificateBuilder(
            subject_name=self.name,
            issuer_name=issuer.name,
            public_key=self.key.public_key(),
            serial_number=self.serial,
            not_valid_before=self.start,
            not_valid_after=self.end,
            extensions=[x509.Extension(value.oid, critical, value) for value, critical in self._extensions(issuer)],
        )
        return Certificate.of(builder.sign(self.signed_by or issuer.key, self.algorithm))

    def _extensions(self, issuer: "Forged") -> list[tuple[x509.ExtensionType, bool]]:
        found: list[tuple[x509.ExtensionType, bool]] = []
        if self.authority is not ABSENT:
            found.append((x509.BasicConstraints(ca=self.authority, path_length=self.path_length), self.critical_constraints))
        if self.usage is not ABSENT:
            found.append((issue._key_usage(authority=self.usage), True))
        if self.ski is not ABSENT:
            found.append((x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False))
        if self.aki is not ABSENT and self.issuer:
            found.append((x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), False))
        return found + self.extra


def write(folder: Path, **texts: str) -> dict[str, Path]:
    """Write each text to a file of its own in ``folder``."""
    paths = {}
    for stem, text in texts.items():
        paths[stem] = folder / f"{stem}.pem"
        paths[stem].write_text(text)
    return paths
