"""Reads the keys to certify, in public keys and in certificate requests (RFC 2986), whatever else a request holds.

`cryptography` refuses requests that OpenSSL reads, and so hubtrust: those of version 2, without attributes, or with odd names. A rule
that passed them over would pass their keys.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from . import der
from .key_kinds import kind_of_key

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = re.compile(r"-----BEGIN (PUBLIC KEY|(?:NEW )?CERTIFICATE REQUEST)-----(.*?)-----END ", re.DOTALL)
_WHITE = re.compile(r"\\r|\\n|\s")  # also as two characters each, from JSON that nobody decoded


@lru_cache(maxsize=64)
def certified_keys(text: str) -> tuple[tuple[str, int | str], ...]:
    """The type and size of each key, as `kind_of_key` returns them: of PEM public keys and requests, or of base64 of their DER.

    A key that can't be read is of the type `unknown`. A text that holds neither is refused by the resource itself.
    """
    bodies = [found[2] for found in _BLOCK.finditer(text)] or ([] if "-----" in text else [text])
    return tuple(key for body in bodies for key in _keys(body))


def _keys(body: str) -> Iterator[tuple[str, int | str]]:
    try:
        encoding = base64.b64decode(_WHITE.sub("", body), validate=True)
        parts = der.elements(der.first(encoding).content)
        if [part.tag for part in parts] == [der.SEQUENCE, der.BIT_STRING]:
            info = encoding
        else:
            version, _, key, *_ = der.elements(parts[0].content)
            info = key.whole if version.tag == der.INTEGER else b""
    except (ValueError, IndexError):  # binascii.Error is a ValueError
        return
    yield kind_of_key(info)
