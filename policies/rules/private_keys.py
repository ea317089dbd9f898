"""Finds private keys in any value, whatever form they have and however they are encoded."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

from . import nested_encodings
from .key_encodings import form_of

_DEEPEST = 6  # encodings inside each other
# RFC 7468 and what came before it: also SSH's, OpenPGP's, and a label whose spaces a form or a shell has replaced.
_PEM: Final = re.compile(r"--[ +_]?(?:BEGIN|END)[ +_][A-Z0-9 +_]{0,40}PRIVATE[ +_]KEY", re.IGNORECASE)
_PUTTY: Final = re.compile(r"PuTTY-User-Key-File-\d")
_XML, _XML_END, _XML_PRIVATE = "<RSAKeyValue", "</RSAKeyValue>", "<D>"  # of .NET; a public one has no D
_JWK_TYPE: Final = re.compile(r"\bkty\b[\"']?\s*[:=]")
_JWK_KEY: Final = re.compile(r"(?<![\w-])(?:d|k|priv)[\"']?\s*[:=]\s*[\"']?[\w-]{16,}")
_JWK_SHORTEST = 16  # characters of a private number in base64
_OCTET = 255
_BINARY_SHORTEST = 32


def private_key_in(value: Any, depth: int = 0) -> str | None:
    """The form of a private key in this one value, such as `PEM` or `JWK`; None if there is none.

    An encrypted key counts, and so does the symmetric key of a JWK (RFC 7518, 6.4). A bare number (32 octets that are nothing but the
    private number of a curve) looks like any other random value, and is not found.

    Args:
        value: a text, octets, or a list of octets or lines. What is inside other lists and objects is not looked at.
        depth: how many encodings were undone to get it.
    """
    if isinstance(value, bytes):
        return _in_octets(value, depth)
    if isinstance(value, str):
        return _in_text(value, depth)
    if isinstance(value, Mapping):
        return "JWK" if is_private_jwk(value) else None
    return _in_pieces(value, depth) if isinstance(value, Sequence) else None


def is_private_jwk(value: Mapping[str, Any]) -> bool:
    """Whether an object is a JSON Web Key with the private part (RFC 7517; RFC 7518, 6.2.2, 6.3.2 and 6.4.1; RFC 8037, 2)."""
    kind = value.get("kty")
    if kind is None and not {"crv", "x"} <= set(value) and not {"n", "e"} <= set(value):
        return False
    private = [value.get(name) for name in (("k",) if kind == "oct" else ("d", "p", "priv"))]  # secrets and Outputs are objects here
    return any(isinstance(part, str) and len(part) >= _JWK_SHORTEST and part != UNKNOWN_STRING_VALUE for part in private)


def _in_text(text: str, depth: int) -> str | None:
    if len(text) < _BINARY_SHORTEST:
        return None
    if form := _as_it_stands(text):
        return form
    if depth >= _DEEPEST:
        return None
    found = nested_encodings.json_of(text)
    inner: list[Any] = [found] if found is not None else []
    for each in (*nested_encodings.texts(text), *inner):
        if form := _anywhere(each, depth + 1):
            return form
    return next((form for data in nested_encodings.octets(text) if (form := _in_octets(data, depth + 1))), None)


def _as_it_stands(text: str) -> str | None:
    if _PEM.search(text):
        return "PEM"
    if _PUTTY.search(text):
        return "PuTTY"
    if _XML in text and any(_XML_PRIVATE in each.partition(_XML)[2] for each in text.split(_XML_END)):
        return "XML"
    if "kty" in text:
        plain = text.replace("\\", "")
        if _JWK_TYPE.search(plain) and _JWK_KEY.search(plain):
            return "JWK"
    return None


def _in_octets(data: bytes, depth: int) -> str | None:
    if form := form_of(data):
        return form
    if _PEM.search(data.replace(b"\0", b"").decode("latin-1")):
        return "PEM"
    if depth >= _DEEPEST:
        return None
    text = nested_encodings.text_of(data)
    if text and (form := _in_text(text, depth + 1)):
        return form
    return next((form for each in nested_encodings.unpacked(data) if (form := _in_octets(each, depth + 1))), None)


def _in_pieces(items: Sequence[Any], depth: int) -> str | None:
    """A key whose octets or lines are the items of a list."""
    if len(items) >= _BINARY_SHORTEST and all(isinstance(each, int | float) and 0 <= each <= _OCTET for each in items):
        return _in_octets(bytes(map(int, items)), depth + 1)
    if len(items) > 1 and all(isinstance(each, str) for each in items):
        return _in_text("\n".join(items), depth)
    return None


def _anywhere(value: Any, depth: int) -> str | None:
    """A private key in a value or in what is inside it."""
    if form := private_key_in(value, depth):
        return form
    inner: list[Any] = []
    if isinstance(value, Mapping):
        inner = [*value.keys(), *value.values()]
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        inner = list(value)
    return next((form for each in inner if (form := _anywhere(each, depth))), None)
