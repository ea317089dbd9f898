"""Property values in the engine: JSON's own types, plus marks for what JSON can't express.

A value is None, bool, float or int, str, list, dict, or one of `Secret`, `UNKNOWN`, `Output`, `Asset`, `ResourceReference`.
On the wire (gRPC `Struct`) and in state (JSON) a mark is an object whose key `SIGNATURE` names its kind; the signatures
are Pulumi's own (`pulumi.runtime.rpc`). Values are never changed in place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import struct_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Value = Any
Properties = dict[str, Value]

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a mark, not a secret
OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
REFERENCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"
UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
# The other sentinels stand for unknown numbers, lists and so on; the SDKs send the one above for all of them.
UNKNOWN_TEXTS: Final = frozenset(
    {
        UNKNOWN_TEXT,
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
    }
)
_EXACT_INTEGERS: Final = 2**53


class _Unknown(Enum):
    UNKNOWN = "unknown"


UNKNOWN: Final = _Unknown.UNKNOWN


@dataclass(frozen=True)
class Secret:
    """A secret value: encrypted in state, hidden on screen."""

    value: Value

    def __repr__(self) -> str:
        return "Secret([secret])"


@dataclass(frozen=True)
class Output:
    """A value with its metadata: whether it is known and secret, and which resources it came from."""

    value: Value
    known: bool
    secret: bool
    dependencies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asset:
    """A file, text or archive; `fields` is its wire form without the signature (text, path, uri, hash, assets)."""

    kind: str
    fields: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class ResourceReference:
    """A reference to another resource. `id` is None for a component, which has none, and UNKNOWN before the resource is created."""

    urn: str
    id: Value = None
    version: str = ""


@dataclass(frozen=True)
class Form:
    """Which marks a receiver understands; the others are unwrapped before they are sent."""

    secrets: bool = True
    resources: bool = True
    outputs: bool = False


def from_struct(struct: struct_pb2.Struct, *, nulls: bool = True, secrets_of: Mapping[str, Value] | None = None) -> Properties:
    """A gRPC struct as properties. Output values are reduced to their value, a secret or an unknown.

    Without `nulls`, top-level nulls are left out. Each key that is a secret in `secrets_of` becomes one: a provider that
    doesn't support secrets returns them unmarked.
    """
    found = {key: _from_value(value, keep_outputs=False) for key, value in struct.fields.items()}
    found = _with_secrets(found, secrets_of or {})
    return found if nulls else {key: value for key, value in found.items() if value is not None}


def _with_secrets(found: Properties, sent: Mapping[str, Value]) -> Properties:
    out = dict(found)
    for key in found.keys() & sent.keys():
        if isinstance(found[key], dict) and isinstance(sent[key], dict):
            out[key] = _with_secrets(found[key], sent[key])
        elif has_secret(sent[key]):
            out[key] = secret(found[key])
    return out


def from_struct_with_outputs(struct: struct_pb2.Struct) -> Properties:
    """A gRPC struct as properties, output values kept as `Output`."""
    return {key: _from_value(value, keep_outputs=True) for key, value in struct.fields.items()}


def from_proto(value: struct_pb2.Value) -> Value:
    """One gRPC value."""
    return _from_value(value, keep_outputs=False)


def _from_value(value: struct_pb2.Value, *, keep_outputs: bool) -> Value:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value in UNKNOWN_TEXTS else value.string_value
    if kind == "struct_value":
        plain = {key: _from_value(item, keep_outputs=keep_outputs) for key, item in value.struct_value.fields.items()}
        return from_wire_object(plain, keep_outputs=keep_outputs) if SIGNATURE in plain else plain
    if kind == "list_value":
        return [_from_value(item, keep_outputs=keep_outputs) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) < _EXACT_INTEGERS else number
    return value.bool_value if kind == "bool_value" else None


def from_wire_object(plain: Properties, *, keep_outputs: bool = False) -> Value:
    """The value that a wire object with a signature stands for."""
    signature = plain[SIGNATURE]
    if signature == SECRET:
        return secret(plain.get("value"))
    if signature == OUTPUT:
        output = Output(plain.get("value"), "value" in plain, bool(plain.get("secret")), tuple(plain.get("dependencies") or ()))
        return output if keep_outputs else without_dependencies(output)
    if signature == REFERENCE:
        return ResourceReference(plain["urn"], _reference_id(plain), plain.get("packageVersion") or "")
    if signature in (ASSET, ARCHIVE):
        return Asset("asset" if signature == ASSET else "archive", {k: v for k, v in plain.items() if k != SIGNATURE})
    return plain


def _reference_id(plain: Properties) -> Value:
    return UNKNOWN if plain.get("id") == "" else plain.get("id")


def secret(value: Value) -> Secret:
    """A secret; a secret of a secret is one secret."""
    return value if isinstance(value, Secret) else Secret(value)


def without_dependencies(output: Output) -> Value:
    """An output value without its dependencies."""
    value = output.value if output.known else UNKNOWN
    return secret(value) if output.secret else value


def to_struct(properties: Mapping[str, Value], form: Form) -> struct_pb2.Struct:
    """Properties as a gRPC struct in the form that the receiver understands."""
    struct = struct_pb2.Struct()
    for key in sorted(properties):
        _fill(struct.fields[key], properties[key], form)
    return struct


def to_structs(form: Form, **properties: Mapping[str, Value]) -> dict[str, struct_pb2.Struct]:
    """The fields of one message that hold properties, by name."""
    return {name: to_struct(item, form) for name, item in properties.items()}


def _fill(into: struct_pb2.Value, value: Value, form: Form) -> None:
    if isinstance(value, str):
        into.string_value = value
    elif value is None:
        into.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, bool):
        into.bool_value = value
    elif isinstance(value, int | float):
        into.number_value = value
    elif isinstance(value, dict):
        into.struct_value.SetInParent()
        for key in sorted(value):
            _fill(into.struct_value.fields[key], value[key], form)
    elif isinstance(value, list):
        into.list_value.SetInParent()
        for item in value:
            _fill(into.list_value.values.add(), item, form)
    else:
        _fill(into, _marked(value, form), form)


def _marked(value: Value, form: Form) -> Value:
    if value is UNKNOWN:
        return UNKNOWN_TEXT
    if isinstance(value, Secret):
        return {SIGNATURE: SECRET, "value": value.value} if form.secrets else value.value
    if isinstance(value, Output):
        return _output(value) if form.outputs else without_dependencies(value)
    if isinstance(value, ResourceReference):
        return reference_object(value) if form.resources else _reference_alone(value)
    if isinstance(value, Asset):
        return {SIGNATURE: ASSET if value.kind == "asset" else ARCHIVE, **value.fields}
    raise TypeError(f"a property value can't be a {type(value).__name__}")


def is_marked(value: Value) -> bool:
    """Whether a value is one that JSON can't express."""
    return value is UNKNOWN or isinstance(value, Secret | Output | ResourceReference | Asset)


