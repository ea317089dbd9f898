"""Compares old and new inputs, and computes the inputs after a refresh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sandbox.plugins.azure_native.conversion import API_VERSION
from sandbox.plugins.resource import DiffKind, DiffResult, PropertyChange

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox.plugins.azure_native.fields import Field
    from sandbox.plugins.azure_native.resource_types import ResourceType
    from sandbox.plugins.property_values import Properties

CREATE_BEFORE_DELETE: Final = "__createBeforeDelete"
PRIVATE: Final = "__"


@dataclass(frozen=True)
class Change:
    """One property that differs; `value` is the new value, `field` its description in the table, if any."""

    path: str
    kind: DiffKind
    value: Any
    field: Field | None

    @property
    def top(self) -> str:
        """The top-level property that contains it."""
        return self.path.split(".")[0].split("[")[0]


def difference(kind: ResourceType, old: Properties, new: Properties, state: Properties) -> DiffResult:
    """Compare old and new inputs; `state` holds the old outputs. The plugin's own keys (`__…`) are not compared."""
    migrated = API_VERSION not in old and API_VERSION in state
    if migrated:
        old = {**old, API_VERSION: state[API_VERSION]}
    changes = [change for change in _changes("", kind.body, old, new) if not _equal_in_azure(change, old)]
    if not changes:
        return DiffResult(changed=False)
    counted = [change for change in changes if not _is_default(change)]
    replaces = [change.path for change in counted if _forces_new(kind, change, state)]
    detail = {
        change.path: PropertyChange(
            change.kind,
            replaces=change.path in replaces,
            of_inputs=change in counted and not (migrated and change.path == API_VERSION),
        )
        for change in changes
    }
    flag = old.get(CREATE_BEFORE_DELETE)
    return DiffResult(
        changed=bool(counted),
        properties=sorted({change.top for change in counted}),
        replaces=replaces,
        delete_first=not flag if isinstance(flag, bool) else bool(replaces),
        detail=detail,
    )


def _changes(path: str, fields: Mapping[str, Field], old: Properties, new: Properties) -> Iterator[Change]:
    for name in sorted(set(old) | set(new)):
        if not name.startswith(PRIVATE):
            yield from _change(f"{path}.{name}" if path else name, fields.get(name), old.get(name), new.get(name))


def _change(path: str, field: Field | None, old: Any, new: Any) -> Iterator[Change]:
    if old is None and new is not None:
        yield Change(path, DiffKind.ADD, new, field)
    elif new is None and old is not None:
        yield Change(path, DiffKind.DELETE, None, field)
    elif isinstance(old, dict) and isinstance(new, dict):
        inner = field.fields if field else {}
        if field and field.item:
            inner = dict.fromkeys({*old, *new}, field.item)
        yield from _changes(path, inner, old, new)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            pair = [values[index] if index < len(values) else None for values in (old, new)]
            yield from _change(f"{path}[{index}]", field.item if field else None, *pair)
    elif old != new or type(old) is not type(new):
        yield Change(path, DiffKind.UPDATE, new, field)


def _equal_in_azure(change: Change, old: Properties) -> bool:
    """Azure ignores case and spaces in a location, and case in the name of a resource group."""
    before = old.get(change.path)
    if change.kind is not DiffKind.UPDATE or not isinstance(before, str) or not isinstance(change.value, str):
        return False
    if change.path == "location":
        return _region(before) == _region(change.value)
    return change.path == "resourceGroupName" and before.lower() == change.value.lower()


def _region(location: str) -> str:
    return location.replace(" ", "").lower()


def _is_default(change: Change) -> bool:
    return (
        change.kind is DiffKind.ADD
        and change.field is not None
        and change.field.default is not None
        and change.value == change.field.default
    )


def _forces_new(kind: ResourceType, change: Change, state: Properties) -> bool:
    if change.top not in kind.forces_new:
        return False
    # Declaring the value that the resource already has does not replace it.
    return not (change.kind is DiffKind.ADD and change.path in state and state[change.path] == change.value)


def refreshed_inputs(inputs: Any, before: Any, after: Any) -> Any:
    """The inputs, with every change between two sets of outputs applied: what changed in Azure, but not Azure's defaults."""
    if isinstance(before, dict) and isinstance(after, dict):
        kept = inputs if isinstance(inputs, dict) else {}
        result = {name: value for name, value in kept.items() if name not in before or name in after}
        for name, value in after.items():
            if name not in before:
                result[name] = value
            elif before[name] != value:
                result[name] = refreshed_inputs(kept.get(name), before[name], value)
        return result
    if isinstance(before, list) and isinstance(after, list) and isinstance(inputs, list):
        return _refreshed_list(inputs, before, after)
    return after


def _refreshed_list(inputs: list[Any], before: list[Any], after: list[Any]) -> list[Any]:
    result = []
    for index in range(max(len(inputs), len(after))):
        if index >= len(after):
            if index >= len(before):
                result.append(inputs[index])  # was never in Azure's answer
        elif index >= len(before):
            result.append(after[index])
        elif before[index] == after[index]:
            result += inputs[index : index + 1]
        else:
            result.append(refreshed_inputs(inputs[index] if index < len(inputs) else None, before[index], after[index]))
    return result
