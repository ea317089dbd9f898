"""Conditions of the query language as functions of a twin: comparisons, IN and NIN, functions, AND, OR, NOT.

A condition gives True, False, or None where the twin lacks what is compared (three-valued logic).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Condition = Callable[[dict[str, Any]], bool | None]

MISSING = object()


@dataclass(frozen=True)
class Path:
    """A property such as `tags.plant.line`."""

    parts: tuple[str, ...]

    def value_in(self, twin: dict[str, Any]) -> Any:
        """The twin's value there, or MISSING."""
        value: Any = twin
        for part in self.parts:
            if not isinstance(value, dict) or part not in value:
                return MISSING
            value = value[part]
        return value

    def without(self, alias: str) -> Path:
        """The same property without the source's name in front."""
        if len(self.parts) > 1 and self.parts[0].lower() == alias.lower():
            return Path(self.parts[1:])
        return self


def comparison(left: Any, operator: str, right: Any) -> Condition:
    """`left operator right`; each side is a constant or a path."""
    return lambda twin: _compare(operator, _resolve(left, twin), _resolve(right, twin))


def membership(left: Any, values: Sequence[Any], *, negated: bool) -> Condition:
    """`left IN values`, or NIN where `negated`."""

    def condition(twin: dict[str, Any]) -> bool | None:
        value = _resolve(left, twin)
        return None if value is MISSING else any(_equal(value, each) for each in values) is not negated

    return condition


def all_of(parts: Sequence[Condition]) -> Condition:
    """AND."""

    def condition(twin: dict[str, Any]) -> bool | None:
        values = [part(twin) for part in parts]
        return False if False in values else None if None in values else True

    return condition


def any_of(parts: Sequence[Condition]) -> Condition:
    """OR."""

    def condition(twin: dict[str, Any]) -> bool | None:
        values = [part(twin) for part in parts]
        return True if True in values else None if None in values else False

    return condition


def not_(inner: Condition) -> Condition:
    """NOT: what is neither true nor false stays so."""

    def condition(twin: dict[str, Any]) -> bool | None:
        value = inner(twin)
        return None if value is None else not value

    return condition


# Functions of a property's value, and those that also take a text. They are false, or None for texts, where the value is of another type.
TESTS: dict[str, Callable[[Any], bool]] = {
    "is_defined": lambda value: value is not MISSING,
    "is_null": lambda value: value is None,
    "is_bool": lambda value: isinstance(value, bool),
    "is_number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "is_string": lambda value: isinstance(value, str),
    "is_object": lambda value: isinstance(value, dict),
}
TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "startswith": lambda value, text: value.startswith(text),
    "endswith": lambda value, text: value.endswith(text),
    "contains": lambda value, text: text in value,
}


def test(name: str, path: Path) -> Condition:
    """A function of `TESTS`."""
    function = TESTS[name]
    return lambda twin: function(path.value_in(twin))


def text_test(name: str, path: Path, text: Any) -> Condition:
    """A function of `TEXT_TESTS`."""
    function = TEXT_TESTS[name]
    return lambda twin: function(value, text) if isinstance(value := path.value_in(twin), str) and isinstance(text, str) else None


def array_contains(path: Path, value: Any) -> Condition:
    """Whether a list has the value."""
    return lambda twin: any(_equal(each, value) for each in found) if isinstance(found := path.value_in(twin), list) else None


def _resolve(operand: Any, twin: dict[str, Any]) -> Any:
    return operand.value_in(twin) if isinstance(operand, Path) else operand


def _equal(left: Any, right: Any) -> bool:
    return bool(type(left) is type(right) or _numbers(left, right)) and bool(left == right)


def _numbers(left: Any, right: Any) -> bool:
    return all(isinstance(each, (int, float)) and not isinstance(each, bool) for each in (left, right))


def _compare(operator: str, left: Any, right: Any) -> bool | None:
    if left is MISSING or right is MISSING:
        return None
    if operator == "=":
        return _equal(left, right)
    if operator in {"!=", "<>"}:
        return not _equal(left, right)
    if not (_numbers(left, right) or (isinstance(left, str) and isinstance(right, str))):
        return None
    return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator])
