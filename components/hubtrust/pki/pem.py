"""PEM, as people are handed it (RFC 7468, RFC 1421): blocks of base64 in a text that mail, editors or environment variables changed."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from hubtrust.pki.errors import UnreadableError

CERTIFICATE, REQUEST = "CERTIFICATE", "CERTIFICATE REQUEST"
_SAME = {"X509 CERTIFICATE": CERTIFICATE, "NEW CERTIFICATE REQUEST": REQUEST}  # RFC 7468 5.2 and 7.1: labels of old tools
_BEGIN = re.compile(r"-----BEGIN ([^\n-]*)-----")
_HEADER = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]*): *(.*(?:\n[ \t]+.*)*)")  # RFC 1421 4.6; a folded line begins with white space
_WRITTEN_LINE_END = re.compile(r"(?:\\r)?\\n|\\r")  # of JSON, or of an environment variable, that nobody decoded
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


def plain(text: str) -> str:
    """``text`` with plain line ends, also where they were written as two characters, and without a byte order mark."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    begin = _BEGIN.search(text)
    return _WRITTEN_LINE_END.sub("\n", text) if begin and text[begin.end() :].lstrip(" ").startswith("\\") else text


def _blocks(text: str, what: str) -> Iterator[Block]:
    at = 0
    for number, begin in enumerate(_BEGIN.finditer(text), 1):
        label, place = begin[1].strip(), f"block {number}"
        if begin.start() < at:
            continue
        end = text.find(f"-----END {begin[1]}-----", begin.end())
        following = _BEGIN.search(text, begin.end())
        if end < 0 or (following and following.start() < end):
            raise UnreadableError(
                what, f"{place} ({label}) is incomplete: it has no END {label}", "copy the whole file from its source again"
            )
        headers, body = _headers(text[begin.end() : end])
        try:
            content = base64.b64decode("".join(body.split()), validate=True)
        except binascii.Error:
            raise UnreadableError(
                what, f"{place} ({label}) is damaged: {_stray(body)}", "copy the whole file from its source again"
            ) from None
        yield Block(_SAME.get(label, label), content, headers)
        at = end


def _headers(body: str) -> tuple[dict[str, str], str]:
    headers: dict[str, str] = {}
    while found := _HEADER.match(body):
        headers[found[1]] = " ".join(found[2].split())
        body = body[found.end() :]
    return headers, body


def _stray(body: str) -> str:
    """What is wrong with base64."""
    stray = re.search(r"[^A-Za-z0-9+/=\s]", body)
    return f"its base64 has the character {stray[0]!r}" if stray else "its base64 is cut off"
