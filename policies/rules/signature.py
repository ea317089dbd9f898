"""Who signed a certificate: judged by the signature itself, because a name can be anybody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from . import der

if TYPE_CHECKING:
    from .certificate import Certificate

HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_RSASSA_PSS = "1.2.840.113549.1.1.10"


def is_signed_by(certificate: Certificate, key: bytes) -> bool:
    """Whether the private half of ``key`` (SubjectPublicKeyInfo, DER) signed it: RSA or ECDSA, with SHA-256, SHA-384 or SHA-512.

    Another algorithm, or one that can't be read, counts as not signed.
    """
    by = HASHES.get(certificate.signature_hash)
    try:
        signed, algorithm, bits = der.inside(der.first(certificate.encoding), der.SEQUENCE)
        kind = der.identifier(der.inside(algorithm, der.SEQUENCE)[0])
        public = serialization.load_der_public_key(key)
        signature = bits.content[1:]  # the first octet says how many bits of the last one are not used
        if by and isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, signed.whole, ec.ECDSA(by))
        elif by and isinstance(public, rsa.RSAPublicKey):
            pss = padding.PSS(padding.MGF1(by), padding.PSS.AUTO)
            public.verify(signature, signed.whole, pss if kind == _RSASSA_PSS else padding.PKCS1v15(), by)
        else:
            return False
    except (ValueError, IndexError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
