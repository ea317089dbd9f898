"""The run as a live tree: each resource with its operation, its time and its last message, redrawn as the run proceeds."""

from __future__ import annotations

import textwrap
import threading
from typing import TYPE_CHECKING, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from sandbox.engine.display.columns import Cells, lines
from sandbox.engine.display.message import prefixed
from sandbox.engine.display.plain import information
from sandbox.engine.display.sections import counts, final_sections

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sandbox.engine.display.board import Board, Row
    from sandbox.engine.display.stream import Event

_FRAMES_PER_SECOND = 8
_COLOURS = {"Diagnostics:": "bold", "Outputs:": "bold", "Resources:": "bold", "Policies:": "bold", "Duration:": "bold"}


class LiveTree:
    """Draws the tree on a terminal during the run, and once more at its end."""

    def __init__(self, out: TextIO, board: Board, headline: str) -> None:
        self._board = board
        self._lock = threading.Lock()
        self._console = Console(file=out, highlight=False)
        self._headline = headline
        self._notices: list[str] = []
        self._live = Live(
            get_renderable=self._frame, console=self._console, refresh_per_second=_FRAMES_PER_SECOND, redirect_stdout=False,
            redirect_stderr=False, vertical_overflow="crop",
        )  # fmt: skip
        self._live.start()

    def show(self, event: Event) -> None:
        """Processes the event; the next frame shows it."""
        with self._lock:
            self._board.apply(event)

    def notice(self, text: str) -> None:
        """Shows a message of the command itself below the rows."""
        # Without the lock: the signal handler may have interrupted its holder.
        self._notices.append(text)

    def close(self) -> None:
        """Leaves the final tree on the terminal, with the final sections below it."""
        with self._lock:
            self._board.close()
        self._live.transient = True
        self._live.stop()
        self._console.print(self.draw(width=self._console.width, height=None))
        self._console.print()
        title = ""
        for line in final_sections(self._board):
            title = line if line in _COLOURS else title
            fits = title != "Diagnostics:" or len(line) <= self._console.width
            # The terminal's own wrapping keeps text whole for copying; prose is easier to read when wrapped at words.
            self._console.print(_coloured(line) if fits else _folded(line, self._console.width), soft_wrap=True)

    def _frame(self) -> RenderableType:
        with self._lock:
            # The empty line at the end is where the terminal echoes ^C: on a full line it would shift the whole tree.
            return Group(self.draw(width=self._console.width, height=self._console.height), Text(""))

    def draw(self, *, width: int, height: int | None) -> RenderableType:
        """The current tree, no line longer than `width`; with `height`, only the rows that fit, active ones first."""
        rows = self._rows()
        notices = [line for text in self._notices for line in _wrapped(text, width)]
        note = Text("")
        if height is not None and len(rows) > (room := max(3, height - 5 - len(notices))):
            kept = _most_important(rows, room)
            note = _one_line(f"     … and {len(rows) - len(kept)} more, of {len(rows)}", "dim")
            rows = kept
        parts = [_one_line(self._headline, "bold magenta"), *lines([self._cells(branch, row) for branch, row in rows], width)]
        parts += [note] if note else []
        return Group(*parts, *(_one_line(text, "bold yellow") for text in notices))

    def _cells(self, branch: str, row: Row) -> Cells:
        colour = "red" if row.failed or row.interrupted else row.words.colour
        state = self._board.status(row)
        if row.is_root and not self._board.closed and row.operation == "same":
            state = "running"
        if row.failed or row.interrupted:
            state = f"**{state}**"
        return Cells(row.words.mark, branch, row.type, row.name, state, self._information(row), colour)

    def _information(self, row: Row) -> Text:
        text = Text(information(row).strip(), style="dim")
        message = counts(row) if self._board.closed else self._last_message(row)
        if message:
            text.append("; " if text.plain else "")
            text.append(message, style="red" if row.count("error") else "yellow" if row.count("warning") else "default")
        return text

    def _last_message(self, row: Row) -> str:
        errors = [found for found in row.diagnostics if found.get("severity") == "error"]
        shown = errors or [found for found in row.diagnostics if found.get("severity") != "debug"]
        return prefixed(shown[-1]).strip().split("\n")[0] if shown else ""

    def _rows(self) -> list[tuple[str, Row]]:
        """(branch, row) of every row worth showing, children below their parents."""
        shown = self._shown()
        children: dict[str, list[Row]] = {}
        root = next((row.urn for row in shown.values() if row.is_root), "")
        for row in shown.values():
            if row.urn != root:
                children.setdefault(row.parent if row.parent in shown else root, []).append(row)
        found: list[tuple[str, Row]] = [("", shown[root])] if root else []

        def add(parent: str, below: str) -> None:
            inner = children.get(parent, [])
            for number, row in enumerate(inner, 1):
                last = number == len(inner)
                found.append((below + ("└─ " if last else "├─ "), row))
                add(row.urn, below + ("   " if last else "│  "))

        add(root, "")
        return found

    def _shown(self) -> dict[str, Row]:
        """Rows worth showing and their parents."""
        wanted = {row.urn for row in self._board.rows.values() if row.worth_showing}
        for urn in list(wanted):
            parent = self._board.rows[urn].parent
            while parent in self._board.rows and parent not in wanted:
                wanted.add(parent)
                parent = self._board.rows[parent].parent
        return {urn: row for urn, row in self._board.rows.items() if urn in wanted}


def _most_important(rows: list[tuple[str, Row]], room: int) -> list[tuple[str, Row]]:
    """The rows that fit, in tree order: chosen are the stack, failed rows, active rows, then those that ended last."""

    def rank(numbered: tuple[int, tuple[str, Row]]) -> tuple[int, float]:
        _, (_, row) = numbered
        if row.is_root or row.failed:
            return (0, 0.0)
        return (2, -row.ended) if row.ended is not None else (1, 0.0)

    kept = sorted(sorted(enumerate(rows), key=rank)[:room])
    return [row for _, row in kept]


def _one_line(text: str, style: str) -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _wrapped(text: str, width: int) -> list[str]:
    """The lines of a message of the command itself, so that a full screen makes room for all of them."""
    return [part for line in text.split("\n") for part in textwrap.wrap(line, max(1, width)) or [""]]


def _folded(line: str, width: int) -> Text:
    """A long line of prose as a block: its words stay whole, and so do URNs, however long."""
    indent = " " * (len(line) - len(line.lstrip()))
    parts = textwrap.wrap(line.strip(), max(1, width - len(indent)), break_long_words=False, break_on_hyphens=False)
    return Text("\n".join(indent + part for part in parts), style=_coloured(line).style)


def _coloured(line: str) -> Text:
    title, _, rest = line.partition(" ")
    if title in _COLOURS:
        return Text.assemble((title, _COLOURS[title]), f" {rest}" if rest else "")
    mark = line.strip()[:2]
    style = {"+ ": "green", "- ": "red", "~ ": "yellow", "+-": "magenta", "++": "green", "--": "red"}.get(mark, "")
    if line.strip().startswith("error:"):
        style = "red"
    elif line.strip().startswith("warning:"):
        style = "yellow"
    return Text(line, style=style)
