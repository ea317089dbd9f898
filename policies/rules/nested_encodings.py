"""What a text says once its encodings are undone: base64, hex, percent signs, JSON, compression, one inside the other."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, unquote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHORTEST = 24  # characters of a first line; no encoded private key is as short in all
_SEPARATORS: Final = re.compile(r"(?:\\[rnt]|[\s\"',])+")  # line breaks, also as two characters each; what stands between a list's items
_RUN: Final = re.compile(r"[A-Za-z0-9+/_-]+={0,2}(?:\n[A-Za-z0-9+/_-]+={0,2})*")
_HEX: Final = re.compile(r"(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[\s:,;]{0,3}){32,}")
_HEX_NOISE: Final = re.compile(r"0x|\\x|[\s:,;]")
_PERCENT: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_OTHER_ALPHABET: Final = str.maketrans("-_", "+/", "\n")  # RFC 4648, 5
_GZIP, _ZLIB, _ZIP = b"\x1f\x8b", b"\x78", b"PK\x03\x04"
_MOST_UNPACKED = 1 << 22  # octets that are looked at of what a compressed value holds
_READABLE: Final = frozenset(range(0x20, 0x7F)) | frozenset(b"\t\r\n\0")
_SAMPLE = 64


def octets(text: str) -> Iterator[bytes]:
    """Every value in octets that stands in `text` in base64 (either alphabet, lines of any length, no padding needed) or in hex."""
    if len(text) < _SHORTEST:
        return
    for run in _RUN.findall(_SEPARATORS.sub("\n", text)):
        if len(run) >= _SHORTEST:
            lines = run.split("\n")
            yield from (_decoded(block) for block in _blocks(lines))
            if len(lines) > 1:
                yield _decoded(run)
    for found in _HEX.findall(text):
        digits = _HEX_NOISE.sub("", found)
        yield bytes.fromhex(digits[: len(digits) // 2 * 2])
    if "\x80" <= max(text) <= "\xff":  # one character for each octet
        yield text.encode("latin-1")


def _blocks(lines: list[str]) -> Iterator[str]:
    """Lines as base64 is wrapped: of one length, and a last one that may be shorter. Other words may stand before and after them."""
    at = 0
    while at < len(lines):
        end, width = at + 1, len(lines[at])
        while end < len(lines) and len(lines[end]) == width:
            end += 1
        if width >= _SHORTEST:
            yield "".join(lines[at : end + 1] if end < len(lines) and len(lines[end]) < width else lines[at:end])
        at = end


def _decoded(text: str) -> bytes:
    digits = text.partition("=")[0].translate(_OTHER_ALPHABET)
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    return base64.b64decode(digits + "=" * (-len(digits) % 4))


def texts(text: str) -> Iterator[str]:
    """What `text` is without percent signs (RFC 3986, 2.1), if it has any; also as a form writes them, where `+` is a space."""
    if _PERCENT.search(text):
        yield unquote(text)
        if "+" in text:
            yield unquote_plus(text)


def json_of(text: str) -> Any:
    """The JSON value of a text that is an object, a list or a text in JSON; None if it is none of these."""
    if text.lstrip()[:1] not in {"{", "[", '"'}:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def unpacked(data: bytes) -> Iterator[bytes]:
    """What is in a gzip, zlib or zip value, up to 4 MiB; nothing for others."""
    if data.startswith((_GZIP, _ZLIB)):
        try:
            yield zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(data, _MOST_UNPACKED)
        except zlib.error:
            return
    elif data.startswith(_ZIP):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for name in archive.namelist():
                    with archive.open(name) as member:
                        yield member.read(_MOST_UNPACKED)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError, ValueError):
            return


def text_of(data: bytes) -> str | None:
    """Octets as the text that they are, in UTF-8 or UTF-16; None if they are none."""
    sample = data[:_SAMPLE].removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff").removeprefix(b"\xef\xbb\xbf")
    if not sample or any(octet not in _READABLE for octet in sample):
        return None
    return data.replace(b"\0", b"").decode("utf-8", "replace")
