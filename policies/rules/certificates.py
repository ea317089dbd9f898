"""Reads certificates and keys among a resource's properties. Rules trust these bytes, not the inputs that describe them."""

from __future__ import annotations

import base64
import binascii
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
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
# What `cryptography` raises for a certificate, or a part of one, that it does not read.
_ODD = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)


class UnreadableError(ValueError):
    """An input that should hold a certificate does not, or holds one that can't be checked; with what to do."""


def ca_certificates(resource: Resource) -> tuple[x509.Certificate, ...]:
    """The CA certificates among a resource's inputs, in the order of the chain; empty if it has none.

    Raises:
        NotKnownYetError: they are not known before the update.
        UnreadableError: the input is not a certificate, or one that can't be checked.
    """
    path = _CA_CERTIFICATES.get(resource.type) or (("properties", "certificate") if resource.noun in _AZURE_CA_CERTIFICATES else None)
    text = resource.known(*path) if path else None
    return load(str(text)) if text else ()


@lru_cache(maxsize=4096)
def load(text: str) -> tuple[x509.Certificate, ...]:
    """Every certificate in a PEM text, or in base64 of PEM or DER, which Azure accepts.

    Raises:
        UnreadableError: there is no certificate in it, or one that can't be checked.
    """
    with warnings.catch_warnings(action="ignore"):  # `cryptography` warns of what is odd; whoever runs the pack can't change it
        try:
            found = _certificates(text)
        except (*_ODD, binascii.Error):
            raise UnreadableError("it contains no readable certificate: provide it as PEM") from None
        for certificate in found:
            _require_checkable(certificate)
    return found


def _certificates(text: str) -> tuple[x509.Certificate, ...]:
    if "-----BEGIN" in text:
        return tuple(x509.load_pem_x509_certificates(text.encode()))
    raw = base64.b64decode(text, validate=True)
    return tuple(x509.load_pem_x509_certificates(raw)) if raw.startswith(b"-----") else (x509.load_der_x509_certificate(raw),)


def _require_checkable(certificate: x509.Certificate) -> None:
    """Everything that a rule reads is readable: `cryptography` reads most parts of a certificate when they are asked for."""
    try:
        for name in (certificate.subject, certificate.issuer):
            name.rfc4514_string()
        _ = certificate.extensions, certificate.not_valid_before_utc, certificate.not_valid_after_utc
        thumbprints(certificate), signature_hash(certificate)
    except _ODD as error:
        fact = f"a part of it can't be read ({' '.join(str(error).split()).rstrip('.') or type(error).__name__})"
        raise UnreadableError(f"{fact}: use a CA whose parts are as RFC 5280 has them, or set this policy to advisory") from None


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
    except x509.ExtensionNotFound:
        return None
