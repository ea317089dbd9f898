"""`preview --json`: the whole plan as one JSON object."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, TextIO

from sandbox.engine.display.message import prefixed
from sandbox.engine.display.stream import STATES, write_at_once
from sandbox.engine.project.config import BLINDED

if TYPE_CHECKING:
    from sandbox.engine.display.board import Board
    from sandbox.engine.display.stream import Event

# A replacement is one step of the plan; its create and delete are not counted.
_PARTS = ("create-replacement", "delete-replaced", "discard-replaced", "read-replacement", "import-replacement")


class Digest:
    """Collects a preview and prints it at the end."""

    def __init__(self, out: TextIO, err: TextIO, board: Board) -> None:
        self._out, self._err, self._board = out, err, board
        self._config: dict[str, str] = {}
        self._steps: list[dict[str, Any]] = []
        self._diagnostics: list[dict[str, str]] = []
        self._started = time.monotonic_ns()

    def show(self, event: Event) -> None:
        """Takes the event in."""
        self._board.apply(event)
        if "preludeEvent" in event:
            self._config = event["preludeEvent"].get("config") or {}
        elif "diagnosticEvent" in event:
            diagnostic = event["diagnosticEvent"]
            if diagnostic.get("severity") != "debug":
                found = {"message": prefixed(diagnostic) + "\n", "severity": str(diagnostic.get("severity", "info"))}
                self._diagnostics.append({"urn": diagnostic["urn"], **found} if diagnostic.get("urn") else found)
        elif "resourcePreEvent" in event:
            body = event["resourcePreEvent"]
            if body["metadata"]["op"] not in _PARTS:
                self._steps.append(_step(body))

    def notice(self, text: str) -> None:
        """Printed to the error output: the standard output is only JSON."""
        write_at_once(self._err, text)

    def close(self) -> None:
        """Prints the plan."""
        whole: dict[str, Any] = {"config": self._config, "steps": self._steps}
        if self._diagnostics:
            whole["diagnostics"] = self._diagnostics
        whole["duration"] = time.monotonic_ns() - self._started
        whole["changeSummary"] = dict(sorted(((self._board.summary or {}).get("resourceChanges") or {}).items()))
        self._out.write(json.dumps(whole, indent=4, ensure_ascii=False) + "\n")
        self._out.flush()


def _step(body: dict[str, Any]) -> dict[str, Any]:
    metadata = body["metadata"]
    step: dict[str, Any] = {"op": metadata["op"], "urn": metadata["urn"]}
    if metadata.get("provider"):
        step["provider"] = metadata["provider"]
    for name, state, known in zip(("oldState", "newState"), body.get(STATES) or (None, None), ("old", "new"), strict=True):
        if state is not None:
            step[name] = state.render(lambda _secret: BLINDED)
        elif metadata.get(known):
            step[name] = metadata[known]
    if metadata.get("diffs"):
        step["diffReasons"] = metadata["diffs"]
    if metadata.get("keys"):
        step["replaceReasons"] = metadata["keys"]
    step["detailedDiff"] = metadata.get("detailedDiff")
    return step
