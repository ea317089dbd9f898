"""Checks the signature on a certificate with the key of another one, which may be in any form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from local_azure_iot.judge import der
from local_azure_iot.judge.algorithms import RSASSA_PSS, has_explicit_parameters

if TYPE_CHECKING:
    from local_azure_iot.judge.certificate import Algorithm, Certificate

_HASH, _MASK, _SALT = 0xA0, 0xA1, 0xA2  # the parameters of RSASSA-PSS
_DEFAULT_SALT, _LONGEST_SALT = 20, 0xFFFF  # octets
_MGF1 = "1.2.840.113549.1.1.8"
_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "1.3.14.3.2.26": hashes.SHA1,
    "2.16.840.1.101.3.4.2.1": hashes.SHA256,
    "2.16.840.1.101.3.4.2.2": hashes.SHA384,
    "2.16.840.1.101.3.4.2.3": hashes.SHA512,
}
# Signature algorithms with PKCS #1 v1.5 (RFC 4055, 5) and with ECDSA (RFC 5758, 3.2).
_RSA_SIGNATURES: dict[str, type[hashes.HashAlgorithm]] = {
    "1.2.840.113549.1.1.5": hashes.SHA1,
    "1.2.840.113549.1.1.11": hashes.SHA256,
    "1.2.840.113549.1.1.12": hashes.SHA384,
    "1.2.840.113549.1.1.13": hashes.SHA512,
}
_EC_SIGNATURES: dict[str, type[hashes.HashAlgorithm]] = {
    "1.2.840.10045.4.1": hashes.SHA1,
    "1.2.840.10045.4.3.2": hashes.SHA256,
    "1.2.840.10045.4.3.3": hashes.SHA384,
    "1.2.840.10045.4.3.4": hashes.SHA512,
}


def is_signed_by(signed: Certificate, authority: Certificate) -> bool:
    """Whether the signature on `signed` is by the authority's key. Azure IoT takes RSA and EC keys only."""
    if has_explicit_parameters(authority.key_algorithm):
        return False
    try:
        key = serialization.load_der_public_key(authority.key)
        if isinstance(key, rsa.RSAPublicKey):
            return _is_rsa_signed(signed, key, only_pss=authority.key_algorithm.name == RSASSA_PSS)
        if isinstance(key, ec.EllipticCurvePublicKey) and (algorithm := _EC_SIGNATURES.get(signed.signature_algorithm.name)):
            key.verify(signed.signature, signed.signed, ec.ECDSA(algorithm()))
            return True
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):  # ValueError: a key that can't be read
        return False
    return False


def _is_rsa_signed(signed: Certificate, key: rsa.RSAPublicKey, *, only_pss: bool) -> bool:
    if signed.signature_algorithm.name == RSASSA_PSS:
        scheme, algorithm = _pss(signed.signature_algorithm)
        key.verify(signed.signature, signed.signed, scheme, algorithm)
        return True
    found = _RSA_SIGNATURES.get(signed.signature_algorithm.name)
    if found is None or only_pss:  # a key for RSASSA-PSS verifies nothing else (RFC 4055 1.2)
        return False
    key.verify(signed.signature, signed.signed, padding.PKCS1v15(), found())
    return True


def _pss(algorithm: Algorithm) -> tuple[padding.PSS, hashes.HashAlgorithm]:
    """The padding and the hash of an RSASSA-PSS signature (RFC 4055, 3.1); what is left out is SHA-1 and 20 octets of salt.

    Raises:
        ValueError: the parameters can't be read, or name an unknown hash.
    """
    if algorithm.parameters is None:
        raise ValueError("RSASSA-PSS without parameters")
    parts = {each.tag: each.content for each in der.inside(algorithm.parameters, der.SEQUENCE, "the parameters of RSASSA-PSS")}
    sha1 = hashes.SHA1()  # noqa: S303 - the default of the standard
    algorithm_hash = _hash(parts[_HASH]) if _HASH in parts else sha1
    mask_hash: hashes.HashAlgorithm = sha1
    if _MASK in parts:
        members = der.inside(der.first(parts[_MASK]), der.SEQUENCE, "the mask of RSASSA-PSS")
        if len(members) != 2 or der.object_identifier(members[0], "the mask") != _MGF1:  # noqa: PLR2004 - function and hash
            raise ValueError("an unknown mask")
        mask_hash = _hash(members[1].whole)
    salt = int.from_bytes(der.first(parts[_SALT]).content, "big") if _SALT in parts else _DEFAULT_SALT
    if salt > _LONGEST_SALT:
        raise ValueError("a salt longer than any key")
    return padding.PSS(padding.MGF1(mask_hash), salt), algorithm_hash


def _hash(encoded: bytes) -> hashes.HashAlgorithm:
    parts = der.inside(der.first(encoded), der.SEQUENCE, "a hash")
    name = der.object_identifier(parts[0], "a hash") if parts else ""
    if name not in _HASHES:
        raise ValueError(f"an unknown hash {name}")
    return _HASHES[name]()
