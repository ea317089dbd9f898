"""Reads certificates and keys among a resource's properties. Rules trust these bytes, not the inputs that describe them."""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from .resource import CONNECTION_CHECK, ISSUED_BATCH, ISSUED_CERTIFICATE, TLS_SIGNED, VERIFIED_CERTIFICATE

if TYPE_CHECKING:
    from .resource import Resource

# The inputs that hold a CA certificate: one that a hub trusts, or whose key signs.
_CA_CERTIFICATES = {
    VERIFIED_CERTIFICATE: ("certificate",),
    ISSUED_CERTIFICATE: ("issuerCertificate",),
    ISSUED_BATCH: ("issuerCertificate",),
    CONNECTION_CHECK: ("chain",),
    TLS_SIGNED: ("caCertPem",),
}
_AZURE_CA_CERTIFICATES = {"iothub:Certificate", "deviceprovisioningservices:DpsCertificate"}
_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521", "secp224r1": "P-224"}


class UnreadableError(ValueError):
    """An input that should hold a certificate does not."""


def ca_certificates(resource: Resource) -> tuple[x509.Certificate, ...]:
    """The CA certificates among a resource's inputs, in the order of the chain; empty if it has none.

    Raises:
        NotKnownYetError: they are not known before the update.
        UnreadableError: the input is not a certificate.
    """
    path = _CA_CERTIFICATES.get(resource.type) or (("properties", "certificate") if resource.noun in _AZURE_CA_CERTIFICATES else None)
    text = resource.known(*path) if path else None
    return load(str(text)) if text else ()


@lru_cache(maxsize=4096)
def load(text: str) -> tuple[x509.Certificate, ...]:
    """Every certificate in a PEM text, or in base64 of PEM or DER, which Azure accepts.

    Raises:
        UnreadableError: there is no certificate in it.
    """
    try:
        if "-----BEGIN" in text:
            return tuple(x509.load_pem_x509_certificates(text.encode()))
        raw = base64.b64decode(text, validate=True)
        return tuple(x509.load_pem_x509_certificates(raw)) if raw.startswith(b"-----") else (x509.load_der_x509_certificate(raw),)
    except (ValueError, binascii.Error):
        raise UnreadableError("it contains no readable certificate") from None


@lru_cache(maxsize=4096)
def name_of(certificate: x509.Certificate) -> str:
    """The name of the certificate in messages: its quoted subject (RFC 4514)."""
    return f"'{certificate.subject.rfc4514_string()}'"


def is_ca(certificate: x509.Certificate) -> bool:
    """Whether its basic constraints mark it as a CA (RFC 5280 4.2.1.9)."""
    constraints = _constraints(certificate)
    return constraints is not None and constraints.ca


def path_length(certificate: x509.Certificate) -> int | None:
    """The path length: how many CAs may be below it; None if it sets no limit."""
    constraints = _constraints(certificate)
    return constraints.path_length if constraints else None


def is_self_issued(certificate: x509.Certificate) -> bool:
    """Whether subject and issuer are equal, as in a root certificate."""
    return certificate.subject == certificate.issuer


def lifetime_days(certificate: x509.Certificate) -> float:
    """The days from notBefore to notAfter."""
    return (certificate.not_valid_after_utc - certificate.not_valid_before_utc).total_seconds() / 86400


def thumbprints(certificate: x509.Certificate) -> dict[str, str]:
    """SHA-256 of the certificate and of its key (SubjectPublicKeyInfo), in upper-case hex, as in the stack output `trust`."""
    key = certificate.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key)
    return {"certificate": certificate.fingerprint(hashes.SHA256()).hex().upper(), "key": digest.finalize().hex().upper()}


def key_of(key: Any) -> tuple[str, int | str]:
    """The type and size of a public key: `("RSA", 3072)` or `("EC", "P-256")`; for other keys the class name and 0."""
    if isinstance(key, rsa.RSAPublicKey):
        return "RSA", key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "EC", _CURVES.get(key.curve.name, key.curve.name)
    return type(key).__name__.removesuffix("PublicKey").lstrip("_"), 0


def signature_hash(certificate: x509.Certificate) -> str:
    """The hash of its signature, such as `sha256`; the OID of a signature algorithm without a separate hash."""
    algorithm = certificate.signature_hash_algorithm
    return algorithm.name if algorithm else certificate.signature_algorithm_oid.dotted_string


def _constraints(certificate: x509.Certificate) -> x509.BasicConstraints | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return None
