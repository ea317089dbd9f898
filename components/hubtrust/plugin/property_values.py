"""Properties between Pulumi's messages and Python's values: unknowns, secrets, output values and numbers.

Their forms are those of Pulumi's SDKs (`sdk/go/common/resource/plugin/rpc.go`): a struct with the member ``SIGNATURE`` says what it is.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from google.protobuf import struct_pb2
from pulumi.output import Unknown

from hubtrust.engine_marks import ASSET, OUTPUT, RESOURCE, SECRET, SIGNATURE, UNKNOWN

UNKNOWN_VALUE = Unknown()  # type: ignore[no-untyped-call] # Pulumi's
# Where the value is in each of these. An output value without one is not known yet.
_WITHIN = ((SECRET, "value"), (OUTPUT, "value"), (RESOURCE, "id"), (RESOURCE, "urn"), (ASSET, "text"))


def from_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """The properties that have a value. What is unknown is ``UNKNOWN_VALUE``; secrets and output values are the value in them.

    A resource that is given for its id is its id, and an asset with a text is the text.
    Numbers are floats, as Pulumi sends all of them. Names that begin with two underscores are Pulumi's own: a state that comes from the
    dynamic provider has `__provider`.
    """
    own = {name: _plain(each) for name, each in struct.fields.items() if not name.startswith("__")}
    return {name: value for name, value in own.items() if value is not None}


def _plain(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        if _is_marked(value, RESOURCE) and "id" in fields and fields["id"].string_value == "":
            return UNKNOWN_VALUE  # so engines send the id of a resource that a preview creates
        within = next((member for mark, member in _WITHIN if _is_marked(value, mark) and member in fields), None)
        if within:
            return _plain(fields[within])
        return UNKNOWN_VALUE if _is_marked(value, OUTPUT) else {name: _plain(each) for name, each in fields.items()}
    if kind == "list_value":
        return [_plain(each) for each in value.list_value.values]
    if kind in {None, "null_value"}:
        return None
    found = getattr(value, kind)
    return UNKNOWN_VALUE if found == UNKNOWN else found


def secret_names(struct: struct_pb2.Struct) -> frozenset[str]:
    """The names of the properties that are secrets, or have one in them."""
    return frozenset(name for name, value in struct.fields.items() if any(_is_secret(each) for each in _parts(value)))


def secret_texts(struct: struct_pb2.Struct) -> list[str]:
    """Every text that is a secret, or in one; the longest first."""
    every = (one for value in struct.fields.values() for one in _parts(value))
    found = {text.string_value for one in every if _is_secret(one) for text in _parts(one.struct_value.fields["value"])}
    return sorted(found - {"", UNKNOWN, SIGNATURE, SECRET, OUTPUT}, key=len, reverse=True)


def _parts(value: struct_pb2.Value) -> Iterator[struct_pb2.Value]:
    yield value
    for each in [*value.struct_value.fields.values(), *value.list_value.values]:
        yield from _parts(each)


def _is_secret(value: struct_pb2.Value) -> bool:
    fields = value.struct_value.fields
    return _is_marked(value, SECRET) or (_is_marked(value, OUTPUT) and "secret" in fields and fields["secret"].bool_value)


def _is_marked(value: struct_pb2.Value, *signatures: str) -> bool:
    return value.struct_value.fields[SIGNATURE].string_value in signatures if SIGNATURE in value.struct_value.fields else False


def to_struct(properties: Mapping[str, Any], secret: Collection[str] = ()) -> struct_pb2.Struct:
    """The message of ``properties``, with those named ``secret`` marked as secrets. None is left out."""
    fields = {name: _value(value) for name, value in properties.items() if value is not None}
    return struct_pb2.Struct(fields={name: as_secret(value) if name in secret else value for name, value in fields.items()})


def _value(value: Any) -> struct_pb2.Value:
    match value:
        case None:
            return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
        case bool():
            return struct_pb2.Value(bool_value=value)
        case int() | float():
            return struct_pb2.Value(number_value=value)
        case str() | Unknown():
            return struct_pb2.Value(string_value=value if isinstance(value, str) else UNKNOWN)
        case Mapping():
            return struct_pb2.Value(struct_value=struct_pb2.Struct(fields={name: _value(each) for name, each in value.items()}))
        case _:
            return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[_value(each) for each in value]))


def as_secret(value: struct_pb2.Value) -> struct_pb2.Value:
    """``value``, marked as a secret."""
    if _is_marked(value, SECRET):
        return value
    marked = {SIGNATURE: struct_pb2.Value(string_value=SECRET), "value": value}
    return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=marked))
