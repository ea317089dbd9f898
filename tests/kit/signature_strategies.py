"""A root and an authority below it, with keys of any kind and signatures of any algorithm, good ones and broken ones."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from hypothesis import strategies as st

from tests.kit import der
from tests.kit.authorities import ABSENT, Forged
from tests.kit.certificate_shapes import CertificateShape, key_info

_HASHES: dict[str, tuple[Any, str, str, str]] = {  # the hash; of RSA, of ECDSA, its own
    "sha1": (hashes.SHA1, "1.2.840.113549.1.1.5", "1.2.840.10045.4.1", "1.3.14.3.2.26"),
    "sha224": (hashes.SHA224, "1.2.840.113549.1.1.14", "1.2.840.10045.4.3.1", "2.16.840.1.101.3.4.2.4"),
    "sha256": (hashes.SHA256, "1.2.840.113549.1.1.11", "1.2.840.10045.4.3.2", "2.16.840.1.101.3.4.2.1"),
    "sha384": (hashes.SHA384, "1.2.840.113549.1.1.12", "1.2.840.10045.4.3.3", "2.16.840.1.101.3.4.2.2"),
    "sha512": (hashes.SHA512, "1.2.840.113549.1.1.13", "1.2.840.10045.4.3.4", "2.16.840.1.101.3.4.2.3"),
}
_NULL = der.encode(der.NULL)
_PSS, _MGF1, _ED25519 = "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.8", "1.3.101.112"
_CURVES = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
    "P-224": ec.SECP224R1(),
    "secp256k1": ec.SECP256K1(),
    "brainpoolP256r1": ec.BrainpoolP256R1(),
}
_SIZES = {"RSA 2048": (2048, 65537), "RSA 3072": (3072, 65537), "RSA 1024": (1024, 65537), "RSA with exponent 3": (2048, 3)}
USUAL = ("P-256", "P-384", "RSA 2048", "RSA 3072")
KEYS = (*_CURVES, *_SIZES, "Ed25519", "RSASSA-PSS", "explicit parameters")


@dataclass(frozen=True)
class Key:
    """A private key, and how it is written where it is certified."""

    private: Any
    info: bytes


@cache
def key(kind: str) -> Key:
    """A key of this kind: one in a process."""
    if kind in _CURVES or kind == "explicit parameters":
        private: Any = ec.generate_private_key(_CURVES.get(kind, ec.SECP256R1()))
    elif kind == "Ed25519":
        private = ed25519.Ed25519PrivateKey.generate()
    else:
        size, exponent = _SIZES.get(kind, (2048, 65537))
        private = rsa.generate_private_key(exponent, size)  # type: ignore[arg-type]
    info = key_info(private.public_key())
    algorithm = {"RSASSA-PSS": der.encode(der.SEQUENCE, der.oid(_PSS)), "explicit parameters": _explicit_p256()}.get(kind)
    return Key(private, der.replaced(info, (0,), algorithm) if algorithm else info)


def _explicit_p256() -> bytes:
    """The algorithm of an EC key whose curve, P-256, is written out (RFC 3279 2.3.5)."""
    prime = 2**256 - 2**224 + 2**192 + 2**96 - 1
    b = bytes.fromhex("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b")
    generator = bytes.fromhex(
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    )
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    field = der.encode(der.SEQUENCE, der.oid("1.2.840.10045.1.1"), der.integer(prime))
    curve = der.encode(der.SEQUENCE, der.encode(der.OCTET_STRING, (prime - 3).to_bytes(32)), der.encode(der.OCTET_STRING, b))
    parts = (der.integer(1), field, curve, der.encode(der.OCTET_STRING, generator), der.integer(order), der.integer(1))
    return der.encode(der.SEQUENCE, der.oid("1.2.840.10045.2.1"), der.encode(der.SEQUENCE, *parts))


def _hash_algorithm(name: str) -> bytes:
    return der.encode(der.SEQUENCE, der.oid(_HASHES[name][3]), _NULL)


@st.composite
def algorithms(draw: st.DrawFn, signer: Any) -> tuple[bytes, Any]:
    """An algorithm for this private key: its AlgorithmIdentifier, and what signs octets."""
    name = draw(st.sampled_from(["sha256", "sha256", *_HASHES]))
    kind, of_rsa, of_ec, _ = _HASHES[name]
    if isinstance(signer, ed25519.Ed25519PrivateKey):
        return der.encode(der.SEQUENCE, der.oid(_ED25519)), signer.sign
    if isinstance(signer, ec.EllipticCurvePrivateKey):
        return der.encode(der.SEQUENCE, der.oid(of_ec)), lambda octets: signer.sign(octets, ec.ECDSA(kind()))
    if draw(st.booleans()):
        return der.encode(der.SEQUENCE, der.oid(of_rsa), _NULL), lambda octets: signer.sign(octets, padding.PKCS1v15(), kind())
    mask, salt = draw(st.sampled_from([name, name, *_HASHES])), draw(st.sampled_from([32, 20, 0, kind.digest_size]))
    parts = [
        der.encode(0xA0, _hash_algorithm(name)),
        der.encode(0xA1, der.encode(der.SEQUENCE, der.oid(_MGF1), _hash_algorithm(mask))),
        der.encode(0xA2, der.integer(salt)),
    ]
    scheme = padding.PSS(padding.MGF1(_HASHES[mask][0]()), salt)
    parameters = der.encode(der.SEQUENCE, *parts)
    return der.encode(der.SEQUENCE, der.oid(_PSS), parameters), lambda octets: signer.sign(octets, scheme, kind())


@st.composite
def _signed(draw: st.DrawFn, shape: CertificateShape, signer: Any) -> tuple[bytes, str]:
    algorithm, sign = draw(algorithms(signer))
    content = shape.to_be_signed(algorithm)
    how = draw(st.sampled_from(["good"] * 8 + ["other octets", "another content", "cut", "unused bits"]))
    try:
        made = sign(content + b"\0" if how == "another content" else content)
    except ValueError:  # a small RSA key has no room for a long hash
        made, how = b"\1" * 64, "too long for the key"
    if how == "other octets":
        made = made[:-1] + bytes([made[-1] ^ 1])
    if how == "cut":
        made = made[:-1]
    bits = b"\1" if how == "unused bits" else b"\0"
    return der.encode(der.SEQUENCE, content, algorithm, der.encode(der.BIT_STRING, bits, made)), f"{how}, {algorithm.hex()}"


_ROOT = Forged(subject="Root", ski=ABSENT)
_ROOT_SHAPE = CertificateShape.of(_ROOT.certificate.der)
_ISSUING_SHAPE = CertificateShape.of(Forged(subject="Issuing", issuer=_ROOT, ski=ABSENT, aki=ABSENT).certificate.der)


@st.composite
def two_authorities(draw: st.DrawFn) -> tuple[bytes, str]:
    """The authority below, then the root, in DER, and the kinds of their keys."""
    upper, lower = draw(st.sampled_from([*USUAL, *KEYS])), draw(st.sampled_from([*USUAL, *USUAL, *KEYS]))
    root = replace(_ROOT_SHAPE, key=key(upper).info).signed(key(upper).private)
    below, how = draw(_signed(replace(_ISSUING_SHAPE, key=key(lower).info), key(upper).private))
    return below + root, f"{lower} below {upper}: {how}"


def private_key(certificate: bytes) -> Any:
    """The private key of a certificate that was made here."""
    info = CertificateShape.of(certificate).key
    return next(key(kind).private for kind in KEYS if key(kind).info == info)
