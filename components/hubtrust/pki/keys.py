"""Keys: loading, naming, and the strength a trust anchor needs."""

from typing import cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from hubtrust.pki.errors import KeyUnreadableError, WeakError

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
Digest = hashes.SHA256 | hashes.SHA384 | hashes.SHA512

SMALLEST_RSA_MODULUS = 2048  # bits: NIST SP 800-131A rev. 2, and what Azure's TLS endpoints ask for
_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


def load_private_key(pem: str, *, what: str, passphrase: str | None = None) -> PrivateKey:
    """The RSA or EC private key in ``pem`` (PKCS#8, PKCS#1 or SEC1).

    No error text repeats any part of the key or the passphrase.

    Raises:
        KeyUnreadableError: no key, an encrypted key without its passphrase, a wrong passphrase, another algorithm.
        WeakError: see ``require_strong_key``.
    """
    encrypted = "ENCRYPTED" in pem
    if encrypted and not passphrase:
        raise KeyUnreadableError(what, "the private key is encrypted and no passphrase was given", "give its passphrase as a secret")
    secret = passphrase.encode() if encrypted and passphrase else None
    try:
        key = serialization.load_pem_private_key(pem.encode(), secret)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        if encrypted:
            raise KeyUnreadableError(what, "the passphrase does not open the private key", "give the passphrase it was made with") from None
        raise KeyUnreadableError(what, "there is no PEM private key in it", "give the key as PEM: PKCS#8, PKCS#1 or SEC1") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise KeyUnreadableError(what, "the private key is neither RSA nor EC", "use RSA, or EC on P-256, P-384 or P-521")
    require_strong_key(key.public_key(), what=what)
    return key


def load_public_key(pem: str, *, what: str) -> PublicKey:
    """The RSA or EC public key in ``pem`` (SubjectPublicKeyInfo).

    Raises:
        KeyUnreadableError: no public key in it (a private key is named as such), or another algorithm.
        WeakError: see ``require_strong_key``.
    """
    if "PRIVATE KEY" in pem:
        raise KeyUnreadableError(what, "it is a private key", "give its public key only (openssl pkey -pubout)")
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise KeyUnreadableError(what, "there is no PEM public key in it", "give the key as PEM: BEGIN PUBLIC KEY") from None
    require_strong_key(key, what=what)
    return cast("PublicKey", key)


def require_strong_key(key: object, *, what: str) -> PublicKey:
    """``key`` itself, when it is RSA of 2048 bits or more, or EC on P-256, P-384 or P-521.

    Raises:
        WeakError: anything else.
    """
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < SMALLEST_RSA_MODULUS:
            raise WeakError(what, f"its RSA key has {key.key_size} bits", f"use at least {SMALLEST_RSA_MODULUS}, better 3072, or EC P-256")
        return key
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name not in _CURVES:
            raise WeakError(what, f"its EC key is on the curve {key.curve.name}", "use P-256 or P-384")
        return key
    raise WeakError(what, "its key is neither RSA nor EC", "use RSA 3072 or 4096, or EC P-256 or P-384")


def key_name(key: PublicKey) -> str:
    """Such as ``EC P-256`` or ``RSA 3072``."""
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    return f"EC {_CURVES.get(key.curve.name, key.curve.name)}"


def key_thumbprint(key: PublicKey) -> str:
    """SHA-256 over the DER SubjectPublicKeyInfo, 64 upper-case hex digits (RFC 7469's pin, in hex)."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
    return digest.finalize().hex().upper()


def public_pem(key: PublicKey) -> str:
    """``key`` as PEM SubjectPublicKeyInfo."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def digest_for(key: PublicKey) -> Digest:
    """The hash to sign with: as strong as the key (RFC 5480 section 4), SHA-256 for RSA."""
    if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size > 256:  # noqa: PLR2004 - bits of P-256
        return hashes.SHA384() if key.key_size <= 384 else hashes.SHA512()  # noqa: PLR2004 - bits of P-384
    return hashes.SHA256()
