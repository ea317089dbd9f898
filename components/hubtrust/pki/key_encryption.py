"""How private keys are encrypted (RFC 8018, RFC 7292, and OpenSSL's own of PEM): what is read here, and the name of what is not.

A cipher that is not read is named before a passphrase is tried, so that nobody is told that theirs is wrong.
"""

import contextlib
import hashlib
import re
import unicodedata

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from hubtrust.pki import der
from hubtrust.pki.errors import KeyUnreadableError
from hubtrust.pki.pem import Block

_PBES2, _PBKDF2, _SCRYPT = "1.2.840.113549.1.5.13", "1.2.840.113549.1.5.12", "1.3.6.1.4.1.11591.4.11"
_READ = {  # what `cryptography` decrypts
    "1.2.840.113549.1.5.3",  # PBE with MD5 and DES
    "1.2.840.113549.1.12.1.1",  # of PKCS#12, with RC4-128, 3DES and RC2-40
    "1.2.840.113549.1.12.1.3",
    "1.2.840.113549.1.12.1.6",
    "2.16.840.1.101.3.4.1.2",  # AES-CBC
    "2.16.840.1.101.3.4.1.22",
    "2.16.840.1.101.3.4.1.42",
    "1.2.840.113549.3.7",  # 3DES-CBC
    "1.2.840.113549.3.2",  # RC2-CBC
    "1.2.840.113549.2.7",  # HMAC with SHA-1, SHA-224, SHA-256, SHA-384 and SHA-512
    "1.2.840.113549.2.8",
    "1.2.840.113549.2.9",
    "1.2.840.113549.2.10",
    "1.2.840.113549.2.11",
    _PBKDF2,
    _SCRYPT,
}
_OLD = {  # OpenSSL 3 decrypts these with its legacy provider alone
    "1.2.840.113549.1.5.1": "PBE with MD2 and DES",
    "1.2.840.113549.1.5.4": "PBE with MD2 and RC2",
    "1.2.840.113549.1.5.6": "PBE with MD5 and RC2",
    "1.2.840.113549.1.5.10": "PBE with SHA-1 and DES",
    "1.2.840.113549.1.5.11": "PBE with SHA-1 and RC2",
    "1.2.840.113549.1.12.1.2": "PBE with SHA-1 and RC4-40",
    "1.2.840.113549.1.12.1.5": "PBE with SHA-1 and RC2-128",
    "1.3.14.3.2.7": "DES-CBC",
    "1.2.840.113549.3.4": "RC4",
    "1.2.410.200004.1.4": "SEED-CBC",
    "1.3.6.1.4.1.188.7.1.1.2": "IDEA-CBC",
    "1.3.6.1.4.1.3029.1.2": "Blowfish-CBC",
    "1.2.840.113533.7.66.10": "CAST5-CBC",
}
_NAMES = _OLD | {
    "1.2.840.113549.1.12.1.4": "PBE with SHA-1 and 3DES of two keys",
    **{f"1.2.392.200011.61.1.1.1.{n}": f"Camellia-{bits}-CBC" for n, bits in ((2, 128), (3, 192), (4, 256))},
    **{f"1.2.410.200046.1.1.{n}": f"ARIA-{bits}-CBC" for n, bits in ((2, 128), (7, 192), (12, 256))},
    "1.2.156.10197.1.104.2": "SM4-CBC",
    **{
        f"2.16.840.1.101.3.4.1.{n + of}": f"AES-{bits}-{mode}"
        for n, bits in ((0, 128), (20, 192), (40, 256))
        for of, mode in ((1, "ECB"), (3, "OFB"), (4, "CFB"), (6, "GCM"))
    },
    "1.2.840.113549.2.6": "HMAC with MD5",
    "1.2.840.113549.2.12": "HMAC with SHA-512/224",
    "1.2.840.113549.2.13": "HMAC with SHA-512/256",
    **{f"2.16.840.1.101.3.4.2.{n}": f"HMAC with SHA3-{bits}" for n, bits in ((13, 224), (14, 256), (15, 384), (16, 512))},
    "1.2.156.10197.1.401.2": "HMAC with SM3",
}
_OF_PEM = {
    "AES-128-CBC": (AES, 16),
    "AES-192-CBC": (AES, 24),
    "AES-256-CBC": (AES, 32),
    "DES-EDE3-CBC": (TripleDES, 24),
}  # octets of the key
_NAME_OF_PEM = re.compile(r"[A-Z0-9-]{1,30}")  # a damaged header may have the key in its line
_OLD_OF_PEM = ("DES-CBC", "RC2-", "BF-CBC", "CAST5-CBC", "SEED-CBC", "IDEA-CBC")
MOST_ROUNDS = 10_000_000  # of a key derivation: some seconds
_UNBOUNDED = 2**63
_DEEPEST = 8  # elements inside an AlgorithmIdentifier
_MOST_MEMORY = 2**30  # octets, of scrypt
_COPY = "copy the file from its source again"
_REENCRYPT = "encrypt it again: openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out ca.key"
_SALT = 8  # octets: OpenSSL takes so many of the initialization vector


