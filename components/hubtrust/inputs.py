"""A resource's inputs. Each is declared once, with the function that validates it and returns the parsed value.

To add an input, add a field to the resource's ``Inputs`` class and a parameter of the same name to its constructor, and run `make docs`,
which writes the constructor's docstring.
"""

import functools
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Self, TypeVar

from pulumi.output import Unknown

from hubtrust.errors import HubtrustError
from hubtrust.known_values import is_plain
from hubtrust.reconcile_errors import DeclarationError

Properties = Mapping[str, Any]  # by wire name: camelCase, as in the state
_VALUE = "value"  # how errors of readers for several inputs name the value; ``named`` puts the input's name in its place
_LARGEST_SHOWN = 10**300  # Python writes no integer of thousands of digits
_Choice = TypeVar("_Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Input:
    """The declaration of an input. ``read`` validates the raw value and returns the parsed one, or raises HubtrustError."""

    read: Callable[[Any], Any]
    doc: str  # the documentation of the constructor's argument
    argument: str | None  # the argument's name; None: the same as the input's; empty: no argument, the resource sets the input
    required: bool
    secret: bool  # the constructor makes it a secret; it is never an output
    kept: bool  # it is an output too, so that diff, read and delete can use it
    replaces: bool  # a change replaces the resource
    same: Callable[[Any, Any], bool]  # whether a new and an old raw value mean the same


def input_field(
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
    """A field of an ``Inputs`` class; see ``Input``. ``default`` is the parsed value of an input that is not given."""
    declaration = Input(read, doc, argument, required, secret, kept, replaces, same)
    return field(default=default, repr=False, metadata={"input": declaration})


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The parsed inputs of a resource. A value that is unknown in a preview is None here, and its name is in ``unknown``."""

    given: Properties = field(default_factory=dict, repr=False)  # the raw values by wire name
    unknown: frozenset[str] = frozenset()  # names of this class's fields

    @classmethod
    @functools.cache
    def declarations(cls) -> Mapping[str, Input]:
        """Every declared input by its name in Python."""
        return {item.name: item.metadata["input"] for item in fields(cls) if "input" in item.metadata}

    @classmethod
    def parse(cls, properties: Properties) -> tuple[Self | None, list[tuple[str, HubtrustError]]]:
        """The inputs and no errors; or None, and the wire name and the error of each input that is missing or invalid."""
        values: dict[str, Any] = {}
        unknown, errors = set[str](), list[tuple[str, HubtrustError]]()
        for name, declaration in cls.declarations().items():
            wire, value = wire_name(name), properties.get(wire_name(name))
            if is_unknown(value):
                unknown.add(name)
                values[name] = None
            elif value is not None:
                try:
                    values[name] = declaration.read(value)
                except HubtrustError as error:
                    errors.append((wire, named(error, wire)))
            elif declaration.required:
                errors.append((wire, DeclarationError(wire, "it is missing", "set it")))
        return (None if errors else cls(given=properties, unknown=frozenset(unknown), **values)), errors

    @classmethod
    def read(cls, properties: Properties) -> Self:
        """The inputs in ``properties``, which may also be old outputs: those contain the inputs that are kept. Other names are ignored.

        Raises:
            HubtrustError: an input is missing or invalid.
        """
        inputs, errors = cls.parse(properties)
        if inputs is None:
            raise errors[0][1]
        return inputs

    @classmethod
    def check_plain(cls, what: str, arguments: Mapping[str, Any]) -> None:
        """Read now what is plain of ``arguments``, by their Python names; None is not read. All others are read when they are known.

        Raises:
            HubtrustError: one of them is invalid; ``what`` names whose it is.
        """
        for name, value in arguments.items():
            if value is not None and is_plain(value):
                try:
                    cls.declarations()[name].read(value)
                except HubtrustError as error:
                    named = f"{name} of {what}" if error.what in (_VALUE, name, wire_name(name)) else error.what
                    raise DeclarationError(named, error.fact, error.remedy) from None

    def kept_values(self) -> dict[str, Any]:
        """The raw values of the inputs that are outputs too."""
        return {name: self.given.get(name) for name in wire_names(self, "kept")}

    def changes_that_replace(self, olds: Properties) -> list[str]:
        """The wire names of the inputs whose change replaces the resource: those that differ from ``olds``, or are unknown."""
        changes = []
        for name, declaration in self.declarations().items():
            wire = wire_name(name)
            if not declaration.replaces or wire not in self.given:
                continue
            if name in self.unknown or not declaration.same(self.given[wire], olds.get(wire)):
                changes.append(wire)
        return changes


def wire_names(inputs: Inputs | type[Inputs], flag: str) -> frozenset[str]:
    """The wire names of the inputs that are ``required``, ``secret`` or ``kept``."""
    return frozenset(wire_name(name) for name, declaration in inputs.declarations().items() if getattr(declaration, flag))


def wire_name(name: str) -> str:
    """``notAfter`` for ``not_after``."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def python_name(name: str) -> str:
    """``not_after`` for ``notAfter``."""
    return re.sub(r"[A-Z]", lambda match: f"_{match[0].lower()}", name)


def named(error: HubtrustError, name: str) -> HubtrustError:
    """``error``, with ``name`` in place of the value's name if a reader for several inputs raised it."""
    return DeclarationError(name, error.fact, error.remedy) if error.what == _VALUE else error


def boolean(value: object) -> bool:
    """``value`` if it is true or false.

    Raises:
        DeclarationError: it is something else.
    """
    if not isinstance(value, bool):
        raise DeclarationError(_VALUE, f"it is {value!r}", "use true or false")
    return value


def text(value: object) -> str:
    """``value`` if it is a text that is not empty.

    Raises:
        DeclarationError: it is something else.
    """
    if not isinstance(value, str) or not value:
        raise DeclarationError(_VALUE, f"it is {value!r}", "give a text that is not empty")
    return value


def texts(value: object, *, remedy: str) -> tuple[str, ...]:
    """``value`` as texts; ``remedy`` says what to give.

    Raises:
        DeclarationError: it is not a list of texts.
    """
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise DeclarationError(_VALUE, f"it is {value!r}", remedy)
    return tuple(value)


def choice(kind: type[_Choice], fact: str = "it is {!r}") -> Callable[[object], _Choice]:
    """A reader for a member of ``kind``, or its text; ``fact`` says in an error what the value is."""

    def read(value: object) -> _Choice:
        if not isinstance(value, str) or value not in list(kind):
            raise DeclarationError(_VALUE, fact.format(value), f"use {', '.join(kind)}")
        return kind(value)

    return read


def number(least: float, most: float) -> Callable[[object], float]:
    """A reader for a number from ``least`` to ``most``."""
    return functools.partial(_number, least=least, most=most, whole=False)


def whole_number(least: int, most: int) -> Callable[[object], int]:
    """A reader for a whole number from ``least`` to ``most``. Pulumi sends numbers as floats, so 3.0 is a whole number."""
    return lambda value: int(_number(value, least=least, most=most, whole=True))


def _number(value: object, *, least: float, most: float, whole: bool) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most and not (whole and value % 1):
        return float(value)
    kind = "a whole number" if whole else "a number"
    found = repr(value) if not isinstance(value, int) or abs(value) < _LARGEST_SHOWN else "far larger"
    raise DeclarationError(_VALUE, f"it is {found}", f"use {kind} from {least:g} to {most:g}")


def is_unknown(value: object) -> bool:
    """Whether ``value``, or any part of it, is unknown until other resources are created."""
    if isinstance(value, Unknown):
        return True
    if isinstance(value, Mapping):
        return any(is_unknown(part) for part in value.values())
    return isinstance(value, list) and any(is_unknown(part) for part in value)
