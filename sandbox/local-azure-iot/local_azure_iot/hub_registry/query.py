"""A query over devices, evaluated: which twins it selects, and the rows of its answer.

Source: https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language. As there, a comparison with a property that a twin lacks
is neither true nor false, and a twin is selected only when the condition is true.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry.query_conditions import MISSING, Path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from local_azure_iot.hub_registry.query_conditions import Condition


class QueryError(ValueError):
    """Not a valid query. The message says why, for the log only: Azure gives its clients no reason."""


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
    of_modules: bool = False
    top: int | None = None
    condition: Condition | None = None
    group: list[Path] = field(default_factory=list)

    @property
    def aggregates(self) -> bool:
        """Whether every selected twin must be read before the answer's first row is known."""
        return bool(self.group) or any(column.aggregate for column in self.columns)

    @property
    def returns_twins(self) -> bool:
        """Whether the answer's rows are whole twins."""
        return not self.columns

    def selects(self, twin: dict[str, Any]) -> bool:
        """Whether a twin meets the condition."""
        return self.condition is None or self.condition(twin) is True

    def row(self, twin: dict[str, Any]) -> dict[str, Any]:
        """The answer's row for one twin."""
        if self.returns_twins:
            return twin
        found = {column.name: column.path.value_in(twin) for column in self.columns if column.path}
        return {name: value for name, value in found.items() if value is not MISSING}

    def aggregate_rows(self, twins: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """The answer's rows where the query aggregates."""
        groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {} if self.group else {(): []}
        for twin in twins:
            key = tuple(path.value_in(twin) for path in self.group)
            groups.setdefault(key, []).append(twin)
        return [self._group_row(key, members) for key, members in groups.items()]

    def _group_row(self, key: tuple[Any, ...], members: list[dict[str, Any]]) -> dict[str, Any]:
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
    values = [column.path.value_in(twin) for twin in members] if column.path else []
    numbers = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if not numbers:
        return MISSING
    functions: dict[str, Callable[[list[float]], float]] = {"avg": lambda all_: sum(all_) / len(all_), "sum": sum, "min": min, "max": max}
    return functions[column.aggregate](numbers)
