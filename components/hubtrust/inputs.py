"""A resource's inputs: each is declared once and read by one reader, which returns the value that is used or raises.

To add an input, add a field to the resource's ``Inputs`` class and a parameter of the same name to its constructor.
"""

import functools
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from pulumi.output import Unknown

from hubtrust.errors import HubtrustError
from hubtrust.reconcile_errors import DeclarationError

Properties = Mapping[str, Any]  # by wire name: camelCase, as in the state
_VALUE = "value"  # what readers that serve several inputs call the value


@dataclass(frozen=True, slots=True)
class Input:
    """One declared input. ``read`` turns the raw value into the one that is used, or raises HubtrustError."""

    read: Callable[[Any], Any]
    doc: str  # of the constructor's argument
    argument: str | None  # the constructor's name for it, where it is another one; empty: the resource fills it in
    required: bool
    secret: bool  # the constructor makes it a secret; it is never an output
    kept: bool  # it is an output too, so that diff, read and delete see it
    replaces: bool  # another value is another resource
    same: Callable[[Any, Any], bool]  # compares a raw new and old value


def declared(
    read: Callable[[Any], Any],
    doc: str = "",
    *,
    argument: str | None = None,
    required: bool = False,
    secret: bool = False,
    kept: bool = False,
    replaces: bool = False,
    same: Callable[[Any, Any], bool] = operator.eq,
    default: Any = None,
) -> Any:
    """The declaration of an input: see ``Input``. ``default`` is the value where none is given."""
    found = Input(read, doc, argument, required, secret, kept, replaces, same)
    return field(default=default, repr=False, metadata={"input": found})


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The inputs of a resource, read. In a preview a value may be unknown: then it is None here and named in ``unknown``."""

    given: Properties = field(default_factory=dict, repr=False)  # the raw values by wire name
    unknown: frozenset[str] = frozenset()  # names of this class's fields

    @classmethod
    @functools.cache
    def declarations(cls) -> Mapping[str, Input]:
        """Every declared input by its name in Python."""
        return {one.name: one.metadata["input"] for one in fields(cls) if "input" in one.metadata}

    @classmethod
    def parse(cls, given: Properties) -> tuple[Self | None, list[tuple[str, HubtrustError]]]:
        """The inputs; or None, and the wire name and error of each that is missing or invalid."""
        values: dict[str, Any] = {}
        unknown, faults = set[str](), list[tuple[str, HubtrustError]]()
        for name, one in cls.declarations().items():
            wire, value = wire_name(name), given.get(wire_name(name))
            if is_unknown(value):
                unknown.add(name)
                values[name] = None
            elif value is not None:
                try:
                    values[name] = one.read(value)
                except HubtrustError as error:
                    own = DeclarationError(wire, error.fact, error.remedy)
                    faults.append((wire, own if error.what == _VALUE else error))
            elif one.required:
                faults.append((wire, DeclarationError(wire, "it is missing", "set it")))
        return (None if faults else cls(given=given, unknown=frozenset(unknown), **values)), faults

    @classmethod
    def read(cls, given: Properties) -> Self:
        """The inputs; or, of old outputs, the inputs that were kept in them. Other names are ignored.

        Raises:
            HubtrustError: an input is missing or invalid.
        """
        found, faults = cls.parse(given)
        if found is None:
            raise faults[0][1]
        return found

    def kept(self) -> dict[str, Any]:
        """The raw values of the inputs that are outputs too."""
        return {name: self.given.get(name) for name in wire_names(self, "kept")}

    def replaced(self, olds: Properties) -> list[str]:
        """The wire names of given inputs whose change calls for a new resource, because they are unknown or differ from ``olds``."""
        found = []
        for name, one in self.declarations().items():
            wire = wire_name(name)
            if one.replaces and wire in self.given and (name in self.unknown or not one.same(self.given[wire], olds.get(wire))):
                found.append(wire)
        return found


def wire_names(inputs: Inputs | type[Inputs], flag: str) -> frozenset[str]:
    """The wire names of the inputs that are ``required``, ``secret`` or ``kept``."""
    return frozenset(wire_name(name) for name, one in inputs.declarations().items() if getattr(one, flag))


def wire_name(name: str) -> str:
    """``notAfter`` for ``not_after``."""
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def python_name(name: str) -> str:
    """``not_after`` for ``notAfter``."""
    return re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", name)


def boolean(value: object) -> bool:
    """``value``, when it is true or false.

    Raises:
        DeclarationError: it is something else.
    """
    if not isinstance(value, bool):
        raise DeclarationError(_VALUE, f"it is {value!r}", "use true or false")
    return value


def number(least: float, most: float) -> Callable[[object], float]:
    """A reader for a number from ``least`` to ``most``."""
    return functools.partial(_number, least=least, most=most, whole=False)


def whole_number(least: int, most: int) -> Callable[[object], int]:
    """A reader for a whole number from ``least`` to ``most``; numbers arrive as floats, so 3.0 is whole."""
    return lambda value: int(_number(value, least=least, most=most, whole=True))


def _number(value: object, *, least: float, most: float, whole: bool) -> float:
    found = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not least <= found <= most or (whole and found != int(found)):
        kind = "a whole number" if whole else "a number"
        raise DeclarationError(_VALUE, f"it is {value!r}", f"use {kind} from {least:g} to {most:g}")
    return found


def is_unknown(value: object) -> bool:
    """Whether ``value``, or any part of it, is unknown until other resources are created."""
    if isinstance(value, Unknown):
        return True
    if isinstance(value, Mapping):
        return any(is_unknown(part) for part in value.values())
    return isinstance(value, list) and any(is_unknown(part) for part in value)
