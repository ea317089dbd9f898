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


async def constructor_arguments(component: type[pulumi.ComponentResource], name: str, given: Mapping[str, Any]) -> dict[str, Any]:
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
    if isinstance(value, pulumi.Output):
        if isinstance(kind, InputOf) and not _has_shape(kind):
            return pulumi.Output.secret(value) if secret else value
        if not await value.is_known():
            return value
        inner, is_secret = await value.future(), await value.is_secret()
        if is_secret and not (_has_shape(kind) and isinstance(inner, Mapping | list | tuple)):
            return value
        found, secret = inner, secret or is_secret
    if isinstance(found, pulumi.Resource):
        return found
    match kind:
        case InputOf():
            if _has_shape(kind) and isinstance(found, Mapping | list | tuple):
                return await _settled(kind.item, found, secret=secret)
            return pulumi.Output.secret(found) if secret and found is not None else found
        case OneOf():
            fitting = Mapping if isinstance(found, Mapping) else (list, tuple) if isinstance(found, list | tuple) else None
            for one in kind.options:
                if fitting is not None and isinstance(one, (Record, MapOf) if fitting is Mapping else ListOf):
                    return await _settled(one, found, secret=secret)
        case Record() if isinstance(found, Mapping):
            return await _settled_fields(kind.fields, found, secret=secret)
        case MapOf() if isinstance(found, Mapping):
            return {name: await _settled(kind.item, one, secret=secret) for name, one in found.items()}
        case ListOf() if isinstance(found, list | tuple):
            return [await _settled(kind.item, one, secret=secret) for one in found]
    return found


def _has_shape(kind: ArgumentType) -> bool:
    """Whether objects of ours or components are in it, which decide which resources there are."""
    if isinstance(kind, InputOf | ListOf | MapOf):
        return _has_shape(kind.item)
    if isinstance(kind, OneOf):
        return any(map(_has_shape, kind.options))
    return isinstance(kind, Record | Reference)
