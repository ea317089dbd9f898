"""Who signed a certificate: judged by the signature itself, because a name can be anybody's."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from . import der
from .certificate import HASH_NAMES, RSASSA_PSS

if TYPE_CHECKING:
    from .certificate import Certificate

_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
# A mask only spreads the digest, so that a weak hash there forges nothing; SHA-1 is the default (RFC 4055, 3.1).
_MASKS: Final[dict[str, hashes.HashAlgorithm]] = {
    **_HASHES,
    "sha1": hashes.SHA1(),  # noqa: S303 - see above
    "sha224": hashes.SHA224(),
}
_MGF1, _PSS_MASK = "1.2.840.113549.1.1.8", 0xA1


def is_signed_by(certificate: Certificate, key: bytes) -> bool:
    """Whether the private half of ``key`` (SubjectPublicKeyInfo, DER) signed it: RSA or ECDSA, with SHA-256, SHA-384 or SHA-512.

    Another algorithm, or one that can't be read, counts as not signed.
    """
    return _verdict(certificate, key) is True


@lru_cache(maxsize=4096)
def may_have_issued(above: Certificate, below: Certificate) -> bool:
    """Whether one CA issued the other, by name and signature. Where the signature can't be checked here, the name counts."""
    return below.issuer.canonical == above.subject.canonical and _verdict(below, above.key) is not False


@lru_cache(maxsize=4096)
def surely_issued(above: Certificate, below: Certificate) -> bool:
    """Whether one CA issued the other, by name and a signature that was checked."""
    return below.issuer.canonical == above.subject.canonical and _verdict(below, above.key) is True


def _verdict(certificate: Certificate, key: bytes) -> bool | None:
    """Whether the key signed the certificate; None if that can't be checked here."""
    by = _HASHES.get(certificate.signature_hash)
    try:
        signed, algorithm, bits = der.inside(der.first(certificate.encoding), der.SEQUENCE)
        kind, *parameters = der.inside(algorithm, der.SEQUENCE)
        mask = _mask(parameters) if der.identifier(kind) == RSASSA_PSS else None
        public = serialization.load_der_public_key(key)
        signature = bits.content[1:]  # the first octet says how many bits of the last one are not used
        if by and isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, signed.whole, ec.ECDSA(by))
        elif by and isinstance(public, rsa.RSAPublicKey):
            pss = padding.PSS(padding.MGF1(mask), padding.PSS.AUTO) if mask else None
            public.verify(signature, signed.whole, pss or padding.PKCS1v15(), by)
        else:
            return None
    except InvalidSignature:
        return False
    except (ValueError, IndexError, UnsupportedAlgorithm):
        return None
    return True


def _mask(parameters: list[der.Element]) -> hashes.HashAlgorithm:
    """The hash of the mask of RSASSA-PSS, which need not be the one of the signature.

    Raises:
        ValueError: it is another than those that are known here, or can't be read.
    """
    found = next((each for each in der.inside(parameters[0], der.SEQUENCE) if each.tag == _PSS_MASK), None)
    if found is None:
        return _MASKS["sha1"]
    function, of_function = der.inside(der.first(found.content), der.SEQUENCE)
    name = HASH_NAMES.get(der.identifier(der.inside(of_function, der.SEQUENCE)[0]), "")
    if der.identifier(function) != _MGF1 or name not in _MASKS:
        raise ValueError("its mask is of a kind that is not known")
    return _MASKS[name]
