"""PEM, as people are handed it (RFC 7468, RFC 1421): blocks of base64 in a text that mail, editors or environment variables changed."""

import base64
import binascii
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from hubtrust.pki.errors import UnreadableError

CERTIFICATE, REQUEST = "CERTIFICATE", "CERTIFICATE REQUEST"
_SAME = {"X509 CERTIFICATE": CERTIFICATE, "NEW CERTIFICATE REQUEST": REQUEST}  # RFC 7468 5.2 and 7.1: labels of old tools
# Labels are repeated in errors: with more characters, one whose hyphens are lost would have the key that follows it in it.
_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 .#]{0,40})-----")
_CIPHER_HEADERS = re.compile(r"\s*Proc-Type: *(4,ENCRYPTED)\s+DEK-Info: *([A-Z0-9-]+, *[0-9A-Fa-f]+)\s+")  # also on one line, or indented
_HEADER = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]*): *(.*(?:\n[ \t]+.*)*)")  # RFC 1421 4.6; a folded line begins with white space
# Of JSON, once or twice, of an environment variable or of PowerShell, that nobody decoded.
_ESCAPE = re.compile(r"(?:\\{1,4}|`)(?:u([0-9A-Fa-f]{4})|([nr/]))")
_ESCAPED_BLOCK = re.compile(r"-----BEGIN [^\n-]*----- *[\\`]")
_OF_A_URL = re.compile(r"-----BEGIN(?:%20|\+)|----- *%0[AD]", re.IGNORECASE)
_COPY = "copy the whole file from its source again"
_LINE = 64  # characters of base64


@dataclass(frozen=True, slots=True)
class Block:
    """One block: what its label says that it is, and its octets. Encrypted keys of old tools have ``headers`` with the cipher."""

    label: str
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_private_key(self) -> bool:
        """Whether it is a private key of any kind, encrypted or not."""
        return self.label.endswith("PRIVATE KEY")

    @property
    def is_encrypted(self) -> bool:
        """Whether it needs a passphrase: PKCS#8 says so by its label, and OpenSSL's own format by a header."""
        return self.label == "ENCRYPTED PRIVATE KEY" or "DEK-Info" in self.headers

    @property
    def is_parameters(self) -> bool:
        """Whether it only names a curve, or other domain parameters: OpenSSL writes it before a key or a request."""
        return self.label.endswith(" PARAMETERS")

    @property
    def text(self) -> str:
        """The block as RFC 7468 writes it."""
        lines = base64.b64encode(self.content).decode()
        body = "\n".join(lines[at : at + _LINE] for at in range(0, len(lines), _LINE))
        headers = "".join(f"{name}: {value}\n" for name, value in self.headers.items())
        return f"-----BEGIN {self.label}-----\n{headers}{chr(10) if headers else ''}{body}\n-----END {self.label}-----\n"


def blocks(text: str, *, what: str) -> list[Block]:
    """Every block in ``text``, in its order. What is around them is ignored: comments, bag attributes, what `openssl x509 -text` writes.

    Raises:
        UnreadableError: a block has no end, or is not base64.
    """
    return list(_blocks(plain(text), what))


def labels(text: str) -> list[str]:
    """The labels of the blocks in ``text``, whatever is in them."""
    return [found[1].strip() for found in _BEGIN.finditer(text)]


def plain(text: str) -> str:
    """``text`` with plain line ends, also where they were written as two characters or for a URL, and without a byte order mark."""
    if _OF_A_URL.search(text):
        text = urllib.parse.unquote_plus(text) if "-----BEGIN+" in text else urllib.parse.unquote(text)
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return unescaped(text) if _ESCAPED_BLOCK.search(text) else text


def unescaped(text: str) -> str:
    """``text`` with the characters that its escapes stand for: line ends, a slash, and those of JSON by their number."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else {"n": "\n", "r": "\n"}.get(found[2], found[2]), text)


def base64_content(text: str) -> bytes:
    """The octets of base64, whatever white space is in it. Padding may be missing: variables often lose it.

    Raises:
        ValueError: it is not base64; the error says what is wrong.
    """
    joined = "".join(text.split())
    try:
        return base64.b64decode(joined.rstrip("=") + "=" * (-len(joined.rstrip("=")) % 4), validate=True)
    except binascii.Error:
        stray = re.search(r"[^A-Za-z0-9+/=]", joined)
        fact = f"its base64 has the character {stray[0]!r}" if stray else "its base64 is cut off, or several texts follow each other"
        raise ValueError(fact) from None


def _blocks(text: str, what: str) -> Iterator[Block]:
    for number, begin in enumerate(_BEGIN.finditer(text), 1):
        label, place = begin[1].strip(), f"block {number}"
        end = text.find(f"-----END {begin[1]}-----", begin.end())
        following = _BEGIN.search(text, begin.end())
        if end < 0 or (following and following.start() < end):
            raise UnreadableError(what, f"{place} ({label}) is incomplete: it has no END {label}", _COPY)
        headers, body = _headers(text[begin.end() : end])
        try:
            content = base64_content(body)
        except ValueError as error:
            raise UnreadableError(what, f"{place} ({label}) is damaged: {error}", _COPY) from None
        if not content:
            raise UnreadableError(what, f"{place} ({label}) is empty", _COPY)
        yield Block(_SAME.get(label, label), content, headers)


def _headers(body: str) -> tuple[dict[str, str], str]:
    headers: dict[str, str] = {}
    if found := _CIPHER_HEADERS.match(body):
        headers, body = {"Proc-Type": found[1], "DEK-Info": found[2].replace(" ", "")}, body[found.end() :]
    while found := _HEADER.match(body):
        headers[found[1]] = " ".join(found[2].split())
        body = body[found.end() :]
    return headers, body