def to_state(value: Value) -> Value:
    """A marked value other than a secret, as the JSON value in the state."""
    return _marked(value, Form())


def _output(value: Output) -> Properties:
    wire: Properties = {SIGNATURE: OUTPUT}
    if value.known:
        wire["value"] = value.value
    if value.secret:
        wire["secret"] = True
    if value.dependencies:
        wire["dependencies"] = list(value.dependencies)
    return wire


def reference_object(value: ResourceReference) -> Properties:
    """A resource reference's wire object."""
    wire: Properties = {SIGNATURE: REFERENCE, "urn": value.urn}
    if value.id is not None:
        wire["id"] = "" if value.id is UNKNOWN else value.id
    if value.version:
        wire["packageVersion"] = value.version
    return wire


def _reference_alone(value: ResourceReference) -> Value:
    return value.urn if value.id is None else value.id


def mapped(value: Value, change: Callable[[Value], Value]) -> Value:
    """The value with `change` applied to every marked value in it, outermost first."""
    if isinstance(value, dict):
        return {key: mapped(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [mapped(item, change) for item in value]
    return change(value) if is_marked(value) else value


def has_unknown(value: Value) -> bool:
    """Whether any part of it is not known yet."""
    if value is UNKNOWN:
        return True
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    if isinstance(value, Secret):
        return has_unknown(value.value)
    if isinstance(value, Output):
        return not value.known or has_unknown(value.value)
    return isinstance(value, ResourceReference) and value.id is UNKNOWN


def has_secret(value: Value) -> bool:
    """Whether any part of it is secret."""
    if isinstance(value, dict):
        return any(has_secret(item) for item in value.values())
    if isinstance(value, list):
        return any(has_secret(item) for item in value)
    return isinstance(value, Secret) or (isinstance(value, Output) and (value.secret or has_secret(value.value)))


def revealed(value: Value) -> Value:
    """The value without marks of secrets and outputs."""

    def open_(marked: Value) -> Value:
        if isinstance(marked, Secret):
            return revealed(marked.value)
        if isinstance(marked, Output):
            return revealed(marked.value) if marked.known else UNKNOWN
        return marked

    return mapped(value, open_)
