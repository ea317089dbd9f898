"""Private keys: generates them, reads them from PEM, and computes the attributes shown for them."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_ssh_private_key,
)

from sandbox.plugins.resource import PluginError
from sandbox.plugins.tls import pem

if TYPE_CHECKING:
    from sandbox.plugins.property_values import Properties

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
KINDS: Final = (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey)

CURVES: Final[dict[str, ec.EllipticCurve]] = {
    "P224": ec.SECP224R1(),
    "P256": ec.SECP256R1(),
    "P384": ec.SECP384R1(),
    "P521": ec.SECP521R1(),
}
PUBLIC_EXPONENT: Final = 65537
LABELS: Final = ("RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY")
# The single-byte characters that Go's strings.TrimSpace removes from both ends before the hash is computed.
GO_SPACE: Final = b" \t\n\v\f\r"


def generate(algorithm: str, rsa_bits: int, curve: str) -> PrivateKey:
    """Generate a key with the operating system's random numbers."""
    if algorithm == "ECDSA":
        return ec.generate_private_key(CURVES[curve])
    if algorithm == "ED25519":
        return ed25519.Ed25519PrivateKey.generate()
    try:
        return rsa.generate_private_key(PUBLIC_EXPONENT, rsa_bits)
    except ValueError as refused:
        raise PluginError(f"Unable to generate Key from configuration: {rsa_bits} RSA bits: {refused}") from refused


def parse(text: str, failure: str) -> PrivateKey:
    """Read an unencrypted key from PEM (PKCS #1, SEC 1 or PKCS #8). Errors start with `failure` and show no part of the key."""
    block = pem.decode(text)
    if block is None:
        raise PluginError(f"{failure}: failed to decode PEM block: decoded bytes 0, undecoded {len(text)}")
    label, der = block
    if label not in LABELS:
        raise PluginError(f"{failure}: unsupported PEM preamble/type: {label}; give one of {', '.join(LABELS)}")
    try:
        key = load_der_private_key(der, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as refused:
        raise PluginError(f"{failure}: failed to parse private key given PEM preamble '{label}': it is not an unencrypted key") from refused
    return _supported(key, failure)


def parse_openssh(text: str, failure: str) -> PrivateKey:
    """Read an unencrypted key from OpenSSH's PEM format."""
    try:
        key = load_ssh_private_key(text.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as refused:
        raise PluginError(f"{failure}: failed to parse openssh private key: it is not an unencrypted key") from refused
    return _supported(key, failure)


def _supported(key: object, failure: str) -> PrivateKey:
    if not isinstance(key, KINDS):
        raise PluginError(f"{failure}: failed to determine key algorithm: unsupported private key type {type(key).__name__}")
    return key


def algorithm_of(key: PrivateKey) -> str:
    """RSA, ECDSA or ED25519."""
    if isinstance(key, rsa.RSAPrivateKey):
        return "RSA"
    return "ECDSA" if isinstance(key, ec.EllipticCurvePrivateKey) else "ED25519"


def signature_hash(key: PrivateKey) -> SHA256 | SHA384 | SHA512 | None:
    """The hash that Go's crypto/x509 signs with: it depends on the curve; None for Ed25519."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return None
    if isinstance(key, ec.EllipticCurvePrivateKey):
        by_curve: dict[str, SHA384 | SHA512] = {"secp384r1": SHA384(), "secp521r1": SHA512()}
        return by_curve.get(key.curve.name) or SHA256()
    return SHA256()


def private_attributes(key: PrivateKey) -> Properties:
    """The key in its three encodings; the OpenSSH one is "" for P-224, which SSH does not support."""
    pkcs8 = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    match key:
        case rsa.RSAPrivateKey():
            own = pem.encode("RSA PRIVATE KEY", key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
        case ec.EllipticCurvePrivateKey():
            own = pem.encode("EC PRIVATE KEY", key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
        case _:
            own = pem.encode("PRIVATE KEY", pkcs8)
    return {"privateKeyPem": own, "privateKeyPemPkcs8": pem.encode("PRIVATE KEY", pkcs8), "privateKeyOpenssh": _openssh(key)}


def _openssh(key: PrivateKey) -> str:
    if not _supported_by_ssh(key.public_key()):
        return ""
    written = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    block = pem.decode(written)
    return pem.encode(*block) if block else written


def _supported_by_ssh(key: PublicKey) -> bool:
    return not (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP224R1))


def public_attributes(public: PublicKey) -> Properties:
    """The attributes of a public key; `id` is the SHA-1 of its SubjectPublicKeyInfo. The SSH attributes are "" for P-224."""
    info = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    attributes = {
        "id": hash_for_state(info),
        "publicKeyPem": pem.encode("PUBLIC KEY", info),
        "publicKeyOpenssh": "",
        "publicKeyFingerprintMd5": "",
        "publicKeyFingerprintSha256": "",
    }
    if _supported_by_ssh(public):
        line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        blob = base64.b64decode(line.split()[1])
        md5 = hashlib.md5(blob, usedforsecurity=False).hexdigest()
        attributes["publicKeyOpenssh"] = f"{line.decode()}\n"
        attributes["publicKeyFingerprintMd5"] = ":".join(md5[place : place + 2] for place in range(0, len(md5), 2))
        attributes["publicKeyFingerprintSha256"] = f"SHA256:{base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip('=')}"
    return attributes


def hash_for_state(der: bytes) -> str:
    """The id of an object with this DER: the SHA-1 of the DER with whitespace trimmed from its ends, as the provider does."""
    return hashlib.sha1(der.strip(GO_SPACE), usedforsecurity=False).hexdigest()


def subject_key_id(key: PublicKey) -> bytes:
    """The SHA-1 of the public key; for Ed25519 of its OCTET STRING, which only terraform-provider-tls does."""
    if isinstance(key, rsa.RSAPublicKey):
        octets = key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        octets = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    else:
        octets = b"\x04\x20" + key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha1(octets, usedforsecurity=False).digest()
