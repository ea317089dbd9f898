"""The functions of the query language, by name: what each gives for its arguments, or MISSING where they are of another type.

Source: https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language, "Functions". `ARRAY_CONTAINS` is in no page, but az CLI's
extension asks with it. Both spellings of STARTS_WITH and ENDS_WITH are documented.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MISSING = object()  # a property that the document lacks; "undefined" in Azure's words
MOST = 100  # arguments


@dataclass(frozen=True)
class Function:
    """One function: how many arguments it takes, their type, and what it gives."""

    least: int
    most: int
    kind: type | tuple[type, ...] | None  # of every argument; None: it judges the types itself, absent values too
    apply: Callable[..., Any]

    def __call__(self, *values: Any) -> Any:
        """The function's value, MISSING where an argument is absent or of another type, or where the result is no number."""
        if self.kind is None:
            return self.apply(*values)
        if not all(isinstance(each, self.kind) and not isinstance(each, bool) for each in values):
            return MISSING
        try:
            result = self.apply(*values)
        except (ArithmeticError, ValueError):
            return MISSING
        return MISSING if isinstance(result, complex) or (isinstance(result, float) and not math.isfinite(result)) else result


def equal(left: Any, right: Any) -> bool:
    """Whether two JSON values are the same: a number never equals a text, nor a boolean a number."""
    return bool((type(left) is type(right) or (is_number(left) and is_number(right))) and left == right)


def is_number(value: Any) -> bool:
    """Whether a value is a JSON number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _as_number(value: Any) -> Any:
    if is_number(value):
        return value
    try:
        found = float(value) if isinstance(value, str) and "_" not in value else math.nan
    except ValueError:
        return MISSING
    return MISSING if not math.isfinite(found) else int(found) if found.is_integer() else found


def _substring(text: Any, start: Any, length: Any = None) -> Any:
    numbers = [start] if length is None else [start, length]
    if not isinstance(text, str) or not all(is_number(each) and each >= 0 for each in numbers):
        return MISSING
    return text[int(start) :] if length is None else text[int(start) : int(start) + int(length)]


def _array_contains(array: Any, value: Any) -> Any:
    return any(equal(each, value) for each in array) if isinstance(array, list) and value is not MISSING else MISSING


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


_NUMBER = (int, float)
FUNCTIONS: dict[str, Function] = {
    "abs": Function(1, 1, _NUMBER, abs),
    "exp": Function(1, 1, _NUMBER, math.exp),
    "power": Function(2, 2, _NUMBER, lambda base, exponent: float(base) ** exponent),
    "square": Function(1, 1, _NUMBER, lambda value: value * value),
    "ceiling": Function(1, 1, _NUMBER, math.ceil),
    "floor": Function(1, 1, _NUMBER, math.floor),
    "sign": Function(1, 1, _NUMBER, _sign),
    "sqrt": Function(1, 1, _NUMBER, math.sqrt),
    "as_number": Function(1, 1, None, _as_number),
    "is_array": Function(1, 1, None, lambda value: isinstance(value, list)),
    "is_bool": Function(1, 1, None, lambda value: isinstance(value, bool)),
    "is_defined": Function(1, 1, None, lambda value: value is not MISSING),
    "is_null": Function(1, 1, None, lambda value: value is None),
    "is_number": Function(1, 1, None, is_number),
    "is_object": Function(1, 1, None, lambda value: isinstance(value, dict)),
    "is_primitive": Function(1, 1, None, lambda value: value is None or isinstance(value, (str, bool, int, float))),
    "is_string": Function(1, 1, None, lambda value: isinstance(value, str)),
    "concat": Function(2, MOST, str, lambda *texts: "".join(texts)),
    "length": Function(1, 1, str, len),
    "lower": Function(1, 1, str, str.lower),
    "upper": Function(1, 1, str, str.upper),
    "substring": Function(2, 3, None, _substring),
    "index_of": Function(2, 2, str, str.find),
    "starts_with": Function(2, 2, str, str.startswith),
    "ends_with": Function(2, 2, str, str.endswith),
    "contains": Function(2, 2, str, lambda text, part: part in text),
    "array_contains": Function(2, 2, None, _array_contains),
}
FUNCTIONS |= {"startswith": FUNCTIONS["starts_with"], "endswith": FUNCTIONS["ends_with"]}
