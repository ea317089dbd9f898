"""Finds private keys in any value, whatever form they have and however they are encoded."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

from . import nested_encodings
from .key_encodings import keys_in

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEEPEST = 6  # encodings inside each other
# RFC 7468 and what came before it: also SSH's, OpenPGP's, and a label whose spaces a form or a shell has replaced.
_PEM: Final = re.compile(r"--[ +_]?(?P<which>BEGIN|END)[ +_][A-Z0-9 +_]{0,40}PRIVATE[ +_]KEY(?:[ +_]BLOCK)?", re.IGNORECASE)
# Such a line is also in scripts that only look for keys: there no key follows it, and none stands before the last line.
_GAP = r"(?:\\+[rnt]|[-\s\\])*"
_HEADER = r"(?:Proc-Type|DEK-Info|Comment|Subject|Version|Hash|Charset|X-[\w-]{1,40}): ?[\w\"]"
_SHORT_LINES = r"(?:[A-Za-z0-9+/=]{1,15}(?:\\+[rn]|\r?\n)\s*){3}"
_BODY: Final = re.compile(
    rf"{_GAP}(?:[A-Za-z0-9+/=]{{16}}|{_SHORT_LINES}|{_HEADER})"
    # between quotes and operators of a program only what begins as a key does in base64
    r"|(?:\\[rnt]|[^A-Za-z0-9]){0,120}(?:M[CDEGHI]|b3BlbnNzaC1rZXk)[A-Za-z0-9+/=]{14}"
)
_BODY_BEFORE: Final = re.compile(rf"(?:[A-Za-z0-9+/=]{{16}}(?:\\+[rnt]|[-\s\\\"',+])*|{_SHORT_LINES}-*)$")
_NEAR = 320  # characters before or after the line
_PUTTY: Final = re.compile(r"PuTTY-User-Key-File-\d")
_XML, _XML_END, _XML_PRIVATE = "<RSAKeyValue", "</RSAKeyValue>", "<D>"  # of .NET; a public one has no D
_JWK_TYPE: Final = re.compile(r"\bkty\b[\"']?\s*[:=]")
_JWK_KEY: Final = re.compile(r"(?<![\w-])(?:d|k|priv)[\"']?\s*[:=]\s*[\"']?[\w-]{16,}")
_JWK_SHORTEST = 16  # characters of a private number in base64
_OCTET = 255
_BINARY_SHORTEST = 32


class PrivateKey(NamedTuple):
    """A private key: its form, and what holds it: octets that begin with it, a text that has it in PEM, or the object of a JWK."""

    form: str
    content: bytes | str | Mapping[str, Any]


def private_key_in(value: Any) -> str | None:
    """The form of a private key in this one value, such as `PEM` or `JWK`; None if there is none. See ``private_keys``."""
    return _form_in_text(value) if isinstance(value, str) else next((found.form for found in private_keys(value)), None)


@lru_cache(maxsize=1024)
def _form_in_text(text: str) -> str | None:
    """Remembered, because many resources of a stack have the same chain and the same signer."""
    return next((found.form for found in private_keys(text)), None)


def private_keys(value: Any, depth: int = 0) -> Iterator[PrivateKey]:
    """The private keys in this one value; one may come more than once.

    An encrypted key counts, and so does the symmetric key of a JWK (RFC 7518, 6.4). A bare number (32 octets that are nothing but the
    private number of a curve) looks like any other random value, and is not found.

    Args:
        value: a text, octets, or a list of octets or lines. What is inside other lists and objects is not looked at.
        depth: how many encodings were undone to get it.
    """
    if isinstance(value, bytes):
        yield from _in_octets(value, depth)
    elif isinstance(value, str):
        yield from _in_text(value, depth)
    elif isinstance(value, Mapping):
        if is_private_jwk(value):
            yield PrivateKey("JWK", value)
    elif isinstance(value, Sequence):
        yield from _in_pieces(value, depth)


def is_private_jwk(value: Mapping[str, Any]) -> bool:
    """Whether an object is a JSON Web Key with the private part (RFC 7517; RFC 7518, 6.2.2, 6.3.2 and 6.4.1; RFC 8037, 2)."""
    kind = value.get("kty")
    if kind is None and not {"crv", "x"} <= set(value) and not {"n", "e"} <= set(value):
        return False
    private = [value.get(name) for name in (("k",) if kind == "oct" else ("d", "p", "priv"))]  # secrets and Outputs are objects here
    return any(isinstance(part, str) and len(part) >= _JWK_SHORTEST and part != UNKNOWN_STRING_VALUE for part in private)


def _in_text(text: str, depth: int) -> Iterator[PrivateKey]:
    if len(text) < _BINARY_SHORTEST:
        return
    if form := _as_it_stands(text):
        yield PrivateKey(form, text)
    if depth >= _DEEPEST:
        return
    if (found := nested_encodings.json_of(text)) is not None:
        yield from _anywhere(found, depth + 1)
    for each in nested_encodings.texts(text):
        yield from _in_text(each, depth + 1)
    for data in nested_encodings.octets(text):
        yield from _in_octets(data, depth + 1)


def _as_it_stands(text: str) -> str | None:
    if any(_has_a_body(text, line) for line in _PEM.finditer(text)):
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


def _has_a_body(text: str, line: re.Match[str]) -> bool:
    """Whether the key itself follows the first line of PEM, or stands before the last one."""
    if line["which"].upper() == "BEGIN":
        return _BODY.match(text, line.end(), line.end() + _NEAR) is not None
    return _BODY_BEFORE.search(text[max(0, line.start() - _NEAR) : line.start()]) is not None


def _in_octets(data: bytes, depth: int) -> Iterator[PrivateKey]:
    yield from (PrivateKey(form, octets) for form, octets in keys_in(data))
    if form := _as_it_stands(plain := data.replace(b"\0", b"").decode("latin-1")):
        yield PrivateKey(form, plain)
    if depth >= _DEEPEST:
        return
    if text := nested_encodings.text_of(data):
        yield from _in_text(text, depth + 1)
    for each in nested_encodings.unpacked(data):
        yield from _in_octets(each, depth + 1)


def _in_pieces(items: Sequence[Any], depth: int) -> Iterator[PrivateKey]:
    """A key whose octets or lines are the items of a list."""
    if len(items) >= _BINARY_SHORTEST and all(isinstance(each, int | float) and 0 <= each <= _OCTET for each in items):
        yield from _in_octets(bytes(map(int, items)), depth + 1)
    elif len(items) > 1 and all(isinstance(each, str) for each in items):
        yield from _in_text("\n".join(items), depth)


def _anywhere(value: Any, depth: int) -> Iterator[PrivateKey]:
    """The private keys in a value and in what is inside it."""
    yield from private_keys(value, depth)
    inner: list[Any] = []
    if isinstance(value, Mapping):
        inner = [*value.keys(), *value.values()]
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        inner = list(value)
    for each in inner:
        yield from _anywhere(each, depth)
