"""The arguments of a component's constructor, of what another language gives: see ``argument_types.construct`` for their forms."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.resource import DependencyResource

from hubtrust.plugin.annotations import component_arguments
from hubtrust.plugin.argument_types import (
    Argument,
    ArgumentError,
    ArgumentType,
    InputOf,
    ListOf,
    MapOf,
    OneOf,
    Record,
    Reference,
    arguments,
)


async def constructor_arguments(component: type[Any], name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the component called ``name``, by their names in Python; what is not given is left out.

    Raises:
        ArgumentError: one has not the form that the schema says, or is a component that this plugin has not constructed in this run.
    """
    declared = component_arguments(component)
    return arguments(declared, await _settled_fields(declared, given, secret=False), f"{component.__name__} '{name}'", _resolve)


def _resolve(kind: Reference, value: Any, what: str) -> Any:
    if isinstance(value, DependencyResource):
        fact = f"this {kind.component.__name__} was declared by another provider"
        raise ArgumentError(what, fact, "give both the same provider; the plugin knows those that it constructed in this run")
    return value


async def _settled_fields(declared: tuple[Argument, ...], given: Mapping[str, Any], *, secret: bool) -> dict[str, Any]:
    kinds = {one.wire: one.type for one in declared}
    return {name: await _settled(kinds[name], one, secret=secret) if name in kinds else one for name, one in given.items()}


async def _settled(kind: ArgumentType, value: Any, *, secret: bool) -> Any:
    """``value`` with plain values where the constructor takes no Output and they are known: some SDKs send all arguments as Outputs.

    Of an object that is a secret as a whole, each value in it that may be an Output becomes one.
    """
    found = value
    shaped = _has_shape(kind)
    if isinstance(value, pulumi.Output) and (shaped or not isinstance(kind, InputOf)) and await value.is_known():
        inner, is_secret = await value.future(), await value.is_secret()
        if not is_secret or (shaped and isinstance(inner, Mapping | list | tuple)):
            found, secret = inner, secret or is_secret
    if isinstance(found, Mapping | list | tuple) and (shaped or not isinstance(kind, InputOf)):
        return await _settled_parts(kind, found, secret=secret)
    return pulumi.Output.secret(found) if secret and isinstance(kind, InputOf) else found


async def _settled_parts(kind: ArgumentType, value: Any, *, secret: bool) -> Any:
    """The parts of an object or a list."""
    match kind:
        case InputOf():
            return await _settled_parts(kind.item, value, secret=secret)
        case OneOf():
            fitting = next((one for one in kind.options if _may_be(one, value)), None)
            return value if fitting is None else await _settled_parts(fitting, value, secret=secret)
        case Record() if isinstance(value, Mapping):
            return await _settled_fields(kind.fields, value, secret=secret)
        case MapOf() if isinstance(value, Mapping):
            return {name: await _settled(kind.item, one, secret=secret) for name, one in value.items()}
        case ListOf() if not isinstance(value, Mapping):
            return [await _settled(kind.item, one, secret=secret) for one in value]
    return value


def _may_be(kind: ArgumentType, value: Any) -> bool:
    inner = kind.item if isinstance(kind, InputOf) else kind
    return isinstance(inner, Record | MapOf if isinstance(value, Mapping) else ListOf)


def _has_shape(kind: ArgumentType) -> bool:
    """Whether objects of ours or components are in it, which decide which resources there are."""
    if isinstance(kind, InputOf | ListOf | MapOf):
        return _has_shape(kind.item)
    if isinstance(kind, OneOf):
        return any(map(_has_shape, kind.options))
    return isinstance(kind, Record | Reference)
