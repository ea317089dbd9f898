"""The public half of private keys, by which a key and the certificate of its CA are known to belong together."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x448, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs12

from . import der
from .certificates import certificates_in
from .key_encodings import OPENSSH, PKCS12
from .nested_encodings import json_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .certificate import Certificate
    from .private_keys import PrivateKey

_BLOCK: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----(.*?)-----END \1-----", re.DOTALL)
_CURVES: Final = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
_OKP: Final[dict[str, Any]] = {
    "Ed25519": ed25519.Ed25519PrivateKey,
    "Ed448": ed448.Ed448PrivateKey,
    "X25519": x25519.X25519PrivateKey,
    "X448": x448.X448PrivateKey,
}
_JWK_TYPES: Final = re.compile(r"\bkty\b[\"']?\s*[:=]\s*[\"']?(\w+)")
_SEALED: Final = {PKCS12, "encrypted PKCS #8"}  # forms that are whole, and may need a password
_MOST_PASSWORDS = 256
_ENOUGH = 128  # octets by which two keys are told apart
_UNREADABLE: Final = (ValueError, TypeError, UnsupportedAlgorithm)


class Half(NamedTuple):
    """The public half of a key (SubjectPublicKeyInfo, DER), and the readable certificates that a PKCS #12 file has with the key."""

    key: bytes
    certificates: tuple[Certificate, ...] = ()
    encoding: bytes = b""
    """The octets in which the key was found."""


class Closed(NamedTuple):
    """A key whose public half could not be read."""

    form: str
    sealed: bool
    """It is encrypted, and no password that is here opens it: who has the state can't open it either."""
    encoding: bytes = b""
    """Its octets; empty if it is known by its text alone, so that it may be a key that was also found in another way."""

    def is_part_of(self, half: Half) -> bool:
        """Whether it is a piece of that key, such as the first of its lines alone."""
        size = min(len(self.encoding), len(half.encoding), _ENOUGH)
        return not self.encoding or (size > 0 and self.encoding[:size] == half.encoding[:size])


def public_halves(key: PrivateKey, passwords: Sequence[str] = ()) -> Iterator[Half | Closed]:
    """The public halves of what `private_keys` found, and the keys that can't be read here. The symmetric key of a JWK has none.

    Args:
        key: a private key; a text may hold several.
        passwords: that may open encrypted keys.
    """
    content = key.content
    if isinstance(content, Mapping):
        yield from _of_jwk(content)
    elif isinstance(content, str):
        yield from _in_text(key.form, content, passwords)
    elif key.form == OPENSSH:
        armor = b"-----BEGIN OPENSSH PRIVATE KEY-----\n%s\n-----END OPENSSH PRIVATE KEY-----\n"
        yield _opened(key.form, armor % base64.b64encode(content), passwords, _ssh, content)
    elif key.form == PKCS12:
        yield _opened(key.form, _whole(content), passwords, _store, content)
    else:
        yield _opened(key.form, _whole(content), passwords, _der, content)


def _in_text(form: str, text: str, passwords: Sequence[str]) -> Iterator[Half | Closed]:
    if form == "JWK":
        if json_of(text) is None and set(_JWK_TYPES.findall(text.replace("\\", ""))) != {"oct"}:  # the objects of JSON come alone
            yield Closed(form, sealed=False)
        return
    blocks = list(_BLOCK.finditer(text.replace("\\r", "").replace("\\n", "\n"))) if form == "PEM" else []
    for block in blocks:
        read = _ssh if "OPENSSH" in block[1] else _pem
        yield _opened(form, block[0].encode(), passwords, read, _body(block[2]))
    if not blocks:
        yield Closed(form, sealed=False, encoding=b"" if form == "PEM" else form.encode())


def _body(text: str) -> bytes:
    """The octets of a block of PEM, whose headers have a colon."""
    lines = (line for line in text.splitlines() if ":" not in line)
    with suppress(ValueError):
        return base64.b64decode("".join(lines))
    return text.encode()


def _opened(
    form: str, data: bytes, passwords: Sequence[str], read: Callable[[bytes, bytes | None], Half | None], encoding: bytes
) -> Half | Closed:
    try:
        return _read(read, data, None, encoding)
    except UnsupportedAlgorithm:
        return Closed(form, sealed=False, encoding=encoding)
    except TypeError:  # it needs a password
        pass
    except ValueError:
        if form not in _SEALED:
            return Closed(form, sealed=False, encoding=encoding)
    for password in passwords[:_MOST_PASSWORDS]:
        try:
            return _read(read, data, password.encode("utf-8", "replace"), encoding)
        except UnsupportedAlgorithm:
            return Closed(form, sealed=False, encoding=encoding)
        except (ValueError, TypeError):
            continue
    return Closed(form, sealed=len(passwords) <= _MOST_PASSWORDS, encoding=encoding)


def _read(read: Callable[[bytes, bytes | None], Half | None], data: bytes, password: bytes | None, encoding: bytes) -> Half | Closed:
    half = read(data, password)
    return half._replace(encoding=encoding) if half else Closed("", sealed=True)  # a file without a key


def _pem(data: bytes, secret: bytes | None) -> Half:
    return _of_private(serialization.load_pem_private_key(data, secret, unsafe_skip_rsa_key_validation=True))


def _der(data: bytes, secret: bytes | None) -> Half:
    return _of_private(serialization.load_der_private_key(data, secret, unsafe_skip_rsa_key_validation=True))


def _ssh(data: bytes, secret: bytes | None) -> Half:
    return _of_private(serialization.load_ssh_private_key(data, secret))


def _store(data: bytes, secret: bytes | None) -> Half | None:
    found = pkcs12.load_pkcs12(data, secret)
    if found.key is None:
        return None
    pem = b"".join(each.certificate.public_bytes(Encoding.PEM) for each in (found.cert, *found.additional_certs) if each)
    return Half(_of_private(found.key).key, certificates_in(pem.decode()))


def _of_private(private: Any) -> Half:
    """The half of a key, whose public numbers must be those of its private ones: else they say which CA's key it is not."""
    if isinstance(private, rsa.RSAPrivateKey):
        numbers = private.private_numbers()
        if numbers.p * numbers.q != numbers.public_numbers.n:
            raise ValueError("its modulus is not the product of its primes")
    return _half(private.public_key())


def _half(public: Any) -> Half:
    return Half(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _whole(data: bytes) -> bytes:
    """The value with which `data` begins, without what follows it."""
    try:
        return der.first(data).whole
    except ValueError:
        return data


def _of_jwk(key: Mapping[str, Any]) -> Iterator[Half | Closed]:
    """The half of a JWK's private part, whatever public part it has (RFC 7518, 6.2.2 and 6.3.1; RFC 8037, 2)."""
    if key.get("kty") == "oct":
        return
    kind = key.get("crv")
    try:
        if kind in _CURVES:
            yield _half(ec.derive_private_key(_number(key["d"]), _CURVES[kind]).public_key())
        elif kind in _OKP:
            yield _half(_OKP[kind].from_private_bytes(_octets(key["d"])).public_key())
        else:
            modulus = _number(key["n"])
            if "p" in key and "q" in key and _number(key["p"]) * _number(key["q"]) != modulus:
                raise ValueError("its modulus is not the product of its primes")
            yield _half(rsa.RSAPublicNumbers(_number(key["e"]), modulus).public_key())
    except (*_UNREADABLE, KeyError, AttributeError):
        yield Closed("JWK", sealed=False, encoding=b"JWK")


def _octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))


def _number(text: str) -> int:
    return int.from_bytes(_octets(text), "big")
