"""PKCS#11 URIs (RFC 7512): which key in which token, by names that stay valid when the token moves to another slot."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote_to_bytes

from hubtrust.pki.errors import TokenError

_SHAPE = "pkcs11:token=<label>;object=<key label>?module-path=<library>"
_TOKEN = ("token", "serial", "manufacturer", "model")
_PATH = {*_TOKEN, "object", "id", "type", "slot-id", "slot-manufacturer", "slot-description", "library-manufacturer"} | {
    "library-version",
    "library-description",
}
_QUERY = {"module-path", "module-name", "pin-source", "pin-value"}


@dataclass(frozen=True, slots=True)
class TokenUri:
    """A URI, read; what it leaves open is None."""

    text: str  # as it was given: it holds no secret
    token: str | None
    serial: str | None
    manufacturer: str | None
    model: str | None
    label: str | None  # the key's: `object`
    id: bytes | None  # the key's
    module_path: str | None

    @classmethod
    def read(cls, text: str) -> Self:
        """The URI of a key.

        Raises:
            TokenError: it is not such a URI, names no token or no key, names only a slot, or has a PIN in it.
        """
        what = "the key's PKCS#11 URI"
        if not text.startswith("pkcs11:"):
            raise TokenError(what, f"'{text.partition('?')[0]}' is not a PKCS#11 URI", f"write it as {_SHAPE} (RFC 7512)")
        path, _, query = text.removeprefix("pkcs11:").partition("?")
        asked = _attributes(query, "&", _QUERY, what)
        if {"pin-value", "pin-source"} & asked.keys():
            raise TokenError(what, "there is a PIN in it, or the way to one", "give the PIN as a secret, or the variable that holds it")
        named = _attributes(path, ";", _PATH, what)
        if not named.keys() & set(_TOKEN):
            fact = "it names a slot and no token, and slots move" if "slot-id" in named else "it names no token"
            raise TokenError(what, fact, "name the token by token=<label> or serial=<serial>")
        if not named.keys() & {"object", "id"}:
            raise TokenError(what, "it names no key", "name the key by object=<label> or id=<bytes as %01%02>")
        if named.get("type", b"private") not in (b"private", b"public"):
            raise TokenError(what, f"it names a {_text(named['type'], what)}, which does not sign", "leave type out, or write type=private")
        words: dict[str, str | None] = {name: _text(named[name], what) for name in (*_TOKEN, "object") if name in named}
        module = _text(asked["module-path"], what) if "module-path" in asked else None
        words["label"] = words.pop("object", None)
        return cls(text=text, id=named.get("id"), module_path=module, **dict.fromkeys(_TOKEN) | words)

    @property
    def what(self) -> str:
        """How messages call the key."""
        return f"key '{self.text.partition('?')[0]}'"


def _attributes(text: str, separator: str, known: set[str], what: str) -> dict[str, bytes]:
    """Names and percent-decoded values. Vendors' own begin with x-; a name appears once (RFC 7512 2.3)."""
    found: dict[str, bytes] = {}
    for part in filter(None, text.split(separator)):
        name, equals, value = part.partition("=")
        if not equals or name in found or (name not in known and not name.startswith("x-")):
            fact = f"'{name}' is in it twice" if name in found else f"'{name}' is not an attribute of such a URI"
            raise TokenError(what, fact, f"write it as {_SHAPE} (RFC 7512)")
        found[name] = unquote_to_bytes(value)
    return found


def _text(value: bytes, what: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise TokenError(what, "a name in it is not UTF-8", f"write it as {_SHAPE} (RFC 7512)") from None
