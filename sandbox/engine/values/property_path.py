"""Paths into structured values, as `--path` takes them: `root.nested["quoted key"][2]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

PathElement = str | int


class PathError(UsageError):
    """A property path can't be read, or does not match the value it points into."""


def parse_property_path(path: str) -> tuple[PathElement, ...]:
    """The keys (text) and indices (numbers) of a path.

    Raises:
        PathError: brackets or quotes are not closed, an index is not a number, or a dot is followed by nothing.
    """
    if path.startswith("."):
        raise PathError(f"property path {path!r}: expected it to start with a name or index")
    elements: list[PathElement] = []
    at = 0
    while at < len(path):
        if path[at] == ".":
            at += 1
            if at == len(path):
                raise PathError(f"property path {path!r}: expected it to end with a name or index")
        elif path.startswith('["', at):
            name, at = _quoted(path, at + 2)
            elements.append(name)
        elif path[at] == "[":
            index, at = _index(path, at + 1)
            elements.append(index)
        else:
            end = min((found for found in (path.find(".", at), path.find("[", at)) if found >= 0), default=len(path))
            elements.append(path[at:end])
            at = end
    return tuple(elements)


def _quoted(path: str, at: int) -> tuple[str, int]:
    name: list[str] = []
    while at < len(path) and path[at] != '"':
        if path.startswith('\\"', at):
            at += 1
        name.append(path[at])
        at += 1
    if at >= len(path):
        raise PathError(f"property path {path!r}: missing closing quote in property name")
    if not path.startswith("]", at + 1):
        raise PathError(f"property path {path!r}: missing closing bracket in property access")
    return "".join(name), at + 2


def _index(path: str, at: int) -> tuple[PathElement, int]:
    end = path.find("]", at)
    if end < 0:
        raise PathError(f"property path {path!r}: missing closing bracket in array index")
    segment = path[at:end]
    if segment == "*":
        return "*", end + 1
    if not segment.removeprefix("-").isdecimal():
        raise PathError(f"property path {path!r}: invalid array index {segment!r}")
    return int(segment), end + 1


def get_at(value: Any, path: Sequence[PathElement]) -> tuple[bool, Any]:
    """(found, value) at a path."""
    for element in path:
        fits = isinstance(element, str) if isinstance(value, dict) else isinstance(value, list) and isinstance(element, int)
        if not fits or (element not in value if isinstance(value, dict) else not 0 <= int(element) < len(value)):
            return False, None
        value = value[element]
    return True, value


def set_at(value: Any, path: Sequence[PathElement], new: Any, *, above: str = "") -> Any:
    """A copy of `value` with `new` at a path; missing maps and lists on the way are created.

    `above` names what holds the value, for errors. An index may be at most the list's length: that appends.

    Raises:
        PathError: a key meets a list, an index meets a map, or the index is beyond the end.
    """
    if not path:
        return new
    element, rest = path[0], path[1:]
    if value is None:
        # As in the CLI, a list created for an index is as long as the index requires.
        value = [None] * element if isinstance(element, int) else {}
    here = f"{above}[{element}]" if isinstance(element, int) else f"{above}.{element}".lstrip(".")
    if isinstance(value, list):
        return _set_item(value, element, rest, new, here)
    if not isinstance(value, dict):
        raise PathError(f"{above}: expected {'an array' if isinstance(element, int) else 'a map'}, found {value!r}")
    if not isinstance(element, str):
        raise PathError(f"{here}: key for a map must be a string")
    if not rest and not value and element == "secure" and isinstance(new, str):
        raise PathError(f'{here}: maps with the single key "secure" are reserved; choose another name')
    return {**value, element: set_at(value.get(element), rest, new, above=here)}


def _set_item(items: list[Any], element: PathElement, rest: Sequence[PathElement], new: Any, here: str) -> list[Any]:
    if not isinstance(element, int):
        raise PathError(f"{here}: key for an array must be an int")
    if not 0 <= element <= len(items):
        raise PathError(f"{here}: array index out of range; the array has {len(items)} items")
    grown = [*items, None] if element == len(items) else list(items)
    grown[element] = set_at(grown[element], rest, new, above=here)
    return grown


def remove_at(value: Any, path: Sequence[PathElement]) -> Any:
    """A copy of `value` without the element at a path; a missing element is ignored.

    Raises:
        PathError: the rest would be a map with the single key `secure`, which would read as a secret.
    """
    found, _ = get_at(value, path)
    if not found or not path:
        return value
    element, rest = path[0], path[1:]
    if rest:
        return set_at(value, (element,), remove_at(value[element], rest))
    if isinstance(value, list):
        return [item for index, item in enumerate(value) if index != element]
    left = {key: item for key, item in value.items() if key != element}
    if set(left) == {"secure"} and isinstance(left["secure"], str):
        raise PathError('maps with the single key "secure" are reserved; remove the whole map instead')
    return left
