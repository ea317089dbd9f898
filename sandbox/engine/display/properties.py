"""Property values and their differences as the CLI prints them."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.engine.state.deployment import encoded_value
from sandbox.engine.state.transfer import mapped_secrets
from sandbox.engine.values.property_values import SIGNATURE, UNKNOWN_TEXT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Side = dict[str, Any]
_LINES = 3
_CONTEXT = 2
_LINE_LENGTH = 150


@dataclass(frozen=True)
class Hidden:
    """A secret; equal to another if their values are equal."""

    value: str


def properties(metadata: Mapping[str, Any], states: tuple[Any, Any], *, new: bool, kind: str) -> Side:
    """The `inputs` or `outputs` of a step's old or new state; secrets are Hidden, internal ones (`__…`) left out."""
    resource = states[1 if new else 0]
    if resource is not None:
        found = encoded_value(dict(getattr(resource, kind)), lambda secret: _hidden(encoded_value(secret.value, lambda inner: inner.value)))
    else:
        side = metadata.get("new" if new else "old") or {}
        found = mapped_secrets(side.get(kind) or {}, lambda mark: Hidden(json.dumps(mark)))
    return {key: value for key, value in found.items() if not key.startswith("__")}


def _hidden(value: Any) -> Hidden:
    return Hidden(json.dumps(value, sort_keys=True))


def short_difference(old: Side, new: Side, include: list[str] | None) -> str:
    """`diff: +added-removed~changed`, or empty if nothing differs; `include` names the properties that the provider reported."""

    def listed(mark: str, keys: set[str]) -> str:
        chosen = sorted(key for key in keys if not include or key in include)
        return mark + ",".join(chosen) if chosen else ""

    changed = {key for key in old.keys() & new.keys() if old[key] != new[key]}
    text = listed("+", new.keys() - old.keys()) + listed("-", old.keys() - new.keys()) + listed("~", changed)
    return f"diff: {text}" if text else ""


def without_pending(old: Side, new: Side) -> tuple[Side, Side]:
    """Both sides without values that are unknown in the new one: a preview can't know whether they change."""
    left = {key: value for key, value in old.items() if new.get(key) != UNKNOWN_TEXT}
    right = {key: value for key, value in new.items() if key not in old or value != UNKNOWN_TEXT}
    for key in left.keys() & right.keys():
        if _is_map(left[key]) and _is_map(right[key]):
            left[key], right[key] = without_pending(left[key], right[key])
    return left, right


class Printer:
    """Prints values and differences as lines, four spaces a level; change marks are in the two columns before a name."""

    def __init__(self, *, show_secrets: bool = False) -> None:
        self.lines: list[str] = []
        self._show_secrets = show_secrets

    def values(self, found: Side, level: int, mark: str = "  ", *, without: Collection[str] = ()) -> None:
        """Every property of a side; `without` names some to leave out."""
        width = max(map(len, found), default=0)
        for key in sorted(found.keys() - set(without)):
            self._value(key.ljust(width), found[key], level, mark)

    def difference(self, old: Side, new: Side, level: int, *, sames: bool = False, without: Collection[str] = ()) -> None:
        """The differences between two sides, and with `sames` equal values too; `without` names properties to leave out."""
        every = sorted(old.keys() | new.keys())
        width = max(map(len, every), default=0)
        for key in every:
            if key in without or (not sames and key in old and key in new and old[key] == new[key]):
                continue
            title = key.ljust(width)
            if key not in old:
                self._value(title, new[key], level, "+ ")
            elif key not in new:
                self._value(title, old[key], level, "- ")
            elif old[key] == new[key]:
                self._value(title, new[key], level, "  ")
            else:
                self._change(title, old[key], new[key], level)

    def _change(self, title: str, old: Any, new: Any, level: int) -> None:
        if _is_map(old) and _is_map(new):
            self._line(level, "~ ", f"{title}: {{")
            self.difference(old, new, level + 1)
            self._line(level, "  ", "}")
        elif isinstance(old, list) and isinstance(new, list):
            self._line(level, "~ ", f"{title}: [")
            numbered = {f"[{n}]": value for n, value in enumerate(old)}, {f"[{n}]": value for n, value in enumerate(new)}
            self.difference(*numbered, level + 1)
            self._line(level, "  ", "]")
        elif isinstance(old, str) and isinstance(new, str) and "\n" in old + new:
            self._line(level, "~ ", f"{title}:")
            self._text(old.split("\n"), new.split("\n"), level + 1)
        elif _is_map(old) or isinstance(old, list) or _is_map(new) or isinstance(new, list):
            self._value(title, old, level, "- ")
            self._value(title, new, level, "+ ")
        else:
            self._line(level, "~ ", f"{title}: {self._plain(old)} => {self._plain(new)}")

    def _text(self, old: list[str], new: list[str], level: int) -> None:
        """A line diff of two texts: removed lines, added lines, and some context."""
        changes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        for number, (tag, start, end, new_start, new_end) in enumerate(changes):
            if tag == "equal":
                self._lines(_around(old[start:end], first=number == 0, last=number == len(changes) - 1), level, "  ")
            else:
                self._lines(old[start:end], level, "- ")
                self._lines(new[new_start:new_end], level, "+ ")

    def _lines(self, lines: list[str], level: int, mark: str) -> None:
        for line in lines:
            if line.strip():
                self._line(level, mark, line)

    def _value(self, title: str, value: Any, level: int, mark: str) -> None:
        if _is_map(value) and value:
            self._line(level, mark, f"{title}: {{")
            self.values({key: item for key, item in value.items() if not key.startswith("__")}, level + 1, mark)
            self._line(level, "  ", "}")
        elif isinstance(value, list) and value:
            self._line(level, mark, f"{title}: [")
            self.values({f"[{number}]": item for number, item in enumerate(value)}, level + 1, mark)
            self._line(level, "  ", "]")
        else:
            self._line(level, mark, f"{title}: {self._plain(value)}")

    def _plain(self, value: Any) -> str:
        if isinstance(value, Hidden):
            return value.value if self._show_secrets else "[secret]"
        if value == UNKNOWN_TEXT:
            return "[unknown]"
        if value is None:
            return "<null>"
        if isinstance(value, dict) and SIGNATURE in value:
            return f"asset({value.get('path') or value.get('uri') or 'text'})"
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return json.dumps(_shortened(value) if isinstance(value, str) else value, ensure_ascii=False)

    def _line(self, level: int, mark: str, text: str) -> None:
        self.lines.append(f"{'    ' * level}"[:-2] + f"{mark}{text}")


def _around(lines: list[str], *, first: bool, last: bool) -> list[str]:
    """Unchanged lines next to a change: two on each side."""
    shown = [line for line in lines if line.strip()]
    if len(shown) <= _CONTEXT * (2 - first - last) + 1:
        return shown
    return [*([] if first else shown[:_CONTEXT]), "...", *([] if last else shown[-_CONTEXT:])]


def _shortened(text: str) -> str:
    """The first three lines of a text, each cut at 150 characters, as the CLI shows it."""
    lines = text.split("\n")
    kept = [f"{line[:_LINE_LENGTH]}..." if len(line) > _LINE_LENGTH else line for line in lines[:_LINES]]
    return "\n".join([*kept, "..."] if len(lines) > _LINES else kept)


def _is_map(value: Any) -> bool:
    return isinstance(value, dict) and SIGNATURE not in value
