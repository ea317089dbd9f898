"""IoT Hub's query language, as far as it concerns devices: `SELECT … FROM devices WHERE … GROUP BY …`.

Grammar: https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language. As there, a comparison with what a twin does not have
is neither true nor false, and a row counts only when its condition is true.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.azure.hub_registry import query_conditions
from sandbox.azure.hub_registry.query_conditions import MISSING, Path, QueryError, Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox.azure.hub_registry.query_conditions import Condition

__all__ = ["Query", "QueryError", "parse"]

_AGGREGATES = ("count", "avg", "sum", "min", "max")
_SOURCE = re.compile(r"devices", re.IGNORECASE)


@dataclass(frozen=True)
class Column:
    """One item of a SELECT list: a path, or an aggregate over one (COUNT needs none)."""

    name: str
    path: Path | None
    aggregate: str = ""


@dataclass
class Query:
    """A query, understood."""

    columns: list[Column] = field(default_factory=list)  # empty: `*`
    top: int | None = None
    condition: Condition | None = None
    group: list[Path] = field(default_factory=list)

    @property
    def aggregates(self) -> bool:
        """Whether all the rows are needed for any row of the answer."""
        return bool(self.group) or any(column.aggregate for column in self.columns)

    @property
    def whole(self) -> bool:
        """Whether the answer's items are twins."""
        return not self.columns

    def wants(self, twin: dict[str, Any]) -> bool:
        """Whether a twin fulfils the condition."""
        return self.condition is None or self.condition(twin) is True

    def row(self, twin: dict[str, Any]) -> dict[str, Any]:
        """The answer's item for one twin."""
        if self.whole:
            return twin
        found = {column.name: column.path.of(twin) for column in self.columns if column.path}
        return {name: value for name, value in found.items() if value is not MISSING}

    def grouped(self, twins: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """The answer's items of an aggregating query."""
        groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {} if self.group else {(): []}
        for twin in twins:
            key = tuple(path.of(twin) for path in self.group)
            groups.setdefault(key, []).append(twin)
        return [self._group(key, members) for key, members in groups.items()]

    def _group(self, key: tuple[Any, ...], members: list[dict[str, Any]]) -> dict[str, Any]:
        by_path = dict(zip(self.group, key, strict=True))
        row: dict[str, Any] = {}
        for column in self.columns:
            value = _aggregate(column, members) if column.aggregate else by_path[column.path] if column.path else MISSING
            if value is not MISSING:
                row[column.name] = value
        return row


def _aggregate(column: Column, members: list[dict[str, Any]]) -> Any:
    if column.aggregate == "count":
        return len(members)
    values = [column.path.of(twin) for twin in members] if column.path else []
    numbers = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if not numbers:
        return MISSING
    functions: dict[str, Callable[[list[float]], float]] = {"avg": lambda all_: sum(all_) / len(all_), "sum": sum, "min": min, "max": max}
    return functions[column.aggregate](numbers)


def parse(text: str) -> Query:
    """Understand a query.

    Raises:
        QueryError: It is not in the language, or asks for what local Azure does not have (modules, jobs).
    """
    tokens = Tokens(text)
    query = Query()
    tokens.need("select")
    if tokens.take("top"):
        query.top = tokens.integer()
    columns = None if tokens.take("*") else _columns(tokens)
    tokens.need("from")
    source = tokens.word()
    if not _SOURCE.fullmatch(source):
        raise QueryError(f"FROM {source}: only devices can be asked for")
    alias = tokens.word() if tokens.take("as") or tokens.at_name() else source
    if tokens.take("where"):
        query.condition = query_conditions.parse(tokens, alias)
    if tokens.take("group"):
        tokens.need("by")
        query.group = [tokens.path(alias)]
        while tokens.take(","):
            query.group.append(tokens.path(alias))
    tokens.end()
    query.columns = [_resolved(column, alias) for column in columns or []]
    if query.group and any(column.path not in query.group for column in query.columns if not column.aggregate):
        raise QueryError("every column must be an aggregate or stand in GROUP BY")
    if query.aggregates and not query.group and not all(column.aggregate for column in query.columns):
        raise QueryError("a column beside an aggregate must stand in GROUP BY")
    return query


def _columns(tokens: Tokens) -> list[Column]:
    columns = [_column(tokens, 1)]
    while tokens.take(","):
        columns.append(_column(tokens, len(columns) + 1))
    return columns


def _column(tokens: Tokens, number: int) -> Column:
    path = tokens.path("")
    aggregate = ""
    found: Path | None = path
    if path.parts[-1].lower() in _AGGREGATES and len(path.parts) == 1 and tokens.take("("):
        aggregate = path.parts[0].lower()
        found = None if tokens.at(")") else tokens.path("")
        tokens.need(")")
        if found is None and aggregate != "count":
            raise QueryError(f"{aggregate} needs a property")
    name = f"${number}" if aggregate else path.parts[-1]
    if tokens.take("as"):
        name = tokens.word()
    return Column(name, found, aggregate)


def _resolved(column: Column, alias: str) -> Column:
    """The alias is known only after FROM."""
    return column if column.path is None else Column(column.name, column.path.without(alias), column.aggregate)
