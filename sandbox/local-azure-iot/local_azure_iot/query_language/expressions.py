"""Expressions of the query language as functions of a document: a twin, a device's part of a job, or a message.

An expression gives a JSON value, or MISSING where the document lacks what is asked. A condition is met only by `true`: as documented,
whatever else is false, and a comparison with what is missing is neither true nor false, so that NOT does not make it true.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_azure_iot.query_language.functions import MISSING, equal, is_number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from local_azure_iot.query_language.functions import Function

    Document = dict[str, Any]
    Expression = Callable[[Document], Any]

_PRIMITIVE = (str, bool, int, float, type(None))


@dataclass(frozen=True)
class Path:
    """A property such as `tags.plant.line`."""

    parts: tuple[str | int, ...]  # an integer is the index of an array's item

    def __call__(self, document: Document) -> Any:
        """The document's value there, or MISSING."""
        value: Any = document
        for part in self.parts:
            there = part in value if isinstance(value, dict) else isinstance(value, list) and isinstance(part, int) and part < len(value)
            if not there:
                return MISSING
            value = value[part]
        return value


def constant(value: Any) -> Expression:
    """The same value for every document."""
    return lambda _: value


def array(items: Sequence[Expression]) -> Expression:
    """`[a, b]`."""
    return lambda document: [item(document) for item in items]


def comparison(left: Expression, sign: str, right: Expression) -> Expression:
    """`left sign right`. Only primitive values are compared, as documented."""
    return lambda document: _compare(left(document), sign, right(document))


def membership(left: Expression, values: Sequence[Expression], *, negated: bool) -> Expression:
    """`left IN values`, or NIN where `negated`."""

    def found(document: Document) -> Any:
        value = left(document)
        return MISSING if value is MISSING else any(equal(value, each(document)) for each in values) is not negated

    return found


def all_of(parts: Sequence[Expression]) -> Expression:
    """AND."""

    def both(document: Document) -> Any:
        values = [_truth(part(document)) for part in parts]
        return False if False in values else MISSING if MISSING in values else True

    return both


def any_of(parts: Sequence[Expression]) -> Expression:
    """OR."""

    def either(document: Document) -> Any:
        values = [_truth(part(document)) for part in parts]
        return True if True in values else MISSING if MISSING in values else False

    return either


def not_(inner: Expression) -> Expression:
    """NOT: what is neither true nor false stays so."""

    def opposite(document: Document) -> Any:
        value = _truth(inner(document))
        return MISSING if value is MISSING else not value

    return opposite


def call(function: Function, arguments: Sequence[Expression]) -> Expression:
    """A function's value."""
    return lambda document: function(*(argument(document) for argument in arguments))


def arithmetic(first: Expression, rest: Sequence[tuple[str, Expression]]) -> Expression:
    """`first + second - …`, from left to right; MISSING where one of them is no number, or the divisor is zero."""

    def value(document: Document) -> Any:
        result = first(document)
        for sign, each in rest:
            result = _calculated(result, sign, each(document))
        return result

    return value


def negative(inner: Expression) -> Expression:
    """`-value`."""
    return lambda document: _calculated(0, "-", inner(document))


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
}
_ORDER: dict[str, Callable[[Any, Any], bool]] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def _calculated(left: Any, sign: str, right: Any) -> Any:
    if not (is_number(left) and is_number(right)):
        return MISSING
    try:
        return _ARITHMETIC[sign](left, right)
    except ArithmeticError:
        return MISSING


def _truth(value: Any) -> Any:
    return value if value is MISSING else value is True


def _compare(left: Any, sign: str, right: Any) -> Any:
    if not (isinstance(left, _PRIMITIVE) and isinstance(right, _PRIMITIVE)):
        return MISSING
    if sign == "=":
        return equal(left, right)
    if sign in {"!=", "<>"}:
        return not equal(left, right)
    if not ((is_number(left) and is_number(right)) or (isinstance(left, str) and isinstance(right, str))):
        return MISSING
    return _ORDER[sign](left, right)
