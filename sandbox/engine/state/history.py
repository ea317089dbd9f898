"""The history of a stack: each run with its time and result, the state after it, and a backup of that state."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.engine.state.backend import FileBackend, StackRef

KINDS = {"up": "update", "refresh": "refresh", "destroy": "destroy"}


@dataclass(frozen=True)
class UpdateInfo:
    """One run that could change the stack. Times are whole seconds since 1970; `config` is as settings hold it, secrets encrypted."""

    verb: str
    start: int
    end: int
    succeeded: bool
    config: Mapping[str, Any]
    changes: Mapping[str, int]
    environment: Mapping[str, str]
    message: str = ""

    def to_json(self) -> dict[str, Any]:
        """The update as the DIY backend's history files hold it."""
        found = {
            "kind": KINDS[self.verb],
            "startTime": self.start,
            "message": self.message,
            "environment": dict(self.environment),
            "config": dict(self.config),
            "version": 0,
            "result": "succeeded" if self.succeeded else "failed",
            "endTime": self.end,
        }
        if self.changes:
            found["resourceChanges"] = dict(sorted(self.changes.items()))
        return found


def add_to_history(backend: FileBackend, ref: StackRef, update: UpdateInfo, nanoseconds: int) -> None:
    """Writes the update, the state after it and a backup of that state; `nanoseconds` since 1970 name the files.

    Raises:
        OSError: it can't be written; the state itself is unchanged.
    """
    stem = backend.folder("history", ref) / f"{ref.name}-{nanoseconds}"
    backend.write(stem.with_name(f"{stem.name}.history.json"), json.dumps(update.to_json(), separators=(",", ":")).encode())
    backend.keep(ref, stem.with_name(f"{stem.name}.checkpoint.json"))
    backend.keep(ref, backend.folder("backups", ref) / f"{ref.name}.{nanoseconds}.json")
