"""The names in dicts that a program gives in place of azure-native's Args: azure-native sends a misspelt one, and Azure ignores it."""

import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi import _types

from hubtrust.azure.errors import RefusedError


def require_known_names(name: str, value: Any, *, kind: Any, owner: str) -> Any:
    """``value`` of the field ``name``, in which every name is one of azure-native's ``kind``. What is an Output in it is not read.

    ``owner`` is what the value is of, in messages.

    Raises:
        RefusedError: a name is not.
    """
    for path, names in _unknown(value, kind, name):
        raise RefusedError(path, f"{owner} has nothing of that name, and Azure would ignore it", f"use {', '.join(sorted(names))}")
    return value


def _unknown(value: Any, kind: Any, path: str) -> Iterator[tuple[str, list[str]]]:
    """The path of each name that is none of azure-native's, and the names that there are in its place."""
    kinds = [*_alternatives(kind)]
    if isinstance(value, list | tuple):
        for number, item in enumerate(value):
            for one in kinds:
                yield from _unknown(item, _item_of(one), f"{path}[{number}]")
        return
    args = next((one for one in kinds if isinstance(one, type) and _types.is_input_type(one)), None)
    if args is not None and isinstance(value, Mapping | args):
        wires, types = _types.input_type_py_to_pulumi_names(args), _types.input_type_types(args)
        given = value.items() if isinstance(value, Mapping) else [(name, getattr(value, name)) for name in wires]
        for name, item in given:
            wire = wires.get(name, name)
            if wire not in types:
                yield f"{path}.{name}", list(wires)
            else:
                yield from _unknown(item, types[wire], f"{path}.{name}")
    elif isinstance(value, Mapping):
        for name, item in value.items():
            for one in kinds:
                yield from _unknown(item, _item_of(one), f"{path}.{name}")


def _alternatives(kind: Any) -> Iterator[Any]:
    if typing.get_origin(kind) is typing.Union:
        for one in typing.get_args(kind):
            yield from _alternatives(one)
    else:
        yield kind


def _item_of(kind: Any) -> Any:
    """What a sequence or a mapping has in it."""
    found = typing.get_args(kind)
    return found[-1] if found else None
