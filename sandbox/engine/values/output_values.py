"""Output values: a value with the resources it comes from, as programs and component plugins send it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.engine.values import property_values
from sandbox.engine.values.property_values import Output, Secret, Value

if TYPE_CHECKING:
    from collections.abc import Iterator


def depending(value: Value, urns: tuple[str, ...]) -> Value:
    """The value as an output of resources; one that already names its resources is unchanged."""
    if not urns or isinstance(value, Output):
        return value
    inner = value.value if isinstance(value, Secret) else value
    known = inner is not property_values.UNKNOWN
    return Output(inner if known else None, known, isinstance(value, Secret), urns)


def dependencies(value: Value) -> Iterator[str]:
    """URNs of all resources that a value comes from; may contain duplicates."""
    if isinstance(value, dict):
        for item in value.values():
            yield from dependencies(item)
    elif isinstance(value, list):
        for item in value:
            yield from dependencies(item)
    elif isinstance(value, Secret):
        yield from dependencies(value.value)
    elif isinstance(value, Output):
        yield from value.dependencies
        yield from dependencies(value.value)
