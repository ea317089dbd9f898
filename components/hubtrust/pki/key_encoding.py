"""How a key is written where it is certified (SubjectPublicKeyInfo, RFC 5280 4.1.2.7). `cryptography` reads more forms than paths may have.

An RSASSA-PSS key verifies nothing but RSASSA-PSS signatures, and everything here signs with PKCS#1 v1.5, as vaults and tokens do. A CA
whose EC key has explicit parameters is refused by OpenSSL and others. Devices of such a CA could never connect.
"""

import base64
import binascii
import re
from collections.abc import Iterator

from cryptography import x509

from hubtrust.pki.errors import KeyEncodingError

_SEQUENCE, _OBJECT_ID, _BIT_STRING = 0x30, 0x06, 0x03
_SHORT_LENGTH = 0x80  # a length from here on is in as many octets as its other bits say
_RSASSA_PSS, _EC = bytes.fromhex("2a864886f70d01010a"), bytes.fromhex("2a8648ce3d0201")  # RFC 4055 1.2, RFC 5480 2.1.1
_KEY_BLOCK = re.compile(r"-----BEGIN (PUBLIC|PRIVATE) KEY-----(.*?)-----END", re.DOTALL)


def require_usable_key(signed: x509.Certificate | x509.CertificateSigningRequest, *, what: str) -> None:
    """Refuse a certificate or request whose key is written in a form that no path here can have.

    Raises:
        KeyEncodingError: it is an RSASSA-PSS key, or an EC key with explicit parameters.
    """
    content = signed.tbs_certificate_bytes if isinstance(signed, x509.Certificate) else signed.tbs_certrequest_bytes
    ((_, outer),) = _elements(content)
    _require_usable(next(body for tag, body in _elements(outer) if tag == _SEQUENCE and _tags(body) == [_SEQUENCE, _BIT_STRING]), what)


def require_usable_key_text(pem: str, *, what: str) -> None:
    """The same for the PEM text of a public key or of an unencrypted private key in PKCS#8. Other forms name no algorithm.

    Raises:
        KeyEncodingError: see ``require_usable_key``.
    """
    for block in _KEY_BLOCK.finditer(pem):
        try:
            der = base64.b64decode("".join(block[2].split()))
        except binascii.Error:
            continue  # whoever loads the key reports it
        for _, outer in _elements(der):
            _require_usable(outer, what)


def _require_usable(info: bytes, what: str) -> None:
    """``info`` has an AlgorithmIdentifier, perhaps after a version: an object id, then parameters."""
    algorithm = list(_elements(next((body for tag, body in _elements(info) if tag == _SEQUENCE), b"")))
    if algorithm[:1] == [(_OBJECT_ID, _RSASSA_PSS)]:
        fact = "its RSA key is for RSASSA-PSS alone (RFC 4055), and PKCS#1 v1.5 signatures, which are made here, do not verify with it"
        raise KeyEncodingError(what, fact, "use a plain RSA key (rsaEncryption) or an EC key")
    if algorithm[:1] == [(_OBJECT_ID, _EC)] and [tag for tag, _ in algorithm[1:]] != [_OBJECT_ID]:
        fact = "its EC key has explicit parameters in place of a named curve (RFC 5480 2.1.1), and certification paths with it are refused"
        raise KeyEncodingError(what, fact, "use a key on a named curve (openssl: -pkeyopt ec_param_enc:named_curve) and have it reissued")


def _tags(content: bytes) -> list[int]:
    return [tag for tag, _ in _elements(content)]


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each DER element, one after the other."""
    at = 0
    while at + 1 < len(content):
        tag, length, at = content[at], content[at + 1], at + 2
        if length >= _SHORT_LENGTH:
            size = length - _SHORT_LENGTH
            length, at = int.from_bytes(content[at : at + size]), at + size
        yield tag, content[at : at + length]
        at += length
