"""Signers: one protocol for a key in any custody, and the signer of the custody `state`."""

from typing import Any, Never, Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from hubtrust.pki.keys import PrivateKey, PublicKey, key_name, key_thumbprint


class Signer(Protocol):
    """A private key that signs, in memory, in a vault or in a token. The key itself can't be read.

    It signs digests and not messages, because vaults and tokens do so.
    """

    @property
    def public_key(self) -> PublicKey:
        """The public half, RSA or EC."""
        ...

    def sign(self, digest: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
        """The signature over ``digest``, a hash by ``algorithm``: PKCS#1 v1.5 for RSA, DER (r, s) for EC."""
        ...


class KeyInMemory:
    """Custody `state`: the key comes from a secret input and is in memory for one call. Its repr shows only the public half."""

    def __init__(self, private_key: PrivateKey) -> None:
        self._private_key = private_key
        self.public_key: PublicKey = private_key.public_key()

    def __repr__(self) -> str:
        return f"KeyInMemory({key_name(self.public_key)}, {key_thumbprint(self.public_key)[:16]})"

    def sign(self, digest: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
        """See ``Signer.sign``."""
        if isinstance(self._private_key, rsa.RSAPrivateKey):
            return self._private_key.sign(digest, padding.PKCS1v15(), Prehashed(algorithm))
        return self._private_key.sign(digest, ec.ECDSA(Prehashed(algorithm)))


def builder_key(signer: Signer) -> PrivateKey:
    """A private key for `cryptography`'s builders; each signature is created by ``signer``."""
    if isinstance(signer, KeyInMemory):
        return signer._private_key  # noqa: SLF001 - this key is in the process already, and bulk signing is 20 % faster without a wrapper
    if isinstance(signer.public_key, rsa.RSAPublicKey):
        return _RsaKeyOfSigner(signer)
    return _EcKeyOfSigner(signer)


def hashed(data: Any, algorithm: hashes.HashAlgorithm) -> bytes:
    """The hash of ``data``."""
    digest = hashes.Hash(algorithm)
    digest.update(data)
    return digest.finalize()


class _KeyOfSigner:
    """The operations of a private key that need the key itself: they raise, because only the signer has it."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def _refuse(self, *_: object) -> Never:
        raise NotImplementedError(f"the key of {self._signer!r} only signs and never leaves its custody")

    private_numbers = private_bytes = __copy__ = __deepcopy__ = decrypt = exchange = _refuse


class _RsaKeyOfSigner(_KeyOfSigner, rsa.RSAPrivateKey):
    """An RSA private key whose signatures are created by a signer."""

    @property
    def key_size(self) -> int:
        return self._signer.public_key.key_size

    def public_key(self) -> rsa.RSAPublicKey:
        return self._signer.public_key  # type: ignore[return-value]  # builder_key chose this class by that type

    def sign(self, data: Any, padding: Any, algorithm: Any) -> bytes:  # noqa: ARG002 - the builders here use PKCS#1 v1.5 only
        return self._signer.sign(hashed(data, algorithm), algorithm)


class _EcKeyOfSigner(_KeyOfSigner, ec.EllipticCurvePrivateKey):
    """An EC private key whose signatures are created by a signer."""

    @property
    def key_size(self) -> int:
        return self._signer.public_key.key_size

    @property
    def curve(self) -> ec.EllipticCurve:
        return self.public_key().curve

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._signer.public_key  # type: ignore[return-value]  # builder_key chose this class by that type

    def sign(self, data: Any, signature_algorithm: Any) -> bytes:
        return self._signer.sign(hashed(data, signature_algorithm.algorithm), signature_algorithm.algorithm)
