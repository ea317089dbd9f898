"""Keys: the algorithms, loading from PEM, names for messages, and the required strength."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from hubtrust.pki import der, encodings, key_encryption
from hubtrust.pki.contents import PUBLIC_KEY, RSA_KEY, RSA_PUBLIC_KEY, label_of
from hubtrust.pki.errors import KEY_READING_ERRORS, DerError, KeyUnreadableError, UnreadableError, WeakError
from hubtrust.pki.key_encoding import require_usable_key, unsupported_curve_error, unsupported_key_error
from hubtrust.pki.pem import Block

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
    """An elliptic curve key on NIST's P-256: small and fast, the default."""
    EC_P384 = "ec-p384", P_384
    """An elliptic curve key on NIST's P-384."""
    RSA_3072 = "rsa-3072", 3072
    """An RSA key of 3,072 bits, for devices that know no elliptic curves."""
    RSA_4096 = "rsa-4096", 4096
    """An RSA key of 4,096 bits."""

    curve: Curve | None
    """The curve; None for RSA."""
    modulus: int
    """The length of the modulus in bits; 0 for elliptic curves."""

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


def load_private_key(given: str | bytes, *, what: str, passphrase: str | None = None) -> PrivateKey:
    """The only RSA or EC private key in ``given``, in any encoding that ``encodings.read`` knows and any format that OpenSSL writes.

    No error text repeats any part of the key or the passphrase. A passphrase that is not needed is ignored.

    Raises:
        KeyUnreadableError: it contains no key or several, the passphrase is missing or wrong, or the key is neither RSA nor EC.
        KeyEncodingError: see ``require_usable_key``.
        WeakError: see ``require_strong_key``.
    """
    block = private_key_block(key_contents(given, what=what, passphrase=passphrase), what=what)
    return private_key_of(block, what=what, passphrase=passphrase)


def private_key_of(block: Block, *, what: str, passphrase: str | None = None) -> PrivateKey:
    """The key that is written in ``block``.

    Raises:
        PkiError: see ``load_private_key``.
    """
    key = _loaded(block, what, passphrase)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        kind = type(key).__name__.removesuffix("PrivateKey")
        raise KeyUnreadableError(what, f"the private key is {kind}, neither RSA nor EC", "use RSA, or EC on P-256, P-384 or P-521")
    require_strong_key(key.public_key(), what=what)
    return key


def key_contents(given: str | bytes, *, what: str, passphrase: str | None = None) -> encodings.Contents:
    """What ``given``, which is to have a key, holds; see ``encodings.read``.

    Raises:
        KeyUnreadableError: it can't be read.
    """
    try:
        return encodings.read(given, what=what, passphrase=passphrase)
    except UnreadableError as error:
        raise KeyUnreadableError(error.what, error.fact, error.remedy) from None


def private_key_block(found: encodings.Contents, *, what: str) -> Block:
    """The only private key in ``found``, as it is written there, encrypted or not. Certificates beside it are passed over.

    Raises:
        KeyUnreadableError: there is no key, or there are several.
    """
    keys = list({block.content: block for block in found.blocks if block.is_private_key}.values())
    if len(keys) == 1:
        return keys[0]
    if keys:
        raise KeyUnreadableError(what, f"it contains {len(keys)} private keys", "give only the key of the certificate that is trusted")
    others = _named(found.blocks)
    raise KeyUnreadableError(what, f"it contains no private key, only {others}", "give the file that has the private key")


def _loaded(block: Block, what: str, passphrase: str | None) -> object:
    """The key, of any kind."""
    if not block.is_encrypted:
        return _plain_key(block.content, what)
    key_encryption.require_supported(block, what=what)
    if not passphrase:
        raise KeyUnreadableError(what, "the private key is encrypted and no passphrase was given", "give its passphrase as a secret")
    wrong = True  # whether the passphrase certainly is
    for secret in key_encryption.candidates(passphrase):
        try:
            if block.headers:
                return _plain_key(key_encryption.decrypted(block, secret), what)
            return serialization.load_der_private_key(block.content, secret)
        except UnsupportedAlgorithm as error:
            raise unsupported_curve_error(str(error), what=what) from None
        except KEY_READING_ERRORS as error:
            wrong &= "Incorrect password" in str(error)
    fact = f"the passphrase does not decrypt the private key{'' if wrong else ' to a key that can be read here'}"
    raise KeyUnreadableError(what, fact, "give the passphrase that it was encrypted with; if it is the right one, copy the file again")


def _plain_key(encoding: bytes, what: str) -> object:
    """The key in DER that is not encrypted."""
    try:
        info = der.only_element(encoding)
    except DerError as error:
        raise KeyUnreadableError(what, f"the private key is damaged: {error}", "copy the file from its source again") from None
    require_usable_key(info, what=what)
    try:
        return serialization.load_der_private_key(encoding, None)
    except KEY_READING_ERRORS:
        if label_of(encoding) == RSA_KEY:  # which names no algorithm
            remedy = "check it: openssl pkey -check -noout -in FILE"
            raise KeyUnreadableError(what, "its RSA key can't be used: its numbers don't belong together", remedy) from None
        raise unsupported_key_error(info, what=what) from None


def load_public_key(given: str | bytes, *, what: str) -> PublicKey:
    """The only RSA or EC public key in ``given``, which is SubjectPublicKeyInfo or PKCS#1 in any encoding that ``encodings.read`` knows.

    Raises:
        KeyUnreadableError: it contains no public key, or something else.
        KeyEncodingError: see ``require_usable_key``.
        WeakError: see ``require_strong_key``.
    """
    try:
        found = [block for block in encodings.read(given, what=what).blocks if not block.is_parameters]
    except UnreadableError as error:
        raise KeyUnreadableError(error.what, error.fact, error.remedy) from None
    if any(block.is_private_key for block in found):
        raise KeyUnreadableError(what, "it is a private key", "give only its public key (openssl pkey -pubout)")
    if [block.label for block in found] not in ([PUBLIC_KEY], [RSA_PUBLIC_KEY]):
        remedy = "give one public key, as openssl pkey -pubout writes it (of a certificate: openssl x509 -pubkey -noout)"
        raise KeyUnreadableError(what, f"it contains {_named(found)}", remedy)
    return _public_key(found[0], what)


def _named(found: Sequence[Block]) -> str:
    """What was found in place of a key."""
    return " and ".join(f"a {label}" for label in dict.fromkeys(block.label for block in found)) or "parameters"


def _public_key(block: Block, what: str) -> PublicKey:
    try:
        info = der.only_element(block.content)
    except DerError as error:
        raise KeyUnreadableError(what, f"the public key is damaged: {error}", "copy the file from its source again") from None
    if block.label == PUBLIC_KEY:
        require_usable_key(info, what=what)
    try:
        key = serialization.load_der_public_key(block.content)
    except KEY_READING_ERRORS:
        raise unsupported_key_error(info, what=what) from None
    return require_strong_key(key, what=what)


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
