"""Argument types as Pulumi's schema has them; objects and enums are collected, because the schema names them.

The form: pulumi.com/docs/iac/guides/building-extending/packages/schema.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from hubtrust import shell
from hubtrust.plugin.argument_types import (
    Anything,
    Argument,
    ArgumentType,
    Choice,
    InputOf,
    ListOf,
    MapOf,
    OneOf,
    Record,
    Reference,
    Scalar,
)

# A type may not have a name that a resource's own arguments have in some language: `ProvisioningServiceArgs` in Go.
_TITLES: Final[Mapping[str, str]] = {
    "HubArgs": "ManagedHub",
    "ProvisioningServiceArgs": "ManagedProvisioningService",
    "Generate": "GeneratedAuthority",
    "Import": "ImportedAuthority",
    "Request": "RequestedAuthority",
}
Described = Callable[[Record | Choice], Mapping[str, str]]
"""What is said of each field of an object, by its name in Python, or of each value of an enum; the key `` is about the whole."""


class Types:
    """The named types of a schema, as far as they were met."""

    def __init__(self, described: Described) -> None:
        self.found: dict[str, dict[str, Any]] = {}
        self._described = described

    def properties(self, declared: Iterable[Argument], docs: Mapping[str, str], *, plain: bool = False) -> dict[str, Any]:
        """The members `properties` of an object. With ``plain``, a value that is no Input is marked so; outputs never are."""
        found = {}
        for one in declared:
            spec = self.spec(one.type, plain=plain)
            if said := one.doc or docs.get(one.name, "") or self._said_of(one.type):
                spec["description"] = said
            if one.secret:
                spec["secret"] = True
            found[one.wire] = spec
        return found

    def _said_of(self, kind: ArgumentType) -> str:
        return self._described(kind).get("", "") if isinstance(kind, Record | Choice) else ""

    def spec(self, kind: ArgumentType, *, plain: bool) -> dict[str, Any]:
        """The type, as a new object."""
        if isinstance(kind, InputOf):
            return self._spec(kind.item, plain=plain)
        if isinstance(kind, OneOf):
            found: dict[str, Any] = {"oneOf": [self._item(one, plain=plain) for one in kind.options]}
        else:
            found = self._spec(kind, plain=plain)
        return found | ({"plain": True} if plain and kind != Anything() else {})

    def _spec(self, kind: ArgumentType, *, plain: bool) -> dict[str, Any]:
        """The type, without saying that it is plain."""
        found: dict[str, Any] = {"$ref": "pulumi.json#/Any"}
        match kind:
            case Scalar():
                found = {"type": kind.name}
            case ListOf():
                found = {"type": "array", "items": self._item(kind.item, plain=plain)}
            case MapOf():
                found = {"type": "object", "additionalProperties": self._item(kind.item, plain=plain)}
            case OneOf():
                found = {"oneOf": [self._spec(one, plain=plain) for one in kind.options]}
            case Reference():
                found = {"$ref": f"#/resources/{kind.token}"}
            case Record() | Choice():
                found = {"$ref": f"#/types/{self._named(kind, plain=plain)}"}
        return found

    def _item(self, kind: ArgumentType, *, plain: bool) -> dict[str, Any]:
        """An item of a list or object. Go's SDK would lack a type for a plain item that is a reference."""
        found = self.spec(kind, plain=plain)
        if "$ref" in found:
            found.pop("plain", None)
        return found

    def _named(self, kind: Record | Choice, *, plain: bool) -> str:
        token = shell.token(_TITLES.get(kind.title, kind.title))
        if token in self.found:
            return token
        docs, spec = self._described(kind), dict[str, Any]()
        self.found[token] = spec
        if said := docs.get("", ""):
            spec["description"] = said
        if isinstance(kind, Choice):
            values = [(_member(value), value, docs.get(value) or said) for value, said in kind.values.items()]
            spec |= {"type": "string", "enum": [{"name": name, "value": value, "description": said} for name, value, said in values]}
        else:
            spec |= {"type": "object", "properties": self.properties(kind.fields, docs, plain=plain)}
            spec |= required_of(kind.fields)
        return token


def required_of(declared: Iterable[Argument], name: str = "required") -> dict[str, list[str]]:
    """The member that names those that are required, if there are any."""
    found = sorted(one.wire for one in declared if one.required)
    return {name: found} if found else {}


def _member(value: str) -> str:
    """The name of an enum's member: `EcP256` for `ec-p256`."""
    return "".join(part[:1].upper() + part[1:] for part in value.split("-"))
