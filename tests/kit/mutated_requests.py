"""Requests with keys, signatures and shapes of all kinds, as DER: those of `der_mutations`, and what they leave out."""

from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from hypothesis import strategies as st

from tests.kit import der
from tests.kit.authorities import ec_key, rsa_key
from tests.kit.certificate_shapes import RequestShape, extension, key_info, signature_algorithm
from tests.kit.der_mutations import mutated_requests

_RSA, _RSASSA_PSS = der.oid("1.2.840.113549.1.1.1"), der.oid("1.2.840.113549.1.1.10")
_HASHES = {"EC": ("sha1", "sha256", "sha384", "sha512"), "RSA": ("md5", "sha1", "sha256", "sha512"), "Ed25519": ("sha256",)}


class MutatedRequest(NamedTuple):
    """A request in DER, and what is odd about it."""

    encoding: bytes
    odd: str


@cache
def _keys() -> dict[str, Any]:
    return {
        "EC P-256": ec_key(),
        "EC P-384": ec_key(ec.SECP384R1()),
        "EC P-192": ec_key(ec.SECP192R1()),
        "EC brainpool": ec_key(ec.BrainpoolP256R1()),
        "RSA 2048": rsa_key(),
        "RSA 1024": rsa_key(1024),
        "Ed25519": ed25519.Ed25519PrivateKey.generate(),
    }


@st.composite
def requests(draw: st.DrawFn, shape: RequestShape) -> MutatedRequest:
    """A request of this shape with any key and any hash, changed before it was signed, or after."""
    kind = draw(st.sampled_from(sorted(_keys())))
    key = _keys()[kind]
    held = replace(shape, key=key_info(key.public_key()))
    how = draw(st.sampled_from(["shape", "shape", "shape", "hash", "attributes", "key", "signature", "octets", "PSS"]))
    if how == "shape":
        return MutatedRequest(*draw(mutated_requests(held, key)))
    if how == "hash":
        name = draw(st.sampled_from(_HASHES[kind.split()[0]]))
        return MutatedRequest(held.signed(key, name), f"{kind} with {name}")
    if how == "attributes":
        found = draw(st.lists(st.sampled_from(sorted(_ATTRIBUTES)), max_size=4))
        encoded = der.encode(0xA0, *(_ATTRIBUTES[each] for each in found))
        return MutatedRequest(replace(held, attributes=encoded).signed(key), f"attributes: {', '.join(found)}")
    if how == "key":
        return _with_another_key(draw, held, key)
    if how == "PSS":
        return MutatedRequest(_signed_with_pss(replace(held, key=key_info(rsa_key().public_key()))), "RSASSA-PSS")
    return _changed_after(draw, held.signed(key), how)


def _with_another_key(draw: st.DrawFn, held: RequestShape, key: Any) -> MutatedRequest:
    """The key is for RSASSA-PSS, is another one than that which signs, or one octet of it is changed."""
    how = draw(st.sampled_from(["for PSS", "another", "one octet"]))
    if how == "for PSS":
        only = replace(held, key=key_info(rsa_key().public_key()).replace(_RSA, _RSASSA_PSS))
        return MutatedRequest(_signed_with_pss(only) if draw(st.booleans()) else only.signed(rsa_key()), f"key: {how}")
    if how == "another":
        held = replace(held, key=key_info(ec_key().public_key()))
    else:
        octets = bytearray(held.key)
        octets[draw(st.integers(0, len(octets) - 1))] ^= draw(st.integers(1, 255))
        held = replace(held, key=bytes(octets))
    return MutatedRequest(held.signed(key), f"key: {how}")


def _signed_with_pss(held: RequestShape) -> bytes:
    sha256 = der.encode(der.SEQUENCE, der.oid("2.16.840.1.101.3.4.2.1"))
    mask = der.encode(der.SEQUENCE, der.oid("1.2.840.113549.1.1.8"), sha256)
    parameters = der.encode(der.SEQUENCE, der.encode(0xA0, sha256), der.encode(0xA1, mask), der.encode(0xA2, der.integer(32)))
    algorithm = der.encode(der.SEQUENCE, _RSASSA_PSS, parameters)
    content = der.encode(der.SEQUENCE, held.version, held.subject, held.key, held.attributes or b"")
    made = rsa_key().sign(content, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    return der.encode(der.SEQUENCE, content, algorithm, der.encode(der.BIT_STRING, b"\0", made))


def _changed_after(draw: st.DrawFn, encoding: bytes, how: str) -> MutatedRequest:
    """Octets are changed after the signature was made; or the signature, or its algorithm, is another one."""
    if how == "octets":
        octets = bytearray(encoding)
        for _ in range(draw(st.integers(1, 3))):
            octets[draw(st.integers(0, 9999)) % len(octets)] = draw(st.integers(0, 255))
        kept = len(octets) if draw(st.booleans()) else draw(st.integers(0, 9999)) % len(octets)
        return MutatedRequest(bytes(octets[:kept]), "octets after signing")
    content, algorithm, signature = der.children(encoding)
    if draw(st.booleans()):
        unknown = der.encode(der.SEQUENCE, der.oid("1.2.3"))
        algorithm = draw(st.sampled_from([unknown, *map(signature_algorithm, _keys().values())]))
    else:
        signature = der.encode(der.BIT_STRING, draw(st.binary(max_size=80)))
    return MutatedRequest(der.encode(der.SEQUENCE, content, algorithm, signature), "signature or its algorithm after signing")


def _attribute(oid: str, *values: bytes) -> bytes:
    return der.encode(der.SEQUENCE, der.oid(oid), der.encode(der.SET, *values))


_USAGE = extension("2.5.29.15", der.encode(der.BIT_STRING, b"\x05\xa0"), critical=True)
_TEXT = der.encode(der.BMP_STRING, "Öfen".encode("utf-16-be"))
_ATTRIBUTES = {
    "Windows version": _attribute("1.3.6.1.4.1.311.13.2.3", der.encode(der.IA5_STRING, b"10.0.20348.2")),
    "Microsoft client": _attribute("1.3.6.1.4.1.311.21.20", der.encode(der.SEQUENCE, der.integer(5), _TEXT)),
    "CSP": _attribute("1.3.6.1.4.1.311.13.2.2", der.encode(der.SEQUENCE, der.integer(1), _TEXT)),
    "Microsoft's extensions": _attribute("1.3.6.1.4.1.311.2.1.14", der.encode(der.SEQUENCE, _USAGE)),
    "extensions": _attribute("1.2.840.113549.1.9.14", der.encode(der.SEQUENCE, _USAGE)),
    "an extension twice": _attribute("1.2.840.113549.1.9.14", der.encode(der.SEQUENCE, _USAGE, _USAGE)),
    "challenge": _attribute("1.2.840.113549.1.9.7", der.encode(der.PRINTABLE_STRING, b"pa_$")),
    "several values": _attribute("1.2.3.4", der.integer(2), der.integer(1)),
}
