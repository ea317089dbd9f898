"""`--diff`: every resource that changes, with its properties, in order of events."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from sandbox.engine.display.message import prefixed
from sandbox.engine.display.properties import Printer, properties, without_pending
from sandbox.engine.display.sections import policies, resources
from sandbox.engine.display.stream import write_at_once

if TYPE_CHECKING:
    from sandbox.engine.display.board import Board, Row
    from sandbox.engine.display.stream import Event

_PARTS = ("create-replacement", "delete-replaced", "discard-replaced")


class FullDifferences:
    """Prints each step in full; unchanged resources are left out, except the stack. Warnings and errors go to `err`."""

    def __init__(self, out: TextIO, err: TextIO, board: Board) -> None:
        self._out, self._err, self._board = out, err, board
        self._started: set[str] = set()

    def show(self, event: Event) -> None:
        """Prints the step or message."""
        row = self._board.apply(event)
        if row is None:
            return
        if "resourcePreEvent" in event:
            self._show_start(row)
        elif "resOutputsEvent" in event:
            self._show_end(row)
        elif "diagnosticEvent" in event:
            self._diagnostic(row, event)

    def _show_start(self, row: Row) -> None:
        # The result of a refresh is known only when it has ended.
        if row.operation in (*_PARTS, "refresh") or (row.operation == "same" and not row.is_root):
            return
        self._title(row)
        if not row.is_root:
            self._print(self._properties(row, self._level(row) + 1))

    def _title(self, row: Row) -> None:
        level = self._level(row)
        self._started.add(row.urn)
        lines = [f"{'    ' * level}{row.words.mark}{row.token}: ({row.operation})"]
        identity = (row.metadata().get("old") or {}).get("id")
        lines += [f"{'    ' * (level + 1)}[id={identity}]"] if identity else []
        self._print([*lines, f"{'    ' * (level + 1)}[urn={row.urn}]"])

    def _properties(self, row: Row, level: int) -> list[str]:
        """The properties of a step: all of a new or deleted resource, otherwise what differs and what does not."""
        metadata, printer = row.metadata(), Printer(show_secrets=self._board.options.show_secrets)
        old, new = metadata.get("old"), metadata.get("new")
        sides = {
            (new_side, kind): properties(metadata, row.states, new=new_side, kind=kind)
            for new_side in (False, True)
            for kind in ("inputs", "outputs")
        }
        if old is None:
            printer.values(sides[True, "inputs"], level)
        elif new is None:
            printer.values(sides[False, "inputs"], level)
        elif new.get("outputs"):
            printer.difference(sides[False, "outputs"], sides[True, "outputs"], level, sames=True)
        else:
            printer.difference(sides[False, "inputs"], sides[True, "inputs"], level, sames=True)
        return printer.lines

    def _show_end(self, row: Row) -> None:
        if row.refreshed:
            self._drift(row)
            return
        if row.urn not in self._started or (self._board.options.planned and not row.is_root) or row.operation in _PARTS:
            return
        if not (row.is_root and self._board.options.suppress_outputs):
            self._outputs(row)

    def _drift(self, row: Row) -> None:
        """The result of a refresh: an update in full, otherwise the removed or changed outputs."""
        if row.operation == "update":
            self._show_start(row)
        elif row.operation != "same" or row.is_root:
            metadata, states = row.metadata(), row.states
            changed = any(
                properties(metadata, states, new=False, kind=kind) != properties(metadata, states, new=True, kind=kind)
                for kind in ("inputs", "outputs")
            )
            if changed or row.is_root:
                self._title(row)
                self._outputs(row)
            row.refreshed = False

    def _outputs(self, row: Row) -> None:
        """Print the outputs of a step that has ended."""
        metadata, level, printer = row.metadata(), self._level(row), Printer(show_secrets=self._board.options.show_secrets)
        inputs, new = (properties(metadata, row.states, new=True, kind=kind) for kind in ("inputs", "outputs"))
        # Outputs that equal an input were shown above.
        known = {key for key, value in new.items() if key in inputs and inputs[key] == value}
        if metadata.get("old") is None:
            printer.values(new, level + 1, without=known)
        else:
            old = properties(metadata, row.states, new=False, kind="outputs")
            if row.is_root and self._board.options.planned:
                old, new = without_pending(old, new)
            printer.difference(old, new, level + 1, sames=row.is_root and not self._board.options.planned, without=known)
        if printer.lines:
            self._print([f"{'    ' * (level + 1)}--outputs:--", *printer.lines])

    def _diagnostic(self, row: Row, event: Event) -> None:
        diagnostic = event["diagnosticEvent"]
        if diagnostic.get("severity") in ("warning", "error"):
            self._err.write(f"{prefixed(diagnostic)}\n")
            self._err.flush()
        if diagnostic.get("severity") in ("info", "info#err") and not diagnostic.get("ephemeral"):
            text = prefixed(diagnostic)
            self._print([f"{'    ' * (self._level(row) + 1)}{line}" for line in text.split("\n")] if text else [])

    def _level(self, row: Row) -> int:
        level, parent = 0, row.parent
        while parent in self._board.rows:
            above = self._board.rows[parent]
            level += parent in self._started or above.is_root
            parent = above.parent
        return level

    def _print(self, lines: list[str]) -> None:
        for line in lines:
            self._out.write(f"{line.rstrip()}\n")
        self._out.flush()

    def notice(self, text: str) -> None:
        """Prints a message of the command itself."""
        write_at_once(self._out, text)

    def close(self) -> None:
        """Prints the final sections; outputs were already shown with the stack."""
        self._board.close()
        self._print([*policies(self._board), *resources(self._board)])
