"""Validates inputs, with the messages of the real plugin. A property is named only in the message, never in a field of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sandbox.plugins.azure_native.fields import Field, Kind
from sandbox.plugins.property_values import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox.plugins.azure_native.resource_types import ResourceType
    from sandbox.plugins.property_values import Properties

NO_LOCATION: Final = ". Either set it explicitly or configure it with 'pulumi config set azure-native:location <value>'."
# The real plugin computes in doubles, and accepts this deviation from a whole number.
ALMOST_WHOLE: Final = 1e-9


def failures(kind: ResourceType, inputs: Properties) -> list[str]:
    """One reason for each fault. Like the real plugin, it does not check enumerations, unknown names or list lengths."""
    reasons = [f"missing required property '{name}'" for name in kind.parameters if inputs.get(name) is None]
    name = inputs.get(kind.name_parameter)
    if kind.name_pattern and isinstance(name, str):
        reasons += _text_faults(kind.name_parameter, Field(Kind.STRING, pattern=kind.name_pattern), name)
    return [*reasons, *_record_faults("", kind.body, inputs)]


def _record_faults(path: str, fields: Mapping[str, Field], values: Properties) -> Iterator[str]:
    for name, field in fields.items():
        place = f"{path}.{name}" if path else name
        if field.read_only:
            continue
        if values.get(name) is None:
            if field.required:
                yield f"missing required property '{place}'{NO_LOCATION if place == 'location' else ''}"
        else:
            yield from _faults(place, field, values[name])


def _faults(path: str, field: Field, value: Any) -> Iterator[str]:
    match value:
        case Unknown() | bool():
            return
        case dict():
            yield from _object_faults(path, field, value)
        case list():
            yield from _list_faults(path, field, value)
        case str():
            yield from _text_faults(path, field, value)
        case _:
            yield from _number_faults(path, field, value)


def _object_faults(path: str, field: Field, value: Properties) -> Iterator[str]:
    if field.kind is Kind.OBJECT:
        yield from _record_faults(path, field.fields, value)
    elif field.kind is Kind.MAP and field.item:
        for name, item in value.items():
            yield from _faults(f"{path}.{name}", field.item, item)


def _list_faults(path: str, field: Field, value: list[Any]) -> Iterator[str]:
    if field.kind is Kind.ARRAY and field.item:
        for index, item in enumerate(value):
            yield from _faults(f"{path}[{index}]", field.item, item)
    elif field.kind is not Kind.IDENTITIES:
        yield f"'{path}' should be of type '{field.kind.value}' but got an array"


def _text_faults(path: str, field: Field, value: str) -> Iterator[str]:
    if field.kind is not Kind.STRING:
        expected = "array" if field.kind is Kind.IDENTITIES else field.kind.value
        yield f"'{path}' should be of type '{expected}' but got a string"
    elif field.pattern and re.search(field.pattern, value) is None:
        yield f"'{path}' does not match expression '{field.pattern}'"


def _number_faults(path: str, field: Field, value: float) -> Iterator[str]:
    if field.kind not in (Kind.NUMBER, Kind.INTEGER):
        yield f"'{path}' should be of type '{field.kind.value}' but got a number"
        return
    if field.kind is Kind.INTEGER and abs(value - round(value)) > ALMOST_WHOLE:
        yield f"'{path}' must be an integer but got {value:f}"
    if field.minimum is not None and value < field.minimum:
        yield f"'{path}' is too low ({value:f} < {field.minimum:f})"
    if field.maximum is not None and value > field.maximum:
        yield f"'{path}' is too high ({value:f} > {field.maximum:f})"
