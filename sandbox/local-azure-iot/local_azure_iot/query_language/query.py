"""A query, evaluated: which documents it selects, and the rows of its answer.

Source: https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from local_azure_iot.query_language.functions import MISSING, is_number

if TYPE_CHECKING:
    from local_azure_iot.query_language.expressions import Expression, Path


class QueryError(ValueError):
    """Not a valid query. The message says why, for the log only: Azure gives its clients no reason."""


class Source(StrEnum):
    """The collections that can be queried."""

    DEVICES = "devices"
    MODULES = "devices.modules"
    JOBS = "devices.jobs"


@dataclass(frozen=True)
class Column:
    """One item of a SELECT list: a path, or an aggregate over one (COUNT needs no path)."""

    name: str
    path: Path | None
    aggregate: str = ""


@dataclass
class Query:
    """A parsed query."""

    columns: list[Column] = field(default_factory=list)  # empty: `*`
    source: Source = Source.DEVICES
    top: int | None = None
    condition: Expression | None = None
    group: list[Path] = field(default_factory=list)

    @property
    def aggregates(self) -> bool:
        """Whether every selected document must be read before the answer's first row is known."""
        return bool(self.group) or any(column.aggregate for column in self.columns)

    @property
    def returns_documents(self) -> bool:
        """Whether the answer's rows are whole documents."""
        return not self.columns

    def selects(self, document: dict[str, Any]) -> bool:
        """Whether a document meets the condition."""
        return self.condition is None or self.condition(document) is True

    def row(self, document: dict[str, Any]) -> dict[str, Any]:
        """The answer's row for one document."""
        if self.returns_documents:
            return document
        found = {column.name: column.path(document) for column in self.columns if column.path}
        return {name: value for name, value in found.items() if value is not MISSING}


class Aggregation:
    """The answer's rows where a query aggregates: each group has its numbers, and none of its documents."""

    def __init__(self, query: Query) -> None:
        """Begin without a document."""
        self._query = query
        self._groups: dict[tuple[Any, ...], _Group] = {} if query.group else {(): _Group((), query.columns)}

    def add(self, document: dict[str, Any]) -> None:
        """Take a document that the query selects."""
        values = tuple(path(document) for path in self._query.group)
        key = tuple(map(_comparable, values))
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(values, self._query.columns)
        for column, numbers in zip(self._query.columns, group.numbers, strict=True):
            numbers.add(column, document)

    def rows(self) -> list[dict[str, Any]]:
        """The rows of what came so far."""
        return [self._row(group) for group in self._groups.values()]

    def _row(self, group: _Group) -> dict[str, Any]:
        by_path = dict(zip(self._query.group, group.values, strict=True))
        row: dict[str, Any] = {}
        for column, numbers in zip(self._query.columns, group.numbers, strict=True):
            value = numbers.result(column.aggregate) if column.aggregate else by_path[column.path] if column.path else MISSING
            if value is not MISSING:
                row[column.name] = value
        return row


class _Group:
    def __init__(self, values: tuple[Any, ...], columns: list[Column]) -> None:
        self.values = values
        self.numbers = [_Numbers() for _ in columns]


@dataclass
class _Numbers:
    """What one column's aggregate needs of the documents of a group."""

    documents: int = 0
    numbers: int = 0
    total: float = 0
    least: float = 0
    most: float = 0

    def add(self, column: Column, document: dict[str, Any]) -> None:
        self.documents += 1
        if not column.aggregate or column.path is None:
            return
        value = column.path(document)
        if is_number(value):
            self.least = min(self.least, value) if self.numbers else value
            self.most = max(self.most, value) if self.numbers else value
            self.numbers, self.total = self.numbers + 1, self.total + value

    def result(self, aggregate: str) -> Any:
        if aggregate == "count":
            return self.documents
        if not self.numbers:
            return MISSING
        return {"avg": self.total / self.numbers, "sum": self.total, "min": self.least, "max": self.most}[aggregate]


def _comparable(value: Any) -> Any:
    """A key for a group: JSON's `true` and 1 are two values, which Python takes for one; objects and lists can't be keys themselves."""
    return (type(value) if not is_number(value) else float, value if not isinstance(value, (dict, list)) else repr(value))
