"""The differences that a provider reports for a resource, and how the resource's options change them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from sandbox.engine.values import property_values
from sandbox.engine.values.property_path import PathError, get_at, parse_property_path, remove_at, set_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sandbox.engine.values.property_path import PathElement
    from sandbox.engine.values.property_values import Properties, Value

Changes = Literal["none", "some", "unknown"]


@dataclass(frozen=True)
class PropertyDifference:
    """One changed path; `kind` is add, delete or update, with `-replace` if it requires a replacement."""

    kind: str
    input: bool = False


@dataclass(frozen=True)
class Difference:
    """A provider's answer to Diff. `detailed` is None if the provider sent none."""

    changes: Changes
    replaces: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    detailed: Mapping[str, PropertyDifference] | None = None
    delete_first: bool = False
    stables: tuple[str, ...] = field(default=())

    @property
    def replacing(self) -> bool:
        """Whether it requires a replacement."""
        return bool(self.replaces) or any(item.kind.endswith("-replace") for item in (self.detailed or {}).values())

    def inverted(self) -> Difference:
        """The reverse difference: added becomes deleted."""
        swapped = {"add": "delete", "delete": "add", "add-replace": "delete-replace", "delete-replace": "add-replace"}
        detailed = {path: replace(item, kind=swapped.get(item.kind, item.kind)) for path, item in (self.detailed or {}).items()}
        return replace(self, detailed=detailed if self.detailed is not None else None)


NONE = Difference("none")
SOME = Difference("some")


def between(old: Properties, new: Properties) -> Difference:
    """A plain comparison of inputs, for a provider that can't compare."""
    old, new = property_values.revealed(old), property_values.revealed(new)
    changed = tuple(key for key in sorted({*old, *new}) if old.get(key) != new.get(key))
    if not changed:
        return NONE
    kinds = {key: "update" if key in old and key in new else "add" if key in new else "delete" for key in changed}
    return Difference("some", changed=changed, detailed={key: PropertyDifference(kinds[key], input=True) for key in changed})


def with_replacements(difference: Difference, paths: Iterable[str], *, init_errors: bool = False) -> Difference:
    """The difference with `replaceOnChanges` applied: a change at or under one of `paths` requires a replacement.

    Raises:
        PathError: a path can't be read.
    """
    if difference.changes != "some" and not init_errors:
        return difference
    wanted = [parse_property_path(path) for path in paths]
    detailed = difference.detailed
    if detailed is not None:
        detailed = {path: _forced(item) if covered(wanted, path) else item for path, item in detailed.items()}
    replaces = dict.fromkeys([*difference.replaces, *(key for key in difference.changed if covered(wanted, key))])
    failed_initialization = init_errors and covered(wanted, "#initerror")
    return replace(
        difference,
        changes="some" if failed_initialization else difference.changes,
        detailed=detailed,
        replaces=(*replaces, "#initerror") if failed_initialization else tuple(replaces),
    )


def _forced(item: PropertyDifference) -> PropertyDifference:
    return item if item.kind.endswith("-replace") else replace(item, kind=f"{item.kind}-replace")


def covered(wanted: Sequence[Sequence[PathElement]], path: str) -> bool:
    """Whether a path is at or under one of the wanted paths; `*` matches any element."""
    try:
        elements = parse_property_path(path)
    except PathError:
        return False
    return any(
        len(prefix) <= len(elements) and all(want in ("*", have) for want, have in zip(prefix, elements, strict=False)) for prefix in wanted
    )


def with_ignored(inputs: Properties, old: Properties, paths: Iterable[str]) -> tuple[Properties, list[str]]:
    """The inputs with the old values at the ignored paths, and the paths that could not be applied."""
    unmatched = []
    for text in paths:
        try:
            inputs = _reset(inputs, old, parse_property_path(text))
        except PathError:
            unmatched.append(text)
    return inputs, unmatched


def _reset(inputs: Value, old: Value, path: Sequence[PathElement]) -> Value:
    if not path:
        return old
    if isinstance(inputs, property_values.Secret) or isinstance(old, property_values.Secret):
        # What is beside the path stays a secret, and what is taken from a secret is one.
        return property_values.secret(_reset(_opened(inputs), _opened(old), path))
    if path[0] == "*":
        for element in _elements(inputs, old):
            inputs = _reset(inputs, old, (element, *path[1:]))
        return inputs
    if len(path) > 1:
        below, above = get_at(inputs, path[:1]), get_at(old, path[:1])
        if below[0] != above[0]:
            raise PathError("only one side has it")
        return set_at(inputs, path[:1], _reset(below[1], above[1], path[1:])) if below[0] else inputs
    found, value = get_at(old, path)
    return set_at(inputs, path, value) if found else remove_at(inputs, path)


def _opened(value: Any) -> Any:
    return value.value if isinstance(value, property_values.Secret) else value


def _elements(inputs: Value, old: Value) -> list[PathElement]:
    if isinstance(inputs, dict) and isinstance(old, dict):
        return list(dict.fromkeys([*inputs, *old]))
    if isinstance(inputs, list) and isinstance(old, list) and len(inputs) == len(old):
        return list(range(len(inputs)))
    raise PathError("`*` matches neither a map nor two lists of equal length")