def candidates(passphrase: str) -> list[bytes]:
    """The octets that may stand for ``passphrase``: UTF-8 first, then what other systems typed or a file's line end added."""
    found = list[bytes]()
    for typed in (passphrase, passphrase.rstrip("\r\n")):
        found += [unicodedata.normalize(form, typed).encode(errors="replace") for form in ("NFC", "NFD")]
        for encoding in ("utf-8", "latin-1", "cp1252"):
            with contextlib.suppress(UnicodeEncodeError):
                found.append(typed.encode(encoding))
    return list(dict.fromkeys(found))


def require_supported(block: Block, *, what: str) -> None:
    """Refuse an encrypted key whose cipher, or whose derivation of the cipher's key, is not read here: it is named.

    Raises:
        KeyUnreadableError: it is not read, or takes too long.
    """
    if block.headers:
        cipher = block.headers.get("DEK-Info", "").partition(",")[0]
        if cipher not in _OF_PEM:
            name = cipher if _NAME_OF_PEM.fullmatch(cipher) else "a cipher that its header does not name"
            raise _unsupported_error(name, what, old=cipher.startswith(_OLD_OF_PEM))
        return
    try:
        scheme = der.only_element(block.content).elements()[0]
        _require_read(scheme, what)
    except (ValueError, IndexError):  # a DerError is one; so is an identifier without an algorithm
        raise KeyUnreadableError(what, "the encrypted key is damaged: it is not the structure of RFC 5958", _COPY) from None


def _require_read(identifier: der.Element, what: str, depth: int = 0) -> None:
    """Check an AlgorithmIdentifier, and those in it."""
    algorithm, *parameters = identifier.elements()
    oid = der.dotted(algorithm.content)
    if oid == _PBES2 and depth == 0:
        for inner in parameters[0].elements():
            _require_read(inner, what, depth + 1)
        return
    if oid not in _READ:
        raise _unsupported_error(_NAMES.get(oid, f"the algorithm {oid}"), what, old=oid in _OLD)
    inside = parameters[0].elements() if parameters and parameters[0].is_constructed else []
    if oid == _SCRYPT:
        cost, size, *_ = [*(int.from_bytes(part.content) for part in inside if part.tag == der.INTEGER), 0, 0]
        if 128 * cost * size > _MOST_MEMORY:  # RFC 7914 2
            raise KeyUnreadableError(what, f"its scrypt parameters take more than {_MOST_MEMORY >> 30} GiB of memory", _REENCRYPT)
    else:
        require_few_rounds(identifier, what=what)
    for part in inside:
        if oid == _PBKDF2 and part.tag == der.SEQUENCE:
            _require_read(part, what, depth + 1)


def require_few_rounds(identifier: der.Element, *, what: str) -> None:
    """Check how often an AlgorithmIdentifier has the passphrase hashed.

    Raises:
        KeyUnreadableError: it would take minutes.
        DerError: it is damaged.
    """
    if (rounds := _largest(identifier)) > MOST_ROUNDS:
        fact = f"its passphrase is to be hashed {rounds:,} times, and at most {MOST_ROUNDS:,} are done"
        raise KeyUnreadableError(what, fact, _REENCRYPT)


def _largest(element: der.Element, depth: int = 0) -> int:
    """The largest number in it, as far as any number of rounds goes."""
    if element.is_constructed and depth < _DEEPEST:
        return max((_largest(part, depth + 1) for part in element.elements()), default=0)
    return min(int.from_bytes(element.content), _UNBOUNDED) if element.tag == der.INTEGER else 0


def decrypted(block: Block, secret: bytes) -> bytes:
    """The DER of a key in PEM that OpenSSL encrypted with headers (RFC 1421 4.6.1.3); ``require_supported`` before.

    Raises:
        ValueError: it is not encrypted with this passphrase.
    """
    name, _, vector = block.headers["DEK-Info"].partition(",")
    cipher, size = _OF_PEM[name]
    start = bytes.fromhex(vector)
    key = digest = b""
    while len(key) < size:
        digest = hashlib.md5(digest + secret + start[:_SALT], usedforsecurity=False).digest()
        key += digest
    decryptor, unpadder = Cipher(cipher(key[:size]), CBC(start)).decryptor(), PKCS7(8 * len(start)).unpadder()
    try:
        found = unpadder.update(decryptor.update(block.content) + decryptor.finalize()) + unpadder.finalize()
        der.only_element(found)
    except ValueError:
        raise ValueError("Incorrect password") from None  # as `cryptography` says it
    return found


def _unsupported_error(name: str, what: str, *, old: bool) -> KeyUnreadableError:
    provider = " -provider legacy -provider default" if old else ""
    return KeyUnreadableError(what, f"the private key is encrypted with {name}, which is not supported here", f"{_REENCRYPT}{provider}")
