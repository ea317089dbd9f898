"""Converts property values between Pulumi's wire format (protobuf Structs with reserved keys) and Python.

In Python a value is None, bool, int, float, str, list, dict, UNKNOWN or Secret. The wire format has only doubles; whole
numbers become int. The reserved keys and signatures are those of pulumi.runtime.rpc.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.struct_pb2 import NULL_VALUE, ListValue, Struct, Value

UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a constant of Pulumi's protocol
OUTPUT_SIGNATURE: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
MAX_EXACT_INTEGER: Final = 2.0**53


class Unknown:
    """The type of UNKNOWN: a value that is only known once the update runs."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
Properties = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that the engine encrypts in the state; its repr never shows the value."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(…)"


def from_struct(struct: Struct) -> Properties:
    """The properties of a Struct, with UNKNOWN and Secret where it marks them."""
    return {key: _read_value(value) for key, value in struct.fields.items()}


def _read_value(value: Value) -> Any:
    match value.WhichOneof("kind"):
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() and abs(number) <= MAX_EXACT_INTEGER else number
        case "string_value":
            return UNKNOWN if value.string_value == UNKNOWN_TEXT else value.string_value
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_read_value(item) for item in value.list_value.values]
        case "struct_value":
            return _read_struct(value.struct_value)
        case _:
            return None


def _read_struct(struct: Struct) -> Any:
    if SIGNATURE not in struct.fields:
        return from_struct(struct)
    signature = struct.fields[SIGNATURE].string_value
    known = "value" in struct.fields
    if signature == SECRET_SIGNATURE:
        return Secret(_read_value(struct.fields["value"]) if known else None)
    if signature == OUTPUT_SIGNATURE:
        inner = _read_value(struct.fields["value"]) if known else UNKNOWN
        return Secret(inner) if struct.fields["secret"].bool_value else inner
    return from_struct(struct)  # assets, archives and resource references are passed through unchanged


def to_struct(properties: Properties) -> Struct:
    """The Struct for these properties."""
    struct = Struct()
    for key, value in properties.items():
        _write_value(struct.fields[key], value)
    return struct


def _write_value(into: Value, value: Any) -> None:
    match value:
        case None:
            into.null_value = NULL_VALUE
        case bool():
            into.bool_value = value
        case int() | float():
            into.number_value = value
        case str():
            into.string_value = value
        case Unknown():
            into.string_value = UNKNOWN_TEXT
        case Secret():
            into.struct_value.CopyFrom(to_struct({SIGNATURE: SECRET_SIGNATURE, "value": value.value}))
        case dict():
            into.struct_value.CopyFrom(to_struct(value))
        case list():
            items = ListValue()
            for item in value:
                _write_value(items.values.add(), item)
            into.list_value.CopyFrom(items)
        case _:
            raise TypeError(f"a property value cannot be a {type(value).__name__}")


def plain(value: Any) -> Any:
    """The value with every Secret unwrapped, at every level."""
    match value:
        case Secret():
            return plain(value.value)
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
        case _:
            return value


def has_unknown(value: Any) -> bool:
    """Whether the value is, or contains, UNKNOWN."""
    match value:
        case Unknown():
            return True
        case Secret():
            return has_unknown(value.value)
        case dict():
            return any(has_unknown(item) for item in value.values())
        case list():
            return any(has_unknown(item) for item in value)
        case _:
            return False
