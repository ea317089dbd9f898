"""The public half of private keys, by which a key and the certificate of its CA are known to belong together."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs12

from . import der
from .certificates import certificates_in
from .key_encodings import PKCS12

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from .certificate import Certificate
    from .private_keys import PrivateKey

_BLOCK: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
_CURVES: Final = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
_MOST_PASSWORDS = 8
_UNREADABLE: Final = (ValueError, TypeError, UnsupportedAlgorithm)


class Half(NamedTuple):
    """The public half of a key (SubjectPublicKeyInfo, DER), and the readable certificates that a PKCS #12 file has with the key."""

    key: bytes
    certificates: tuple[Certificate, ...] = ()


def public_halves(key: PrivateKey, passwords: Sequence[str] = ()) -> Iterator[Half]:
    """The public halves of what `private_keys` found, where `cryptography` reads its form.

    Args:
        key: a private key; a text may hold several.
        passwords: of encrypted keys; a key that none of them opens is left out: who has the state can't open it either.
    """
    secrets = [None, *(each.encode() for each in passwords[:_MOST_PASSWORDS])]
    content = key.content
    if isinstance(content, str):
        for block in _BLOCK.finditer(content.replace("\\r", "").replace("\\n", "\n")):
            yield from _opened(block[0].encode(), secrets, _ssh if "OPENSSH" in block[1] else _pem)
    elif isinstance(content, bytes):
        yield from _opened(_whole(content), secrets, _store if key.form == PKCS12 else _der)
    else:
        yield from _of_jwk(content)


def _opened(data: bytes, secrets: Sequence[bytes | None], read: Callable[[bytes, bytes | None], Half | None]) -> Iterator[Half]:
    for secret in secrets:
        try:
            half = read(data, secret)
        except _UNREADABLE:
            continue
        if half is not None:
            yield half
        return


def _pem(data: bytes, secret: bytes | None) -> Half | None:
    return _half(serialization.load_pem_private_key(data, secret, unsafe_skip_rsa_key_validation=True).public_key())


def _der(data: bytes, secret: bytes | None) -> Half | None:
    return _half(serialization.load_der_private_key(data, secret, unsafe_skip_rsa_key_validation=True).public_key())


def _ssh(data: bytes, secret: bytes | None) -> Half | None:
    return _half(serialization.load_ssh_private_key(data, secret).public_key())


def _store(data: bytes, secret: bytes | None) -> Half | None:
    found = pkcs12.load_pkcs12(data, secret)
    if found.key is None:
        return None
    pem = b"".join(each.certificate.public_bytes(Encoding.PEM) for each in (found.cert, *found.additional_certs) if each)
    return Half(_half(found.key.public_key()).key, certificates_in(pem.decode()))


def _half(public: Any) -> Half:
    return Half(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _whole(data: bytes) -> bytes:
    """The value with which `data` begins, without what follows it."""
    try:
        return der.first(data).whole
    except ValueError:
        return data


def _of_jwk(key: Mapping[str, Any]) -> Iterator[Half]:
    """The public half as the JWK says it (RFC 7518, 6.2.1 and 6.3.1; RFC 8037, 2)."""
    try:
        if key.get("crv") in _CURVES:
            yield _half(ec.EllipticCurvePublicNumbers(_number(key["x"]), _number(key["y"]), _CURVES[key["crv"]]).public_key())
        elif key.get("crv") in {"Ed25519", "Ed448"}:
            kind = ed25519.Ed25519PublicKey if key["crv"] == "Ed25519" else ed448.Ed448PublicKey
            yield _half(kind.from_public_bytes(_octets(key["x"])))
        elif "n" in key:
            yield _half(rsa.RSAPublicNumbers(_number(key["e"]), _number(key["n"])).public_key())
    except (*_UNREADABLE, KeyError, AttributeError):
        return


def _octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))


def _number(text: str) -> int:
    return int.from_bytes(_octets(text), "big")
