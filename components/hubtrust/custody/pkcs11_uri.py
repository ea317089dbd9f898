"""PKCS#11 URIs (RFC 7512): a key in a token, by names that stay valid when the token is in another slot."""

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
    """A parsed URI; attributes that it does not have are None."""

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
            TokenError: it is not a PKCS#11 URI, names no token or no key, or contains a PIN.
        """
        what = "the key's PKCS#11 URI"
        if not text.startswith("pkcs11:"):
            raise TokenError(what, f"'{text.partition('?')[0]}' is not a PKCS#11 URI", f"write it as {_SHAPE} (RFC 7512)")
        path, _, query = text.removeprefix("pkcs11:").partition("?")
        query_attributes = _attributes(query, "&", _QUERY, what)
        if {"pin-value", "pin-source"} & query_attributes.keys():
            raise TokenError(what, "it contains a PIN or the source of one", "remove it, and give pin (a secret) or pinVariable")
        path_attributes = _attributes(path, ";", _PATH, what)
        if not path_attributes.keys() & set(_TOKEN):
            fact = "it names a slot but no token, and a token's slot can change" if "slot-id" in path_attributes else "it names no token"
            raise TokenError(what, fact, "add token=<label> or serial=<serial>")
        if not path_attributes.keys() & {"object", "id"}:
            raise TokenError(what, "it names no key", "add object=<label> or id=<bytes as %01%02>")
        if path_attributes.get("type", b"private") not in (b"private", b"public"):
            raise TokenError(
                what, f"it names a {_text(path_attributes['type'], what)}, which can't sign", "remove type, or write type=private"
            )
        texts: dict[str, str | None] = {name: _text(path_attributes[name], what) for name in (*_TOKEN, "object") if name in path_attributes}
        module = _text(query_attributes["module-path"], what) if "module-path" in query_attributes else None
        texts["label"] = texts.pop("object", None)
        return cls(text=text, id=path_attributes.get("id"), module_path=module, **dict.fromkeys(_TOKEN) | texts)

    @property
    def what(self) -> str:
        """The key in messages; without the query, which has only the path of the module."""
        return f"key '{self.text.partition('?')[0]}'"


def _attributes(text: str, separator: str, known: set[str], what: str) -> dict[str, bytes]:
    """The attributes with percent-decoded values. Vendors' names begin with x-; a name occurs once (RFC 7512 2.3)."""
    found: dict[str, bytes] = {}
    for part in filter(None, text.split(separator)):
        name, equals, value = part.partition("=")
        if not equals or name in found or (name not in known and not name.startswith("x-")):
            fact = f"'{name}' occurs twice in it" if name in found else f"'{name}' is not an attribute of a PKCS#11 URI"
            raise TokenError(what, fact, f"write it as {_SHAPE} (RFC 7512)")
        found[name] = unquote_to_bytes(value)
    return found


def _text(value: bytes, what: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise TokenError(what, "a name in it is not UTF-8", f"write it as {_SHAPE} (RFC 7512)") from None
