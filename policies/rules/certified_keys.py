"""Reads the keys to certify, in public keys and in certificate requests (RFC 2986), whatever else a request holds.

`cryptography` refuses requests that OpenSSL reads, and so hubtrust: those of version 2, without attributes, or with odd names. A rule
that passed them over would pass their keys.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from .certificates import key_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = re.compile(r"-----BEGIN (PUBLIC KEY|(?:NEW )?CERTIFICATE REQUEST)-----(.*?)-----END ", re.DOTALL)
_WHITE = re.compile(r"\\r|\\n|\s")  # also as two characters each, from JSON that nobody decoded
_SEQUENCE, _BIT_STRING, _INTEGER, _LONG = 0x30, 0x03, 0x02, 0x80
_UNKNOWN = ("unknown", 0)


@lru_cache(maxsize=64)
def certified_keys(text: str) -> tuple[tuple[str, int | str], ...]:
    """The type and size of each key, as `key_of` returns them: of PEM public keys and requests, or of base64 of their DER.

    A key that can't be read is of the type `unknown`. A text that holds neither is refused by the resource itself.
    """
    bodies = [found[2] for found in _BLOCK.finditer(text)] or ([] if "-----" in text else [text])
    return tuple(key for body in bodies for key in _keys(body))


def _keys(body: str) -> Iterator[tuple[str, int | str]]:
    try:
        encoding = base64.b64decode(_WHITE.sub("", body), validate=True)
        parts = list(_elements(next(iter(_elements(encoding)))[1]))
        if [tag for tag, _, _ in parts] == [_SEQUENCE, _BIT_STRING]:
            info = encoding
        else:
            version, _, key, *_ = _elements(parts[0][1])
            info = key[2] if version[0] == _INTEGER else b""
    except (ValueError, IndexError, StopIteration):  # binascii.Error is a ValueError
        return
    try:
        yield key_of(serialization.load_der_public_key(info))
    except (ValueError, UnsupportedAlgorithm):
        yield _UNKNOWN


def _elements(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """The tag, the content and the whole of each DER element in `data`.

    Raises:
        IndexError, ValueError: it is not DER.
    """
    at = 0
    while at < len(data):
        start, length = at + 2, data[at + 1]
        if length >= _LONG:
            start, length = start + (length & 0x7F), int.from_bytes(data[start : start + (length & 0x7F)], "big")
        if start + length > len(data):
            raise ValueError("it ends in the middle of an element")
        yield data[at], data[start : start + length], data[at : start + length]
        at = start + length
