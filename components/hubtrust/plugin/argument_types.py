"""The types of arguments and outputs, as other languages know them: one model for the schema, and for what comes over the wire.

``annotations.py`` makes them of constructors' annotations. ``construct`` makes of a value from the wire what the constructor takes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import pulumi

from hubtrust import shell
from hubtrust.program_errors import ProgramError


class ArgumentError(ProgramError):
    """An argument has not the form that the schema says."""


class ArgumentType:
    """The base of all types."""


@dataclass(frozen=True)
class InputOf(ArgumentType):
    """A value that may be an Output; everything else must be plain."""

    item: ArgumentType


@dataclass(frozen=True)
class Scalar(ArgumentType):
    """A text, a number or a truth value, by its name in JSON Schema."""

    name: Literal["string", "boolean", "integer", "number"]


@dataclass(frozen=True)
class Anything(ArgumentType):
    """Any value, such as an object of azure-native or the tags of a twin."""


@dataclass(frozen=True)
class Choice(ArgumentType):
    """One of some texts."""

    title: str
    values: Mapping[str, str]
    """What each means, by the text."""
    python: Any = None
    """The class whose docstrings describe it."""
    doc: str = ""

    def __hash__(self) -> int:
        return hash((self.title, *self.values))


@dataclass(frozen=True)
class ListOf(ArgumentType):
    """A list of one type."""

    item: ArgumentType


@dataclass(frozen=True)
class MapOf(ArgumentType):
    """An object with any names and values of one type."""

    item: ArgumentType


@dataclass(frozen=True)
class Reference(ArgumentType):
    """A component that the same plugin has constructed."""

    component: type[pulumi.Resource]

    @property
    def token(self) -> str:
        """Its type in Pulumi."""
        return shell.token(self.component.__name__)


@dataclass(frozen=True)
class OneOf(ArgumentType):
    """A value of one of some types that differ in JSON: a text or an object, say."""

    options: tuple[ArgumentType, ...]


@dataclass(frozen=True)
class Argument:
    """An argument, a field of an object, or an output."""

    name: str
    """In Python."""
    wire: str
    """On the wire, and in the languages that write names so."""
    type: ArgumentType
    required: bool = False
    secret: bool = False
    replaces: bool = False
    """A change replaces the resource."""
    doc: str = ""
    default: Any = None
    """What a value is that is not given, if that is one text, number or truth value."""


@dataclass(frozen=True)
class Record(ArgumentType):
    """An object with named fields."""

    title: str
    """Its name in other languages."""
    fields: tuple[Argument, ...]
    build: Callable[[Mapping[str, Any]], Any] = field(compare=False)
    """What the constructor takes, of the constructed fields by their names in Python."""
    exactly_one: tuple[str, ...] = ()
    """Of these fields, by their names on the wire, exactly one is given."""
    doc: str = ""
    python: Any = None
    """The class whose docstrings describe it."""


Resolve = Callable[[Reference, Any, str], Any]
"""The live component of a reference: its type, the value from the wire, and what the argument is called in errors."""


def construct(kind: ArgumentType, value: Any, what: str, resolve: Resolve) -> Any:
    """What a constructor takes for ``value``, which is as Pulumi deserializes it: whatever is unknown or secret in it is an Output.

    What is no object, list or component is not checked here: the constructor does that, with its own words.

    Args:
        kind: the argument's type.
        value: the value; None: it is not given.
        what: what the argument is called in errors: `source of CertificateAuthority 'plant'`.
        resolve: finds a component that is given, or raises a ``ProgramError``.

    Raises:
        ArgumentError: an object has not the fields that its type says, or is something else.
    """
    if value is None:
        return None
    found = value
    match kind:
        case InputOf() if not isinstance(value, pulumi.Output):
            found = construct(kind.item, value, what, resolve)
        case Reference():
            found = resolve(kind, value, what)
        case OneOf():
            fitting = next((one for one in kind.options if _fits(one, value)), None)
            found = value if fitting is None else construct(fitting, value, what, resolve)
        case Record():
            found = _record(kind, value, what, resolve)
        case ListOf():
            if not isinstance(value, list | tuple):
                raise ArgumentError(what, *_not_plain(value, "list") or (f"it is {_shown(value)}", "give a list"))
            found = [construct(kind.item, one, f"{what}, item {number}", resolve) for number, one in enumerate(value, 1)]
        case MapOf() if isinstance(value, Mapping):
            found = {name: construct(kind.item, one, f"{what}, '{name}'", resolve) for name, one in value.items()}
        case Scalar("integer") if isinstance(value, float) and value.is_integer():
            found = int(value)  # the wire has one kind of number
    return found


def arguments(declared: Iterable[Argument], given: Mapping[str, Any], what: str, resolve: Resolve) -> dict[str, Any]:
    """The constructed values of ``given``, by their names in Python; what is not given is left out.

    Args:
        declared: the arguments that there are.
        given: the values by their names on the wire.
        what: whose they are, for errors: `CertificateAuthority 'plant'`.
        resolve: as for ``construct``.

    Raises:
        ArgumentError: one is not known or missing, or see ``construct``.
    """
    by_wire = {one.wire: one for one in declared}
    present = {name: value for name, value in given.items() if value is not None}
    if unknown := sorted(present.keys() - by_wire.keys()):
        raise ArgumentError(what, f"it has no '{unknown[0]}'", f"use {', '.join(sorted(by_wire))}")
    if missing := [one.wire for one in by_wire.values() if one.required and one.wire not in present]:
        raise ArgumentError(what, f"{missing[0]} is missing", "set it")
    return {by_wire[wire].name: construct(by_wire[wire].type, one, f"{wire} of {what}", resolve) for wire, one in present.items()}


def _record(kind: Record, value: Any, what: str, resolve: Resolve) -> Any:
    names = ", ".join(one.wire for one in kind.fields)
    if not isinstance(value, Mapping):
        raise ArgumentError(what, *_not_plain(value, f"object with {names}") or (f"it is {_shown(value)}", f"give an object with {names}"))
    given = [name for name in kind.exactly_one if value.get(name) is not None]
    if kind.exactly_one and len(given) != 1:
        fact = f"{' and '.join(given)} are given" if given else f"none of {', '.join(kind.exactly_one)} is given"
        raise ArgumentError(what, fact, f"give exactly one of {', '.join(kind.exactly_one)}")
    return kind.build(arguments(kind.fields, value, what, resolve))


def _not_plain(value: Any, form: str) -> tuple[str, str] | None:
    """The fact and the remedy, if it waits."""
    if not isinstance(value, pulumi.Output):
        return None
    return "it is a secret or not known yet, and decides which resources there are", f"give a plain {form}; values in it may be Outputs"


def _fits(kind: ArgumentType, value: Any) -> bool:
    """Whether ``value`` has the form of this type, so that it is read as such."""
    if isinstance(kind, InputOf):
        return isinstance(value, pulumi.Output) or _fits(kind.item, value)
    if isinstance(kind, Reference):
        return isinstance(value, pulumi.Resource) or not isinstance(value, str | int | float | list | tuple | Mapping | pulumi.Output)
    if isinstance(kind, Record | MapOf):
        return isinstance(value, Mapping)
    if isinstance(kind, ListOf):
        return isinstance(value, list | tuple)
    if kind == Scalar("string") or isinstance(kind, Choice):
        return isinstance(value, str)
    return not isinstance(value, str | list | tuple | Mapping)


def _shown(value: Any) -> str:
    kinds: Sequence[tuple[type | tuple[type, ...], str]] = (
        (str, "a text"),
        ((list, tuple), "a list"),
        (Mapping, "an object"),
        ((bool, int, float), "a number or truth value"),
    )
    return next((said for kind, said in kinds if isinstance(value, kind)), f"of type {type(value).__name__}")


def single(fields: Mapping[str, Any]) -> Any:
    """The one value of an object of which exactly one field is given."""
    return next(iter(fields.values()))


def made_by(kind: Callable[..., Any]) -> Callable[[Mapping[str, Any]], Any]:
    """A ``build`` that gives the fields to ``kind`` by their names."""
    return partial(_call, kind)


def _call(kind: Callable[..., Any], fields: Mapping[str, Any]) -> Any:
    return kind(**fields)
