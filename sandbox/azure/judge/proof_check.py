"""Checks proofs of possession: does this certificate prove that its issuer holds the CA's private key?"""

from __future__ import annotations

import hmac
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID, PublicKeyAlgorithmOID, SignatureAlgorithmOID

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509

# Azure was recorded to take a proof whose first second was still one second ahead of its own clock. How much it tolerates is a guess.
SKEW = timedelta(minutes=1)


class Reason(StrEnum):
    """Why a proof is refused, in the order of the checks."""

    SIGNATURE = "not signed by this certificate's key"
    CODE = "its subject is not the newest verification code"
    DATES = "not within its dates"


def refusal_reason(proof: x509.Certificate, authority: x509.Certificate, code: str, now: datetime) -> Reason | None:
    """Why a proof is refused, or None: it must be signed by this authority's key, its CN must be the code, and it must be within its dates.

    Extensions are not checked: Azure was recorded to accept proofs without any.
    """
    if proof.issuer != authority.subject or not _signed_by(proof, authority):
        return Reason.SIGNATURE
    names = proof.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if not code:
        return Reason.CODE  # no code was issued: an empty common name must not match
    # Azure's code is upper-case hex; the comparison is exact, and in constant time by habit.
    if len(names) != 1 or not hmac.compare_digest(str(names[0].value).encode(), code.encode()):
        return Reason.CODE
    if not proof.not_valid_before_utc - SKEW <= now <= proof.not_valid_after_utc:
        return Reason.DATES
    return None


def _signed_by(proof: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        key = authority.public_key()
        algorithm = proof.signature_hash_algorithm
        if isinstance(key, rsa.RSAPublicKey) and algorithm is not None:
            scheme: padding.AsymmetricPadding = padding.PKCS1v15()
            if proof.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS:
                parameters = proof.signature_algorithm_parameters
                if not isinstance(parameters, padding.PSS):
                    return False
                scheme = parameters
            elif authority.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSASSA_PSS:
                return False  # such a key verifies nothing else (RFC 4055 1.2)
            key.verify(proof.signature, proof.tbs_certificate_bytes, scheme, algorithm)
            return True
        if isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None and _names_its_curve(key, authority):
            key.verify(proof.signature, proof.tbs_certificate_bytes, ec.ECDSA(algorithm))
            return True
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):  # ValueError: a key that can't be read, such as one on a curve of its own
        return False
    return False  # Azure IoT takes RSA and EC keys only


def _names_its_curve(key: ec.EllipticCurvePublicKey, certificate: x509.Certificate) -> bool:
    """Whether the key's curve is named. Explicit parameters are forbidden (RFC 5480 2.1.1), and OpenSSL refuses every path with them."""
    encoded = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    start = 2 if encoded[1] < 0x80 else 3  # noqa: PLR2004 - a DER length of one octet, or of two
    return encoded[start : start + 2 + encoded[start + 1]] in certificate.tbs_certificate_bytes
