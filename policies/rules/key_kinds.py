"""What kind of key a SubjectPublicKeyInfo holds, also a key that `cryptography` does not know."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from . import der

_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521", "secp224r1": "P-224"}
_EC = "1.2.840.10045.2.1"
_UNKNOWN = ("unknown", 0)
_KINDS = {"1.2.840.10040.4.1": "DSA"}


def kind_of_key(info: bytes) -> tuple[str, int | str]:
    """The type and size of a key: `("RSA", 3072)` or `("EC", "P-256")`; for other keys their name or number, and 0."""
    try:
        algorithm = der.elements(der.inside(der.first(info), der.SEQUENCE)[0].content)
        name = der.identifier(algorithm[0])
        curve = der.identifier(algorithm[1]) if name == _EC and algorithm[1].tag == der.OBJECT_IDENTIFIER else ""
    except (ValueError, IndexError):
        return _UNKNOWN
    if name == _EC and not curve:
        return "EC", "a curve that it describes instead of naming it (RFC 5480 2.1.1)"
    try:
        key = serialization.load_der_public_key(info)
    except (ValueError, UnsupportedAlgorithm):
        return ("EC", curve) if curve else (_KINDS.get(name, name), 0)
    if isinstance(key, rsa.RSAPublicKey):
        return "RSA", key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "EC", _CURVES.get(key.curve.name, key.curve.name)
    return type(key).__name__.removesuffix("PublicKey").lstrip("_"), 0
