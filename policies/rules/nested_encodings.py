"""What a text says once its encodings are undone: base64, base32, hex, percent signs, JSON, compression, one inside the other."""

from __future__ import annotations

import base64
import bz2
import io
import json
import lzma
import re
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, unquote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHORTEST = 24  # characters of a first line; no encoded private key is as short in all
_SEPARATORS: Final = re.compile(r"(?:\\[rnt]|[\s\"',])+")  # line breaks, also as two characters each; what stands between a list's items
_RUN: Final = re.compile(r"[A-Za-z0-9+/_-]+={0,2}(?:\n[A-Za-z0-9+/_-]+={0,2})*")
_HEX: Final = re.compile(r"(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[\s:,;]{0,3}){32,}[0-9A-Fa-f]?")
_HEX_NOISE: Final = re.compile(r"0x|\\x|[\s:,;]")
_PERCENT: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_OTHER_ALPHABET: Final = str.maketrans("-_", "+/", "\n")  # RFC 4648, 5
_BASE32: Final = re.compile(r"[A-Z2-7]{56,}|[a-z2-7]{56,}")  # RFC 4648, 6
_GROUP, _GROUP32 = 4, 8  # characters that are decoded together
_NO_OCTET: Final = {1, 3, 6}  # characters after which the last one ends no octet of base32
_JOINT: Final = re.compile(r"[+/_-]")  # what joins a name and a value, and is a digit of base64 too
_NEAR = 128  # characters in which such a name ends
_GZIP, _ZLIB, _ZIP, _BZIP2, _XZ = b"\x1f\x8b", b"\x78", b"PK\x03\x04", b"BZh", b"\xfd7zXZ\0"
_DAMAGED_ZIP: Final = (  # what `zipfile` raises for one, or for one in a way that it can't read
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(NotImplementedError, RuntimeError, OSError, EOFError, ValueError, ArithmeticError, LookupError),
)
_MOST_UNPACKED = 1 << 22  # octets that are looked at of what a compressed value holds
_READABLE: Final = frozenset(range(0x20, 0x7F)) | frozenset(b"\t\r\n\0")
_SAMPLE = 64


def octets(text: str) -> Iterator[bytes]:
    """Every value in octets that stands in `text` in base64 (either alphabet, lines of any length, no padding needed), base32 or hex.

    A word before it may consist of the same characters (`v1-`, `kv/`): so each text is decoded from each of the first places at which
    a value can begin. What is decoded may then have other octets before the value.
    """
    if len(text) < _SHORTEST:
        return
    for run in _RUN.findall(_SEPARATORS.sub("\n", text)):
        if len(run) >= _SHORTEST:
            lines = run.split("\n")
            for block in dict.fromkeys((*_blocks(lines), "".join(lines))):
                yield from _decoded(block)
    for found in _HEX.findall(text):
        digits = _HEX_NOISE.sub("", found)
        yield from (bytes.fromhex(digits[at : at + (len(digits) - at) // 2 * 2]) for at in (0, 1))
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


def _decoded(text: str) -> Iterator[bytes]:
    digits = text.partition("=")[0]
    joints = (found.end() for found in _JOINT.finditer(digits, 0, _NEAR))
    for at in dict.fromkeys((*range(_GROUP), *joints)):
        value = digits[at:].translate(_OTHER_ALPHABET)
        value = value[: len(value) - (len(value) % _GROUP == 1)]
        yield base64.b64decode(value + "=" * (-len(value) % _GROUP))
    for found in _BASE32.findall(digits):
        for at in range(_GROUP32):
            value = found[at:]
            value = value[: len(value) - (len(value) % _GROUP32 in _NO_OCTET)]
            yield base64.b32decode(value + "=" * (-len(value) % _GROUP32), casefold=True)


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
    """What is in a gzip, zlib, bzip2, xz or zip value, up to 4 MiB; nothing for others, and for damaged ones."""
    if data.startswith((_GZIP, _ZLIB)):
        try:
            yield zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(data, _MOST_UNPACKED)
        except zlib.error:
            return
    elif data.startswith((_BZIP2, _XZ)):
        try:
            yield (bz2.BZ2Decompressor() if data.startswith(_BZIP2) else lzma.LZMADecompressor()).decompress(data, _MOST_UNPACKED)
        except (OSError, lzma.LZMAError, EOFError, ValueError):
            return
    elif data.startswith(_ZIP):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for name in archive.namelist():
                    with archive.open(name) as member:
                        yield member.read(_MOST_UNPACKED)
        except _DAMAGED_ZIP:
            return


def text_of(data: bytes) -> str | None:
    """Octets as the text that they are, in UTF-8 or UTF-16; None if they are none."""
    sample = data[:_SAMPLE].removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff").removeprefix(b"\xef\xbb\xbf")
    if not sample or any(octet not in _READABLE for octet in sample):
        return None
    return data.replace(b"\0", b"").decode("utf-8", "replace")
