"""The resource tables of the azure-native stand-in, compared with the generated SDK that programs use."""

from __future__ import annotations

import collections.abc
import importlib
import inspect
import typing
from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest
from pulumi import _types as sdk

from sandbox.plugins.azure_native.fields import Field, Kind
from sandbox.plugins.azure_native.resource_types import TYPES, ResourceType

if TYPE_CHECKING:
    from collections.abc import Iterator

SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean"}
TOKENS = sorted(TYPES)


def sdk_class(kind: ResourceType) -> Any:
    _, module, name = kind.token.split(":")
    return getattr(importlib.import_module(f"pulumi_azure_native.{module}"), name)


def sdk_arguments(kind: ResourceType) -> Any:
    cls = sdk_class(kind)
    return getattr(importlib.import_module(cls.__module__), f"{cls.__name__}Args")


def leaves(types: dict[str, Any], path: str, required: frozenset[str] = frozenset()) -> Iterator[tuple[str, str, bool]]:
    """(path, JSON type, required) of everything below these SDK types."""
    for name, kind in types.items():
        place = f"{path}.{name}" if path else name
        yield from leaf(kind, place, name in required)


def leaf(kind: Any, path: str, required: bool) -> Iterator[tuple[str, str, bool]]:
    origin = typing.get_origin(kind)
    if origin is typing.Union:
        yield from leaf(typing.get_args(kind)[0], path, required)
    elif origin is collections.abc.Sequence:
        yield path, "array", required
        yield from leaf(typing.get_args(kind)[0], f"{path}[]", False)
    elif origin is collections.abc.Mapping:
        yield path, "map", required
        yield from leaf(typing.get_args(kind)[1], f"{path}{{}}", False)
    elif kind in SCALARS or issubclass(kind, Enum):
        yield path, SCALARS.get(kind, "string"), required
    elif sdk.is_input_type(kind):
        yield path, "object", required
        yield from leaves(sdk.input_type_types(kind), path, required_of(kind))
    else:
        yield path, "object", required
        yield from leaves(sdk.output_type_types(kind), path)


def required_of(cls: Any) -> frozenset[str]:
    """The JSON names of the arguments without a default."""
    names = sdk.input_type_py_to_pulumi_names(cls)
    parameters = inspect.signature(cls.__init__).parameters
    return frozenset(wire for name, wire in names.items() if parameters[name].default is inspect.Parameter.empty)


def table(fields: Any, path: str, *, inputs: bool) -> Iterator[tuple[str, str, bool]]:
    """The same for a table: its writable properties, or all that Azure returns."""
    for name, field in fields.items():
        if not (field.read_only if inputs else field.write_only):
            yield from row(field, f"{path}.{name}" if path else name, inputs=inputs)


def row(field: Field, path: str, *, inputs: bool) -> Iterator[tuple[str, str, bool]]:
    required = field.required and inputs
    kind = field.kind.value
    if field.kind is Kind.IDENTITIES:
        kind = "array" if inputs else "map"
    yield path, kind, required
    if field.kind is Kind.IDENTITIES and inputs:
        yield f"{path}[]", "string", False
    elif field.item is not None:
        yield from row(field.item, f"{path}{'[]' if kind == 'array' else '{}'}", inputs=inputs)
    yield from table(field.fields, path, inputs=inputs)


@pytest.mark.parametrize("token", TOKENS)
def test_a_table_has_every_argument_of_the_sdk(token: str) -> None:
    """Every argument of the SDK, nested ones too, is in the table, with the same type and equally required."""
    kind = TYPES[token]
    arguments = sdk_arguments(kind)
    expected = set(leaves(sdk.input_type_types(arguments), "", required_of(arguments)))
    # The plugin makes up the name and the location, so the SDK lets them be left out.
    parameters = {(name, "string", name != kind.name_parameter) for name in kind.parameters}
    body = {(path, type_, required and path != "location") for path, type_, required in table(kind.body, "", inputs=True)}
    assert body | parameters == expected


@pytest.mark.parametrize("token", TOKENS)
def test_a_table_has_every_output_of_the_sdk(token: str) -> None:
    """Every output of the SDK, nested ones too, is in the table with the same type, and nothing else except the id."""
    kind = TYPES[token]
    expected = {(path, type_) for path, type_, _ in leaves(sdk.resource_types(sdk_class(kind)), "")}
    actual = {(path, type_) for path, type_, _ in table(kind.body, "", inputs=False)} | {("azureApiVersion", "string")}
    assert actual - {("id", "string")} == expected


@pytest.mark.parametrize("token", TOKENS)
def test_the_type_token_is_the_sdks(token: str) -> None:
    """The SDK registers the resource under this token."""
    assert sdk_class(TYPES[token]).pulumi_type == token
