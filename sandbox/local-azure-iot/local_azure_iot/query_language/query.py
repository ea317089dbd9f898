"""A query, evaluated: which documents it selects, and the rows of its answer.

Source: https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from local_azure_iot.query_language.functions import MISSING, is_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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

    def aggregate_rows(self, documents: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """The answer's rows where the query aggregates."""
        groups: dict[tuple[Any, ...], tuple[tuple[Any, ...], list[dict[str, Any]]]] = {} if self.group else {(): ((), [])}
        for document in documents:
            values = tuple(path(document) for path in self.group)
            _, members = groups.setdefault(tuple(map(_comparable, values)), (values, []))
            members.append(document)
        return [self._group_row(values, members) for values, members in groups.values()]

    def _group_row(self, values: tuple[Any, ...], members: list[dict[str, Any]]) -> dict[str, Any]:
        by_path = dict(zip(self.group, values, strict=True))
        row: dict[str, Any] = {}
        for column in self.columns:
            value = _aggregate(column, members) if column.aggregate else by_path[column.path] if column.path else MISSING
            if value is not MISSING:
                row[column.name] = value
        return row


def _comparable(value: Any) -> Any:
    """A key for a group: JSON's `true` and 1 are two values, which Python takes for one; objects and lists can't be keys themselves."""
    return (type(value) if not is_number(value) else float, value if not isinstance(value, (dict, list)) else repr(value))


def _aggregate(column: Column, members: list[dict[str, Any]]) -> Any:
    if column.aggregate == "count":
        return len(members)
    values = [column.path(document) for document in members] if column.path else []
    numbers = [value for value in values if is_number(value)]
    if not numbers:
        return MISSING
    functions: dict[str, Callable[[list[float]], float]] = {"avg": lambda all_: sum(all_) / len(all_), "sum": sum, "min": min, "max": max}
    return functions[column.aggregate](numbers)
