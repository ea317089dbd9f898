"""Where a certificate authority's key lives: one protocol for every custody, and the custody `state`."""

from typing import Any, Never, Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from hubtrust.pki.keys import PrivateKey, PublicKey, key_name, key_thumbprint


class Signer(Protocol):
    """A key that signs and is never seen: in memory, in a vault, in a token.

    A digest goes in and not the message, because vaults and tokens sign digests.
    """

    @property
    def public_key(self) -> PublicKey:
        """The public half, RSA or EC."""
        ...

    def sign(self, digest: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
        """The signature over ``digest``, a hash by ``algorithm``: PKCS#1 v1.5 for RSA, DER (r, s) for EC."""
        ...


class KeyInMemory:
    """Custody `state`: the key came in as a secret and lives for one call; its repr is its public half."""

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
    """What `cryptography`'s builders take as the private key: every signature it makes is asked of ``signer``."""
    if isinstance(signer, KeyInMemory):
        return signer._private_key  # noqa: SLF001 - a key already in this process needs no stand-in, and bulk signing is 20 % faster
    if isinstance(signer.public_key, rsa.RSAPublicKey):
        return _RsaElsewhere(signer)
    return _EcElsewhere(signer)


def _hashed(data: Any, algorithm: hashes.HashAlgorithm) -> bytes:
    digest = hashes.Hash(algorithm)
    digest.update(data)
    return digest.finalize()


class _Elsewhere:
    """What a private key that lives elsewhere can't do."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def _never(self, *_: object) -> Never:
        raise NotImplementedError(f"the key of {self._signer!r} never leaves its custody and only signs")

    private_numbers = private_bytes = __copy__ = __deepcopy__ = decrypt = exchange = _never


class _RsaElsewhere(_Elsewhere, rsa.RSAPrivateKey):
    """An RSA private key whose signatures are made by a signer."""

    @property
    def key_size(self) -> int:
        return self._signer.public_key.key_size

    def public_key(self) -> rsa.RSAPublicKey:
        return self._signer.public_key  # type: ignore[return-value]  # builder_key chose this class by that type

    def sign(self, data: Any, padding: Any, algorithm: Any) -> bytes:  # noqa: ARG002 - PKCS#1 v1.5 is all that builders ask here
        return self._signer.sign(_hashed(data, algorithm), algorithm)


class _EcElsewhere(_Elsewhere, ec.EllipticCurvePrivateKey):
    """An EC private key whose signatures are made by a signer."""

    @property
    def key_size(self) -> int:
        return self._signer.public_key.key_size

    @property
    def curve(self) -> ec.EllipticCurve:
        return self.public_key().curve

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._signer.public_key  # type: ignore[return-value]  # builder_key chose this class by that type

    def sign(self, data: Any, signature_algorithm: Any) -> bytes:
        return self._signer.sign(_hashed(data, signature_algorithm.algorithm), signature_algorithm.algorithm)
