"""The run as plain lines: for logs, pipes and NO_COLOR."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from sandbox.engine.display.message import prefixed
from sandbox.engine.display.properties import properties, short_difference
from sandbox.engine.display.sections import final_sections
from sandbox.engine.display.stream import write_at_once

if TYPE_CHECKING:
    from sandbox.engine.display.board import Board, Row
    from sandbox.engine.display.stream import Event

_SHOWN_STEPS = ("resourcePreEvent", "resOutputsEvent", "resOpFailedEvent")


class PlainLines:
    """One line when an operation begins and one when it ends; in a preview one for each operation."""

    def __init__(self, out: TextIO, board: Board) -> None:
        self._out, self._board = out, board

    def show(self, event: Event) -> None:
        """Prints a line for the event, if it changes what the user should know."""
        row = self._board.apply(event)
        if row is None:
            return
        line = ""
        if "diagnosticEvent" in event:
            line = self._diagnostic(event)
        elif any(kind in event for kind in _SHOWN_STEPS):
            line = self._operation(row, began="resourcePreEvent" in event)
        if line:
            self._out.write(f"{line}\n")
            self._out.flush()

    def _diagnostic(self, event: Event) -> str:
        diagnostic = event["diagnosticEvent"]
        if diagnostic.get("severity") in ("debug", "error"):
            # Errors are shown in full under Diagnostics; here the line of the operation shows that it failed.
            return ""
        row = self._board.row(diagnostic.get("urn", ""))
        text = prefixed(diagnostic).split("\n")[0]
        return f"    {row.type} {row.name}  {text}".rstrip() if text else ""

    def _operation(self, row: Row, *, began: bool) -> str:
        if row.operation == "same" and not row.failed:
            return ""
        if self._board.options.planned and not began and not row.failed and not row.read_now:
            return ""
        if row.operation == "refresh" and not began:
            return ""
        status = self._board.status(row)
        status = f"**{status}**" if row.failed else status
        line = f" {row.words.mark} {row.type} {row.name} {status}{information(row)}"
        if row.is_root and not began and not self._board.options.planned and row.operation not in ("create", "delete"):
            return ""
        return line.rstrip()

    def notice(self, text: str) -> None:
        """Prints a message of the command itself."""
        write_at_once(self._out, text)

    def close(self) -> None:
        """Prints interrupted operations and the final sections."""
        self._board.close()
        for row in self._board.rows.values():
            if row.interrupted:
                self.notice(f" {row.words.mark} {row.type} {row.name} **{self._board.status(row)}**")
        lines = final_sections(self._board)
        self._out.write("\n".join(["", *lines]).rstrip("\n") + "\n\n")
        self._out.flush()


def information(row: Row) -> str:
    """The changes of a row: ` [diff: ~value]`. What a refresh changes is known when it has ended, and then has another operation."""
    metadata = row.steps.get("replace") if row.operation in ("create-replacement", "delete-replaced") else None
    metadata = metadata or row.metadata()
    if row.operation in ("same", "refresh") or not metadata.get("old") or not metadata.get("new"):
        return ""
    (old_in, old_out), (new_in, new_out) = (
        [properties(metadata, row.states, new=side, kind=kind) for kind in ("inputs", "outputs")] for side in (False, True)
    )
    # Drift is in the outputs, not the inputs: a refresh finds changed outputs, an update corrects them.
    drifted = (old_out, new_out) if row.refreshed else ({key: old_out[key] for key in new_in if key in old_out}, new_in)
    for old, new in ((old_in, new_in), drifted if drifted[0] else ({}, {})):
        if text := short_difference(old, new, metadata.get("diffs")):
            return f" [{text}]"
    return ""
