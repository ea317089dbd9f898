"""CAs and device certificates, created when the tests run; some are invalid on purpose."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

DAY = timedelta(days=1)
_PEM = serialization.Encoding.PEM


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority, content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        key_cert_sign=authority, crl_sign=authority, encipher_only=False, decipher_only=False,
    )  # fmt: skip


@dataclass
class Party:
    """A key with its certificate and its issuer."""

    name: str
    issuer: Party | None = None
    authority: bool = True
    constraints: bool = True  # whether it has basic constraints
    path_length: int | None = None
    start: datetime = field(default_factory=lambda: datetime.now(UTC) - DAY)
    days: float = 30
    usages: tuple[Any, ...] = (ExtendedKeyUsageOID.CLIENT_AUTH,)
    key_usage: x509.KeyUsage | None = None
    alternative_names: tuple[str, ...] = ()  # of a server
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        """Sign the certificate."""
        issuer = self.issuer or self
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        above = subject if self.issuer is None else self.issuer.certificate.subject
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(above)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.start)
            .not_valid_after(self.start + self.days * DAY)
            .add_extension(self.key_usage or _usage(authority=self.authority), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
        )
        if self.constraints:
            builder = builder.add_extension(x509.BasicConstraints(ca=self.authority, path_length=self.path_length), critical=True)
        if not self.authority and self.usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(self.usages), critical=False)
        if self.alternative_names:
            names = x509.SubjectAlternativeName([x509.DNSName(each) for each in self.alternative_names])
            builder = builder.add_extension(names, critical=False)
        if self.issuer:
            builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
        self.certificate = builder.sign(issuer.key, hashes.SHA256())

    def authority_below(self, name: str, **members: Any) -> Party:
        """A CA certificate that this CA signs."""
        return Party(name, self, **members)

    def device(self, name: str, **members: Any) -> Party:
        """A device certificate that this CA signs."""
        return Party(name, self, authority=False, **members)

    @property
    def pem(self) -> str:
        """The certificate alone."""
        return self.certificate.public_bytes(_PEM).decode()

    @property
    def chain(self) -> list[Party]:
        """This certificate and its issuers, up to the root."""
        return [self, *(self.issuer.chain if self.issuer else [])]

    def files(self, folder: Path, *above: Party) -> tuple[Path, Path]:
        """A file with the certificate and those `above` it, and one with the key."""
        folder.mkdir(parents=True, exist_ok=True)
        certificate, key = folder / "chain.pem", folder / "key.pem"
        certificate.write_text("".join(party.pem for party in (self, *above)))
        key.write_bytes(self.key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        return certificate, key

    def thumbprint(self) -> str:
        """SHA-1, upper-case hex, as Azure shows it."""
        return self.certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - Azure's name of a certificate


def signing_request(common_name: str) -> str:
    """A device's own certificate signing request, PEM; its key is thrown away."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return request.public_bytes(_PEM).decode()
