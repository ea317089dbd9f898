"""Certificates and requests as their parts in DER, so that a test can change one part and sign the whole anew.

`CertificateShape.of(der)` takes a certificate apart, `dataclasses.replace` changes a part, and `.signed(key)` puts it together: the
signature is good, so that only the shape differs. Names, dates and extensions of any kind are built with the functions below.
`tests/kit/der_mutations.py` has the changes that real files show, and hypothesis strategies over them.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from tests.kit import der

COMMON_NAME, SERIAL_NUMBER, COUNTRY, ORGANIZATION = "2.5.4.3", "2.5.4.5", "2.5.4.6", "2.5.4.10"
BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE, SUBJECT_ALTERNATIVE_NAME = "2.5.29.19", "2.5.29.15", "2.5.29.37", "2.5.29.17"
SUBJECT_KEY_IDENTIFIER, AUTHORITY_KEY_IDENTIFIER, NAME_CONSTRAINTS = "2.5.29.14", "2.5.29.35", "2.5.29.30"
CERTIFICATE_POLICIES, POLICY_CONSTRAINTS, INHIBIT_ANY_POLICY = "2.5.29.32", "2.5.29.36", "2.5.29.54"
_NULL = der.encode(der.NULL)
_RSA = {"md5": "1.2.840.113549.1.1.4", "sha1": "1.2.840.113549.1.1.5", "sha256": "1.2.840.113549.1.1.11", "sha512": "1.2.840.113549.1.1.13"}
_ECDSA = {"sha1": "1.2.840.10045.4.1", "sha256": "1.2.840.10045.4.3.2", "sha384": "1.2.840.10045.4.3.3", "sha512": "1.2.840.10045.4.3.4"}
_ED25519 = "1.3.101.112"


def attribute(oid: str, tag: int, text: bytes) -> bytes:
    """An AttributeTypeAndValue; `text` is the octets of the string."""
    return der.encode(der.SEQUENCE, der.oid(oid), der.encode(tag, text))


def name(*attributes: bytes) -> bytes:
    """A Name with one attribute in each RDN."""
    return der.encode(der.SEQUENCE, *(der.encode(der.SET, each) for each in attributes))


def extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    """An Extension; `value` is the DER inside its OCTET STRING."""
    flag = der.encode(der.BOOLEAN, b"\xff") if critical else b""
    return der.encode(der.SEQUENCE, der.oid(oid), flag, der.encode(der.OCTET_STRING, value))


def is_of_kind(given: bytes, oid: str) -> bool:
    """Whether it is an Extension of this kind."""
    return given[0] == der.SEQUENCE and der.children(given)[:1] == [der.oid(oid)]


def key_info(public_key: Any) -> bytes:
    """The SubjectPublicKeyInfo of a key of `cryptography`."""
    found: bytes = public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return found


@dataclass(frozen=True)
class CertificateShape:
    """A certificate (RFC 5280, 4.1) without its signature; every part is its whole DER."""

    serial: bytes
    issuer: bytes
    not_before: bytes
    not_after: bytes
    subject: bytes
    key: bytes  # SubjectPublicKeyInfo
    extensions: tuple[bytes, ...] | None = ()
    version: bytes | None = der.encode(0xA0, der.integer(2))
    unique_ids: bytes = b""
    end: bytes = b""  # after the extensions, inside what is signed
    trailing: bytes = b""  # after the certificate
    algorithm: bytes | None = None  # AlgorithmIdentifier, where it shall differ from the key's own
    outer_algorithm: bytes | None = None  # the one beside the signature, where it shall differ from the one that is signed

    @classmethod
    def of(cls, certificate: bytes) -> Self:
        """The parts of a certificate in DER."""
        parts = der.children(der.children(certificate)[0])
        version = parts.pop(0) if parts[0][0] == 0xA0 else None
        serial, _, issuer, validity, subject, key, *rest = parts
        extensions = next((tuple(der.children(der.children(part)[0])) for part in rest if part[0] == 0xA3), None)
        unique_ids = b"".join(part for part in rest if part[0] != 0xA3)
        begins, ends = der.children(validity)
        return cls(serial, issuer, begins, ends, subject, key, extensions, version, unique_ids)

    def to_be_signed(self, algorithm: bytes) -> bytes:
        """The TBSCertificate."""
        listed = () if self.extensions is None else (der.encode(0xA3, der.encode(der.SEQUENCE, *self.extensions)),)
        validity = der.encode(der.SEQUENCE, self.not_before, self.not_after)
        parts = (self.version or b"", self.serial, algorithm, self.issuer, validity, self.subject, self.key, self.unique_ids)
        return der.encode(der.SEQUENCE, *parts, *listed, self.end)

    def signed(self, key: Any, hash_name: str = "sha256") -> bytes:
        """The certificate in DER, signed by this private key."""
        algorithm = self.algorithm or signature_algorithm(key, hash_name)
        signed = self.to_be_signed(algorithm)
        whole = der.encode(der.SEQUENCE, signed, self.outer_algorithm or algorithm, signature(key, signed, hash_name))
        return whole + self.trailing

    def with_extension(self, oid: str, value: bytes, *, critical: bool = False) -> Self:
        """With this extension instead of the one of the same kind, or as the last one."""
        kept = [each for each in self.extensions or () if not is_of_kind(each, oid)]
        return replace(self, extensions=(*kept, extension(oid, value, critical=critical)))

    def named(self, subject: bytes) -> Self:
        """With another subject; one that is self-issued stays so."""
        return replace(self, subject=subject, issuer=subject if self.issuer == self.subject else self.issuer)


@dataclass(frozen=True)
class RequestShape:
    """A certification request (RFC 2986, 4) without its signature; every part is its whole DER."""

    subject: bytes
    key: bytes
    attributes: bytes | None
    version: bytes = der.integer(0)
    algorithm: bytes | None = None
    trailing: bytes = b""

    @classmethod
    def of(cls, request: bytes) -> Self:
        """The parts of a request in DER."""
        version, subject, key, *rest = der.children(der.children(request)[0])
        return cls(subject, key, rest[0] if rest else None, version)

    def signed(self, key: Any, hash_name: str = "sha256") -> bytes:
        """The request in DER, signed by this private key."""
        algorithm = self.algorithm or signature_algorithm(key, hash_name)
        signed = der.encode(der.SEQUENCE, self.version, self.subject, self.key, self.attributes or b"")
        return der.encode(der.SEQUENCE, signed, algorithm, signature(key, signed, hash_name)) + self.trailing

    def named(self, subject: bytes) -> Self:
        """With another subject."""
        return replace(self, subject=subject)


def signature_algorithm(key: Any, hash_name: str = "sha256") -> bytes:
    """The AlgorithmIdentifier of signatures by this key: RSA (PKCS #1 v1.5), EC or Ed25519."""
    if isinstance(key, rsa.RSAPrivateKey):
        return der.encode(der.SEQUENCE, der.oid(_RSA[hash_name]), _NULL)
    return der.encode(der.SEQUENCE, der.oid(_ECDSA[hash_name] if isinstance(key, ec.EllipticCurvePrivateKey) else _ED25519))


def signature(key: Any, signed: bytes, hash_name: str = "sha256") -> bytes:
    """The BIT STRING with the signature over `signed`."""
    algorithm = {"md5": hashes.MD5, "sha1": hashes.SHA1}.get(hash_name) or getattr(hashes, hash_name.upper())
    if isinstance(key, rsa.RSAPrivateKey):
        made = key.sign(signed, padding.PKCS1v15(), algorithm())
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        made = key.sign(signed, ec.ECDSA(algorithm(), deterministic_signing=True))  # the same again, as hypothesis needs it
    else:
        made = key.sign(signed)
    return der.encode(der.BIT_STRING, b"\0", made)
