"""Moves what the store has written from SQLite's log into its database, in a thread of its own.

A commit writes to the end of the log, and waits for no disk. Once the log is long, SQLite makes the commit that finds it so move all of it,
which waits for the disk twice: a tenth of a second and more on a slow one, in which nobody is answered
(https://sqlite.org/wal.html, "Avoiding Excessively Large WAL Files"). A second connection does the same beside the commits.
"""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

_LOOK_SECONDS = 0.25
_LONG = 4 * 1024 * 1024  # bytes of a log that is worth it
_ROUNDS = 20  # each moves what was committed during the one before; the log begins anew once nothing is left


class Checkpoints:
    """The thread, for a `with` block. The store must be open as long as it lasts."""

    def __init__(self, database: Path) -> None:
        """For this database; in memory there is no log."""
        self._database = database
        self._log = database.with_name(f"{database.name}-wal")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        if self._database.exists():
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End, after the checkpoint that goes on."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        connection = sqlite3.connect(self._database)
        try:
            while not self._ended.wait(_LOOK_SECONDS):
                if self._log.exists() and self._log.stat().st_size > _LONG:
                    _move(connection)
        finally:
            connection.close()


def _move(connection: sqlite3.Connection) -> None:
    for _ in range(_ROUNDS):
        _busy, written, moved = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()  # PASSIVE waits for nobody
        if written == moved:
            return
