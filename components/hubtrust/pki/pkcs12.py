"""PKCS#12, or PFX: certificates and a private key in one file with a passphrase (RFC 7292)."""

import contextlib
import hashlib
import hmac
from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs12

from hubtrust.pki import der
from hubtrust.pki.contents import PRIVATE_KEY
from hubtrust.pki.errors import KEY_READING_ERRORS, DerError, UnreadableError
from hubtrust.pki.key_encryption import MOST_ROUNDS, candidates, require_few_rounds
from hubtrust.pki.pem import CERTIFICATE, Block
from hubtrust.pki.readable import quiet

_CONVERT = "convert it: openssl pkcs12 -in FILE -nodes -legacy -out ca.pem"
_HASHES = {
    "1.2.840.113549.2.5": "md5",
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_ENVELOPED_DATA = "1.2.840.113549.1.7.3"
_KEY_OF_A_MAC = 3  # RFC 7292 B.3


def opened(encoding: bytes, *, what: str, passphrase: str | None) -> list[Block]:
    """The private key and the certificates in it, the key first. Without a passphrase the empty one is tried, and no encryption.

    Raises:
        KeyUnreadableError: it takes too long to open.
        UnreadableError: the passphrase is missing or wrong, or something in it can't be read here.
    """
    parts = _parts(encoding)
    if _is_for_accounts(parts):
        fact = "this PKCS#12 file is protected for Windows accounts, and not by a passphrase"
        raise UnreadableError(what, fact, "export it again with a password")
    with contextlib.suppress(DerError, IndexError):  # what is damaged is told below
        for identifier in _encryptions(parts):
            require_few_rounds(identifier, what=what)
    secrets = _secrets(passphrase)
    for secret in secrets:
        try:
            with quiet():  # of BER, which Java and NSS write
                key, own, others = pkcs12.load_key_and_certificates(encoding, secret)
        except KEY_READING_ERRORS:  # TypeError: of `cryptography` itself, for octets that are not UTF-8
            continue
        return [*_key_blocks(key), *(Block(CERTIFICATE, _der_of(one)) for one in (own, *others) if one is not None)]
    if any(_has_mac_of(parts, secret) for secret in secrets):
        raise UnreadableError(what, "the passphrase opens this PKCS#12 file, but a certificate or key in it can't be read here", _CONVERT)
    if not passphrase:
        raise UnreadableError(what, "this PKCS#12 file has a passphrase and none was given", "give its passphrase as a secret")
    fact = "the passphrase does not open this PKCS#12 file"
    raise UnreadableError(what, fact, "give the passphrase that it was exported with; if it is the right one, copy the file again")


def _secrets(passphrase: str | None) -> list[bytes]:
    """The passphrases to try, UTF-8; the empty one at last. OpenSSL before 1.1 took each octet for a character."""
    if not passphrase:
        return [b""]
    texts = [secret.decode("latin-1").encode() for secret in candidates(passphrase)]
    return [secret for secret in dict.fromkeys([*candidates(passphrase), *texts, b""]) if _is_text(secret)]


def _is_text(secret: bytes) -> bool:
    """Whether it is UTF-8 without NUL, which `cryptography` panics about."""
    return b"\0" not in secret and secret.decode(errors="replace").encode() == secret


def _key_blocks(key: PrivateKeyTypes | None) -> list[Block]:
    if key is None:
        return []
    form = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return [Block(PRIVATE_KEY, key.private_bytes(*form))]


def _der_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _parts(encoding: bytes) -> list[der.Element]:
    """The version, the contents and perhaps the MAC; empty if it is damaged."""
    try:
        return der.only_element(der.from_ber(encoding)).elements()
    except DerError:
        return []


def _contents(parts: list[der.Element]) -> bytes:
    """What the MAC is of: the authenticated safe."""
    return parts[1].elements()[1].elements()[0].content


def _is_for_accounts(parts: list[der.Element]) -> bool:
    """Whether something in it is encrypted for recipients (EnvelopedData), as Windows exports for accounts of a domain."""
    with contextlib.suppress(DerError, IndexError):
        safes = der.only_element(_contents(parts)).elements()
        return any(der.dotted(safe.elements()[0].content) == _ENVELOPED_DATA for safe in safes)
    return False


def _encryptions(parts: list[der.Element]) -> Iterator[der.Element]:
    """How the safes and the keys in it are encrypted, as far as it can be seen from outside."""
    for safe in der.only_element(_contents(parts)).elements():
        inner = safe.elements()[1].elements()[0]
        if inner.tag == der.SEQUENCE:  # EncryptedData: its version, and its type, algorithm and content
            yield inner.elements()[1].elements()[1]
            continue
        for bag in der.only_element(inner.content).elements():
            first = bag.elements()[1].elements()[0].elements()[0]
            if first.tag == der.SEQUENCE:  # of an encrypted key; others begin with a version or a type
                yield first


def _has_mac_of(parts: list[der.Element], secret: bytes) -> bool:
    """Whether the MAC is made with this passphrase (RFC 7292 B). False also where there is none, or one of another kind."""
    try:
        digest_info, salt, *rounds = parts[2].elements()
        identifier, wanted = digest_info.elements()
        name = _HASHES[der.dotted(identifier.elements()[0].content)]
        count = int.from_bytes(rounds[0].content) if rounds else 1
        contents = _contents(parts)
    except (DerError, IndexError, KeyError, ValueError):
        return False
    if count > MOST_ROUNDS:
        return False
    size = hashlib.new(name, usedforsecurity=False).block_size
    text = (secret.decode() + "\0").encode("utf-16-be")
    mixed = bytes([_KEY_OF_A_MAC]) * size + _repeated(salt.content, size) + _repeated(text, size)
    for _ in range(count):
        mixed = hashlib.new(name, mixed, usedforsecurity=False).digest()
    return hmac.compare_digest(hmac.digest(mixed, contents, name), wanted.content)


def _repeated(octets: bytes, size: int) -> bytes:
    """``octets`` repeated until it has a multiple of ``size``."""
    whole = -(-len(octets) // size) * size
    return (octets * (whole // max(len(octets), 1) + 1))[:whole]
