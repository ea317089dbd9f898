"""What local Azure remembers: JSON documents under keys, in SQLite, acknowledged only once they are written."""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Document = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (kind, key)
);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""
# Keys that begin with a prefix, by the index on (kind, key): substr() would look at every document of the kind.
_UNDER = "kind = ? AND key >= ? AND key < ?"
_LAST = "\U0010ffff"


class Store:
    """Documents by kind and key. Keys are compared as they are: callers fold case where Azure does.

    WAL with synchronous=NORMAL keeps every committed transaction when the process is killed at any moment
    (https://sqlite.org/pragma.html#pragma_synchronous); only a power cut could lose the last ones.
    """

    def __init__(self, path: Path | None) -> None:
        """Open the database at `path`, or one in memory when it is None."""
        # Handed from the thread that builds the world to the one that serves it; one at a time ever uses it.
        self._db = sqlite3.connect(str(path) if path else ":memory:", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All the writes inside happen, or none: on an error everything is undone and the error goes on."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def get(self, kind: str, key: str) -> Document | None:
        """The document, or None."""
        row = self._db.execute("SELECT body FROM documents WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return json.loads(row[0]) if row else None

    def put(self, kind: str, key: str, body: Document) -> None:
        """Write a document; one that exists keeps its place in lists."""
        self._db.execute(
            "INSERT INTO documents (kind, key, body) VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
            (kind, key, json.dumps(body, separators=(",", ":"))),
        )

    def delete(self, kind: str, key: str) -> None:
        """Remove a document; one that is not there is no error."""
        self._db.execute("DELETE FROM documents WHERE kind = ? AND key = ?", (kind, key))

    def list(self, kind: str, prefix: str = "") -> list[Document]:
        """The documents of a kind whose keys begin with `prefix`, oldest first."""
        rows = self._db.execute(f"SELECT body FROM documents WHERE {_UNDER} ORDER BY seq", (kind, prefix, prefix + _LAST))  # noqa: S608
        return [json.loads(body) for (body,) in rows]

    def count(self, kind: str, prefix: str = "") -> int:
        """How many documents of a kind have keys that begin with `prefix`."""
        row = self._db.execute(f"SELECT COUNT(*) FROM documents WHERE {_UNDER}", (kind, prefix, prefix + _LAST)).fetchone()  # noqa: S608
        return int(row[0])

    def delete_under(self, kind: str, prefix: str) -> None:
        """Remove all documents of a kind whose keys begin with `prefix`."""
        self._db.execute(f"DELETE FROM documents WHERE {_UNDER}", (kind, prefix, prefix + _LAST))  # noqa: S608

    def count_up(self, name: str, *, start: int = 0, by: int = 1) -> int:
        """The next value of a counter that never goes back."""
        row = self._db.execute(
            "INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + ? RETURNING value",
            (name, start + by, by),
        ).fetchone()
        return int(row[0])

    def clear(self, *, keep: tuple[str, ...] = ()) -> None:
        """Forget everything but the kinds in `keep`. Counters go on, so that no etag ever comes twice."""
        marks = ",".join("?" * len(keep))
        self._db.execute(f"DELETE FROM documents WHERE kind NOT IN ({marks})", keep)  # noqa: S608 - only question marks are put in
