"""Certificates and keys among a resource's properties, read from their own bytes: an input may say what the certificate does not."""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from .declared import CONNECTION_CHECK, ISSUED_BATCH, ISSUED_CERTIFICATE, TLS_SIGNED, VERIFIED_CERTIFICATE

if TYPE_CHECKING:
    from .declared import Declared

# Where an authority's certificate goes in: what a hub is to trust, and whose key is to sign.
_AUTHORITIES = {
    VERIFIED_CERTIFICATE: ("certificate",),
    ISSUED_CERTIFICATE: ("issuerCertificate",),
    ISSUED_BATCH: ("issuerCertificate",),
    CONNECTION_CHECK: ("chain",),
    TLS_SIGNED: ("caCertPem",),
}
_AZURE_AUTHORITIES = {"iothub:Certificate", "deviceprovisioningservices:DpsCertificate"}
_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521", "secp224r1": "P-224"}


class UnreadableError(ValueError):
    """There is a text where a certificate should be, and it is none."""


def authorities(resource: Declared) -> tuple[x509.Certificate, ...]:
    """The authorities' certificates that go into a resource, the nearest first; nothing where none does.

    Raises:
        NotKnownYetError: they are not known before the update.
        UnreadableError: what is there is no certificate.
    """
    path = _AUTHORITIES.get(resource.type) or (("properties", "certificate") if resource.noun in _AZURE_AUTHORITIES else None)
    text = resource.need(*path) if path else None
    return load(str(text)) if text else ()


@lru_cache(maxsize=4096)
def load(text: str) -> tuple[x509.Certificate, ...]:
    """Every certificate in PEM, or in base64 of PEM or DER as Azure takes it.

    Raises:
        UnreadableError: there is none.
    """
    try:
        if "-----BEGIN" in text:
            return tuple(x509.load_pem_x509_certificates(text.encode()))
        raw = base64.b64decode(text, validate=True)
        return tuple(x509.load_pem_x509_certificates(raw)) if raw.startswith(b"-----") else (x509.load_der_x509_certificate(raw),)
    except (ValueError, binascii.Error):
        raise UnreadableError("there is no certificate in it that can be read") from None


@lru_cache(maxsize=4096)
def name_of(certificate: x509.Certificate) -> str:
    """How messages call it."""
    return f"'{certificate.subject.rfc4514_string()}'"


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether it says that it is a CA (RFC 5280 4.2.1.9)."""
    constraints = _constraints(certificate)
    return constraints is not None and constraints.ca


def path_length(certificate: x509.Certificate) -> int | None:
    """How many authorities may stand below it; None where it does not say."""
    constraints = _constraints(certificate)
    return constraints.path_length if constraints else None


def is_self_issued(certificate: x509.Certificate) -> bool:
    """A root."""
    return certificate.subject == certificate.issuer


def lifetime_days(certificate: x509.Certificate) -> float:
    """From its beginning to its end."""
    return (certificate.not_valid_after_utc - certificate.not_valid_before_utc).total_seconds() / 86400


def thumbprints(certificate: x509.Certificate) -> dict[str, str]:
    """SHA-256 of the certificate and of its key (SubjectPublicKeyInfo), upper-case hex: what the stack's output `trust` shows."""
    key = certificate.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key)
    return {"certificate": certificate.fingerprint(hashes.SHA256()).hex().upper(), "key": digest.finalize().hex().upper()}


def key_of(key: Any) -> tuple[str, int | str]:
    """A public key as kind and size: `("RSA", 3072)`, `("EC", "P-256")`; another kind by its class and 0."""
    if isinstance(key, rsa.RSAPublicKey):
        return "RSA", key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "EC", _CURVES.get(key.curve.name, key.curve.name)
    return type(key).__name__.removesuffix("PublicKey").lstrip("_"), 0


@lru_cache(maxsize=4096)
def certified_key(text: str) -> tuple[str, int | str] | None:
    """The kind and size of the key in a PEM public key or certificate request; None where there is none to be read."""
    try:
        if "CERTIFICATE REQUEST" in text:
            return key_of(x509.load_pem_x509_csr(text.encode()).public_key())
        return key_of(serialization.load_pem_public_key(text.encode()))
    except ValueError:
        return None


def signature_hash(certificate: x509.Certificate) -> str:
    """The hash that it was signed with, such as `sha256`; the algorithm's id where that has none."""
    algorithm = certificate.signature_hash_algorithm
    return algorithm.name if algorithm else certificate.signature_algorithm_oid.dotted_string


def _constraints(certificate: x509.Certificate) -> x509.BasicConstraints | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return None
