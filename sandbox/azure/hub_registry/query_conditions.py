"""Conditions of the query language: comparisons, IN and NIN, IS_DEFINED, AND, OR, NOT, parentheses."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    # True, False, or None where the twin lacks what is compared (three-valued logic).
    Condition = Callable[[dict[str, Any]], bool | None]

MISSING = object()
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)
    |(?P<name>\[\[[^\]]+\]\]|[A-Za-z_$][\w$\-]*)|(?P<sign><=|>=|!=|<>|[=<>(),.*\[\]]))""",
    re.VERBOSE,
)
_WORDS = frozenset(("select", "from", "where", "and", "or", "not", "in", "nin", "as", "group", "by", "top"))
_FUNCTIONS = ("is_defined", "is_null", "is_bool", "is_number", "is_string", "is_object", "startswith", "endswith", "contains")
_CONSTANTS = {"true": True, "false": False, "null": None}
_MAX_DEPTH = 50


class QueryError(ValueError):
    """Not in the language; the message says where, for the log: Azure tells its clients nothing."""


@dataclass(frozen=True)
class Path:
    """A property such as `tags.plant.line`."""

    parts: tuple[str, ...]

    def of(self, twin: dict[str, Any]) -> Any:
        """What a twin has there, or MISSING."""
        value: Any = twin
        for part in self.parts:
            if not isinstance(value, dict) or part not in value:
                return MISSING
            value = value[part]
        return value

    def without(self, alias: str) -> Path:
        """Without the source's name in front."""
        if len(self.parts) > 1 and self.parts[0].lower() == alias.lower():
            return Path(self.parts[1:])
        return self


class Tokens:
    """The words of a query, taken one after the other."""

    def __init__(self, text: str) -> None:
        self._all: list[tuple[str, str]] = []
        at, end = 0, len(text.rstrip())
        while at < end:
            found = _TOKEN.match(text, at)
            if found is None:
                raise QueryError(f"nothing of the language at '{text[at : at + 20]}'")
            self._all.append((found.lastgroup or "", found.group(found.lastgroup or 0)))
            at = found.end()
        self._next = 0

    def _peek(self) -> tuple[str, str]:
        return self._all[self._next] if self._next < len(self._all) else ("end", "")

    def at(self, word: str) -> bool:
        """Whether this word comes next."""
        kind, text = self._peek()
        return kind in {"name", "sign"} and text.lower() == word

    def at_name(self) -> bool:
        """Whether a name comes next that is no word of the language."""
        kind, text = self._peek()
        return kind == "name" and text.lower() not in _WORDS

    def take(self, word: str) -> bool:
        """Take this word if it comes next."""
        if self.at(word):
            self._next += 1
            return True
        return False

    def need(self, word: str) -> None:
        """Take this word, which must come next."""
        if not self.take(word):
            raise QueryError(f"expected {word}, found '{self._peek()[1]}'")

    def end(self) -> None:
        """Nothing more may come."""
        if self._peek()[0] != "end":
            raise QueryError(f"nothing may follow at '{self._peek()[1]}'")

    def word(self) -> str:
        """Take a name."""
        kind, text = self._peek()
        if kind != "name":
            raise QueryError(f"expected a name, found '{text}'")
        self._next += 1
        return text.removeprefix("[[").removesuffix("]]")

    def integer(self) -> int:
        """Take a whole number."""
        kind, text = self._peek()
        if kind != "number" or not text.isdigit():
            raise QueryError(f"expected a number, found '{text}'")
        self._next += 1
        return int(text)

    def path(self, alias: str) -> Path:
        """Take a property."""
        parts = [self.word()]
        while self.take("."):
            parts.append(self.word())
        return Path(tuple(parts)).without(alias)

    def value(self) -> Any:
        """Take a constant."""
        kind, text = self._peek()
        self._next += 1
        if kind == "number":
            return json.loads(text)
        if kind == "text":
            inner = text[1:-1].replace("''", "'") if text[0] == "'" else text[1:-1]
            return re.sub(r"\\(.)", r"\1", inner)
        if kind == "name" and text.lower() in _CONSTANTS:
            return _CONSTANTS[text.lower()]
        raise QueryError(f"expected a constant, found '{text}'")

    def at_value(self) -> bool:
        """Whether a constant comes next."""
        kind, text = self._peek()
        return kind in {"number", "text"} or (kind == "name" and text.lower() in _CONSTANTS)

    def operator(self) -> str:
        """Take a comparison."""
        kind, text = self._peek()
        if kind == "sign" and text in {"=", "!=", "<>", "<", "<=", ">", ">="}:
            self._next += 1
            return text
        raise QueryError(f"expected a comparison, found '{text}'")


