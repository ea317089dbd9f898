"""CAs and proofs for these tests, on `cryptography` directly: local Azure shares no code with the product, and neither do its tests."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.x509.oid import NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | dsa.DSAPrivateKey


@dataclass(frozen=True)
class Maker:
    """A CA: its certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> str:
        """The certificate as text."""
        return pem(self.certificate)

    def proof(
        self,
        code: str,
        *,
        key: Key | None = None,
        starts: timedelta = timedelta(hours=-1),
        lasts: timedelta = timedelta(days=1),
        issuer: x509.Name | None = None,
        pss: bool = False,
    ) -> str:
        """A certificate for `code`, signed by this CA's key (or by `key`, in its name)."""
        begins = datetime.now(UTC) + starts
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(code))
            .issuer_name(issuer or self.certificate.subject)
            .public_key(ec.generate_private_key(ec.SECP256R1()).public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(begins + lasts)
        )
        signer = key or self.key
        scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH) if pss else None
        return pem(builder.sign(signer, _digest(signer), rsa_padding=scheme))  # type: ignore[arg-type] - the digest fits the key


def authority(common_name: str = "Trial CA", key: Key | None = None, *, ends: timedelta = timedelta(days=30), ca: bool = True) -> Maker:
    """A self-signed CA; P-256 unless a key is given. `ends` may be in the past."""
    own = key or ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(common_name))
        .issuer_name(name(common_name))
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, now + ends) - timedelta(days=1))
        .not_valid_after(now + ends)
    )
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return Maker(builder.sign(own, _digest(own)), own)  # type: ignore[arg-type] - the digest fits the key


def name(common_name: str) -> x509.Name:
    """`CN=…` and nothing else."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def pem(certificate: x509.Certificate) -> str:
    """A certificate as PEM text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def private_pem(key: Key) -> str:
    """A private key as PEM text; it must never be uploaded."""
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


def encoded(text: str) -> str:
    """Base64 of PEM, as the az CLI sends it."""
    return base64.b64encode(text.encode()).decode()


def uploaded(text: str, **properties: Any) -> dict[str, Any]:
    """The body of a PUT since 2021-03-31."""
    return {"properties": {"certificate": encoded(text), **properties}}


def _digest(key: Key) -> hashes.SHA256 | None:
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
