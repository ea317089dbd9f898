"""The live tree as text: which column gets how much of the terminal's width, and what is cut where there is too little."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MARK = 3
_SEPARATOR = re.compile("[:/]")
# Below these widths a column can't be read; what its row says is then left out.
_LEAST_NAME, _LEAST_INFO = 6, 8
# What a type and a name keep before the messages beside them get anything, and what these are then given.
_READABLE_TYPE, _READABLE_NAME, _SHORT_INFO = 30, 16, 16


@dataclass(frozen=True)
class Cells:
    """What one row says: the sign of its operation, its place in the tree, and its columns; `colour` is that of sign and status."""

    mark: str
    branch: str
    type: str
    name: str
    status: str
    info: Text
    colour: str = "default"


@dataclass(frozen=True)
class Widths:
    """The width of each column but the first, in cells of the terminal; 0 where it is left out. `gap` is between two columns."""

    type: int
    name: int
    status: int
    info: int
    gap: int = 1

    @property
    def total(self) -> int:
        """The width of a row."""
        return _MARK + sum(self.gap + column for column in (self.type, self.name, self.status, self.info) if column)


def fitted(wanted: Widths, width: int) -> Widths:
    """The widths that fit: sign and status are kept as long as there is room, then the type, the name, and messages last."""
    if wanted.total + 4 <= width:
        return Widths(wanted.type, wanted.name, wanted.status, wanted.info, gap=2)
    if wanted.total <= width:
        return wanted
    status = min(wanted.status, max(0, width - _MARK - 1))
    room = max(0, width - _MARK - (status + 1 if status else 0))  # for the rest, each column with the gap before it
    readable = min(wanted.type, _READABLE_TYPE) + min(wanted.name, _READABLE_NAME) + 2
    info = min(wanted.info, max(room - wanted.type - wanted.name - 3, min(_SHORT_INFO, room - readable - 1)))
    if info < min(_LEAST_INFO, wanted.info):
        info = 0
    room -= info + 1 if info else 0
    name = min(wanted.name, max(room - wanted.type - 2, (room - 2) * 2 // 5))
    if name < min(_LEAST_NAME, wanted.name):
        name = 0
    return Widths(min(wanted.type, max(0, room - 1 - (name + 1 if name else 0))), name, status, info)


def lines(rows: Sequence[Cells], width: int) -> list[Text]:
    """A heading and a line for each row, none longer than `width`; nothing for no rows."""
    if not rows:
        return []
    heading = Cells("", "", "Type", "Name", "Status", Text("Info"))
    everything = (heading, *rows)
    wanted = Widths(
        max(cell_len(row.branch) + cell_len(_printable(row.type)) for row in everything),
        max(cell_len(_printable(row.name)) for row in everything),
        max(cell_len(row.status) for row in everything),
        max(cell_len(_printable(row.info.plain)) for row in everything) if any(row.info.plain for row in rows) else 0,
    )
    widths = fitted(wanted, width)
    return [_line(row, widths, width, bold=row is heading) for row in everything]


def _line(row: Cells, widths: Widths, width: int, *, bold: bool) -> Text:
    branch = "".join(reversed(_taken(reversed(row.branch), widths.type // 2 // 3 * 3)))  # its inner levels, of three cells each
    kind = Text.assemble((branch, "dim"), _cut(_printable(row.type), widths.type - cell_len(branch), kept="end"))
    info = row.info.copy()
    info.plain = _printable(info.plain)
    info.truncate(widths.info, overflow="ellipsis")
    line = Text.assemble((f" {row.mark}".ljust(_MARK)[:_MARK], row.colour))
    for cell, column in (
        (kind, widths.type),
        (Text(_cut(_printable(row.name), widths.name, kept="both")), widths.name),
        (Text(_cut(row.status, widths.status, kept="start"), style=row.colour), widths.status),
        (info, widths.info),
    ):
        if column:
            line.append(" " * widths.gap).append_text(cell).append(" " * (column - cell.cell_len))
    found = Text("", style="bold" if bold else "", no_wrap=True, overflow="crop").append_text(line)
    found.rstrip()
    found.truncate(width, overflow="crop")
    return found


def _printable(text: str) -> str:
    """The text without what would move the cursor: a name may hold anything."""
    return text if text.isprintable() else "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def _cut(text: str, width: int, *, kept: str) -> str:
    """The text in at most `width` cells. The end of a type and both ends of a name tell one from another."""
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    room = {"start": width - 1, "both": width // 2, "end": 0}[kept]
    start = "".join(_taken(text, room))
    end = "".join(reversed(_taken(reversed(text), width - 1 - cell_len(start)))) if kept != "start" else ""
    if kept == "end" and (separator := _SEPARATOR.search(end)):
        end = end[separator.start() :]  # whole words: `…:VerifiedCertificate`
    return f"{start}…{end}"


def _taken(characters: Iterable[str], room: int) -> list[str]:
    found: list[str] = []
    for each in characters:
        room -= cell_len(each)
        if room < 0:
            break
        found.append(each)
    return found
