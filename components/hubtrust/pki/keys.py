"""Keys: the algorithms, loading from PEM, names for messages, and the required strength."""

from enum import StrEnum
from typing import Any, NamedTuple, Self, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from hubtrust.pki import der
from hubtrust.pki.errors import KeyUnreadableError, WeakError
from hubtrust.pki.key_encoding import require_usable_key
from hubtrust.pki.pem import blocks

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
Digest = hashes.SHA256 | hashes.SHA384 | hashes.SHA512

SMALLEST_RSA_MODULUS = 2048  # bits: NIST SP 800-131A rev. 2, and what Azure's TLS endpoints require
_RSA_EXPONENT = 65537  # FIPS 186-5 A.1.1 allows others; Key Vault, OpenSSL and pulumi-tls use this one


class Curve(NamedTuple):
    """An elliptic curve of NIST's that certificates may use."""

    name: str  # NIST's own, as in JSON web keys and Key Vault (RFC 7518 6.2.1.1)
    parameters: ec.EllipticCurve  # its `name` is SEC 2's, as in PKCS#11
    digest: type[Digest]  # the hash that is as strong as the curve (RFC 5480 section 4)


P_256 = Curve("P-256", ec.SECP256R1(), hashes.SHA256)
P_384 = Curve("P-384", ec.SECP384R1(), hashes.SHA384)
P_521 = Curve("P-521", ec.SECP521R1(), hashes.SHA512)
_CURVES = {curve.parameters.name: curve for curve in (P_256, P_384, P_521)}


class KeyAlgorithm(StrEnum):
    """The keys that can be generated, in the state, in Key Vault or in a PKCS#11 token. Azure IoT accepts all of them."""

    EC_P256 = "ec-p256", P_256
    EC_P384 = "ec-p384", P_384
    RSA_3072 = "rsa-3072", 3072
    RSA_4096 = "rsa-4096", 4096

    curve: Curve | None  # None for RSA
    modulus: int  # bits; 0 for EC

    # A look-up, KeyAlgorithm("ec-p256"), never comes here; only type checkers read it as this call, hence the default.
    def __new__(cls, name: str, strength: Curve | int = 0) -> Self:
        """Each member is the text that settings and inputs use; its attributes have the curve or the modulus."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.curve = None if isinstance(strength, int) else strength
        member.modulus = strength if isinstance(strength, int) else 0
        return member

    @property
    def display_name(self) -> str:
        """Such as ``EC P-256`` or ``RSA 3072``, as ``key_name`` returns it."""
        return f"EC {self.curve.name}" if self.curve else f"RSA {self.modulus}"

    @property
    def tls_arguments(self) -> dict[str, Any]:
        """The arguments of pulumi-tls's ``PrivateKey`` that generate such a key."""
        if self.curve:
            return {"algorithm": "ECDSA", "ecdsa_curve": self.curve.name.replace("-", "")}
        return {"algorithm": "RSA", "rsa_bits": self.modulus}

    def generate(self) -> PrivateKey:
        """A new private key, in the memory of this process."""
        if self.curve:
            return ec.generate_private_key(self.curve.parameters)
        return rsa.generate_private_key(_RSA_EXPONENT, self.modulus)


def load_private_key(pem: str, *, what: str, passphrase: str | None = None) -> PrivateKey:
    """The RSA or EC private key in ``pem`` (PKCS#8, PKCS#1 or SEC1).

    No error text repeats any part of the key or the passphrase.

    Raises:
        KeyUnreadableError: it contains no key, the passphrase is missing or wrong, or the key is neither RSA nor EC.
        KeyEncodingError: see ``require_usable_key``.
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
            raise KeyUnreadableError(
                what, "the passphrase does not decrypt the private key", "give the passphrase that it was encrypted with"
            ) from None
        raise KeyUnreadableError(what, "it contains no PEM private key", "give the key as PEM: PKCS#8, PKCS#1 or SEC1") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise KeyUnreadableError(what, "the private key is neither RSA nor EC", "use RSA, or EC on P-256, P-384 or P-521")
    _require_usable_key(pem, what)
    require_strong_key(key.public_key(), what=what)
    return key


def load_public_key(pem: str, *, what: str) -> PublicKey:
    """The RSA or EC public key in ``pem`` (SubjectPublicKeyInfo).

    Raises:
        KeyUnreadableError: it contains no public key, or a private one.
        KeyEncodingError: see ``require_usable_key``.
        WeakError: see ``require_strong_key``.
    """
    if "PRIVATE KEY" in pem:
        raise KeyUnreadableError(what, "it is a private key", "give only its public key (openssl pkey -pubout)")
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise KeyUnreadableError(what, "it contains no PEM public key", "give PEM text that begins with BEGIN PUBLIC KEY") from None
    _require_usable_key(pem, what)
    require_strong_key(key, what=what)
    return cast("PublicKey", key)


def _require_usable_key(pem: str, what: str) -> None:
    """Only PKCS#8 and SubjectPublicKeyInfo name an algorithm, and an encrypted key does not show it."""
    for block in blocks(pem, what=what):
        if block.label in ("PUBLIC KEY", "PRIVATE KEY"):
            require_usable_key(der.only_element(block.content), what=what)


def require_strong_key(key: object, *, what: str) -> PublicKey:
    """Return ``key`` if it is RSA of 2048 bits or more, or EC on P-256, P-384 or P-521.

    Raises:
        WeakError: it is any other key.
    """
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < SMALLEST_RSA_MODULUS:
            raise WeakError(what, f"its RSA key has {key.key_size} bits", f"use RSA with at least {SMALLEST_RSA_MODULUS} bits, or EC P-256")
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
    curve = _CURVES.get(key.curve.name)
    return f"EC {curve.name if curve else key.curve.name}"


def key_thumbprint(key: PublicKey) -> str:
    """SHA-256 over the DER SubjectPublicKeyInfo, 64 upper-case hex digits (RFC 7469's pin, in hex)."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
    return digest.finalize().hex().upper()


def public_pem(key: PublicKey) -> str:
    """``key`` as PEM SubjectPublicKeyInfo."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def digest_for(key: PublicKey) -> Digest:
    """The hash to sign with: as strong as the curve (RFC 5480 section 4), SHA-256 for RSA. Call ``require_strong_key`` before."""
    return hashes.SHA256() if isinstance(key, rsa.RSAPublicKey) else _CURVES[key.curve.name].digest()