def parse(tokens: Tokens, alias: str, depth: int = 0) -> Condition:
    """Take a condition: OR of ANDs."""
    if depth > _MAX_DEPTH:
        raise QueryError("too deep")
    parts = [_all(tokens, alias, depth)]
    while tokens.take("or"):
        parts.append(_all(tokens, alias, depth))
    return parts[0] if len(parts) == 1 else lambda twin: _or([part(twin) for part in parts])


def _all(tokens: Tokens, alias: str, depth: int) -> Condition:
    parts = [_one(tokens, alias, depth)]
    while tokens.take("and"):
        parts.append(_one(tokens, alias, depth))
    return parts[0] if len(parts) == 1 else lambda twin: _and([part(twin) for part in parts])


def _one(tokens: Tokens, alias: str, depth: int) -> Condition:
    if tokens.take("not"):
        inner = _one(tokens, alias, depth + 1) if depth < _MAX_DEPTH else parse(tokens, alias, depth + 1)
        return lambda twin: _not(inner(twin))
    if tokens.take("("):
        inner = parse(tokens, alias, depth + 1)
        tokens.need(")")
        return inner
    left = _operand(tokens, alias)
    if isinstance(left, Path) and len(left.parts) == 1 and left.parts[0].lower() in _FUNCTIONS and tokens.take("("):
        return _function(tokens, alias, left.parts[0].lower())
    negated = tokens.at("nin")
    if tokens.take("in") or tokens.take("nin"):
        return _membership(tokens, left, negated=negated)
    operator = tokens.operator()
    right = _operand(tokens, alias)
    return lambda twin: _compare(operator, _resolve(left, twin), _resolve(right, twin))


def _operand(tokens: Tokens, alias: str) -> Any:
    return tokens.value() if tokens.at_value() else tokens.path(alias)


def _resolve(operand: Any, twin: dict[str, Any]) -> Any:
    return operand.of(twin) if isinstance(operand, Path) else operand


def _membership(tokens: Tokens, left: Any, *, negated: bool) -> Condition:
    close = "]" if tokens.take("[") else ")"
    if close == ")":
        tokens.need("(")
    values = [tokens.value()]
    while tokens.take(","):
        values.append(tokens.value())
    tokens.need(close)

    def condition(twin: dict[str, Any]) -> bool | None:
        value = _resolve(left, twin)
        return None if value is MISSING else any(_equal(value, each) for each in values) is not negated

    return condition


def _function(tokens: Tokens, alias: str, name: str) -> Condition:
    path = tokens.path(alias)
    if name in {"startswith", "endswith", "contains"}:
        tokens.need(",")
        wanted = tokens.value()
        tokens.need(")")
        texts: dict[str, Callable[[str], bool]] = {
            "startswith": lambda text: text.startswith(wanted),
            "endswith": lambda text: text.endswith(wanted),
            "contains": lambda text: wanted in text,
        }
        return lambda twin: texts[name](value) if isinstance(value := path.of(twin), str) and isinstance(wanted, str) else None
    tokens.need(")")
    kinds: dict[str, Callable[[Any], bool]] = {
        "is_defined": lambda value: value is not MISSING,
        "is_null": lambda value: value is None,
        "is_bool": lambda value: isinstance(value, bool),
        "is_number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
        "is_string": lambda value: isinstance(value, str),
        "is_object": lambda value: isinstance(value, dict),
    }
    return lambda twin: kinds[name](path.of(twin))


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


def _and(values: list[bool | None]) -> bool | None:
    return False if False in values else None if None in values else True


def _or(values: list[bool | None]) -> bool | None:
    return True if True in values else None if None in values else False


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value
