"""Local Azure's storage: JSON documents under keys, in SQLite. A write is acknowledged only once it is on disk."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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

# Comes after every character that a key may hold. Keys that begin with a prefix are a range from it to it with this behind, so that the
# index finds them: one hub may hold a hundred thousand devices.
_LAST = chr(0x10FFFF)
_WRITER = json.JSONEncoder(separators=(",", ":"))
_LONGEST_LOG = 16_384  # pages of 4 KiB, at which a commit moves them itself; `checkpoints` does it beside the commits, and earlier
_COUNTED = 2500  # documents that are looked into before others have their turn: some ten milliseconds


class Store:
    """Documents by kind and key. Keys are compared as they are: callers fold case where Azure does.

    WAL with synchronous=NORMAL keeps every committed transaction when the process is killed at any moment
    (https://sqlite.org/pragma.html#pragma_synchronous); only a power cut could lose the last ones.
    """

    def __init__(self, path: Path | None) -> None:
        """Open the database at `path`, or one in memory when it is None."""
        # Passed from the thread that sets up local Azure to the one that serves it; only one uses it at a time.
        self._db = sqlite3.connect(str(path) if path else ":memory:", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(f"PRAGMA wal_autocheckpoint={_LONGEST_LOG}")
        self._db.executescript(_SCHEMA)
        self._written: set[str] = set()  # the kinds of the documents that this transaction wrote
        self._watchers: list[tuple[frozenset[str], Callable[[], None]]] = []
        self._after_commit: list[Callable[[], None]] = []

    def watch(self, kinds: frozenset[str], changed: Callable[[], None]) -> None:
        """Call ``changed`` after each transaction that wrote or deleted documents of these kinds, before anybody is told of it."""
        self._watchers.append((kinds, changed))

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit the writes inside together; an error rolls all of them back and is raised again.

        Within another transaction it is part of that one, which can still be rolled back as a whole.
        """
        if self._db.in_transaction:
            with self._part():
                yield
            return
        self._written.clear()
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            self._after_commit.clear()
            raise
        self._db.execute("COMMIT")
        for kinds, changed in self._watchers:
            if kinds & self._written:
                changed()
        due, self._after_commit = self._after_commit, []
        for function in due:
            function()

    @contextmanager
    def _part(self) -> Iterator[None]:
        asked_before = len(self._after_commit)
        self._db.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK TO part")
            del self._after_commit[asked_before:]
            raise
        finally:
            self._db.execute("RELEASE part")

    def after_commit(self, function: Callable[[], None]) -> None:
        """Call ``function`` once the open transaction is committed, never if it is rolled back; without a transaction call it now."""
        if self._db.in_transaction:
            self._after_commit.append(function)
        else:
            function()

    def get(self, kind: str, key: str) -> Document | None:
        """The document, or None."""
        row = self._db.execute("SELECT body FROM documents WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return json.loads(row[0]) if row else None

    def put(self, kind: str, key: str, body: Document) -> None:
        """Write a document; an existing document keeps its position in lists."""
        self._written.add(kind)
        self._db.execute(
            "INSERT INTO documents (kind, key, body) VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
            (kind, key, _WRITER.encode(body)),
        )

    def delete(self, kind: str, key: str) -> None:
        """Delete a document, if it exists."""
        self._written.add(kind)
        self._db.execute("DELETE FROM documents WHERE kind = ? AND key = ?", (kind, key))

    def page(self, kind: str, prefix: str, after: str, limit: int) -> list[tuple[str, Document]]:
        """At most `limit` keys and documents whose keys begin with `prefix` and come after `after`, in the order of the keys."""
        # With two lower bounds SQLite takes one for its search in the index and compares each key from there with the other.
        operator, bound = (">", after) if after >= prefix else (">=", prefix)
        rows = self._db.execute(
            f"SELECT key, body FROM documents WHERE kind = ? AND key {operator} ? AND key < ? ORDER BY key LIMIT ?",  # noqa: S608 - ours
            (kind, bound, prefix + _LAST, limit),
        )
        return [(key, json.loads(body)) for key, body in rows.fetchall()]

    def documents(self, kind: str, prefix: str, after: str = "", size: int = 500) -> Iterator[tuple[str, Document]]:
        """The documents that `page` finds, page after page. What is written behind the current page meanwhile is among them."""
        while rows := self.page(kind, prefix, after, size):
            yield from rows
            after = rows[-1][0]

    def list(self, kind: str, prefix: str = "") -> list[Document]:
        """The documents of a kind whose keys begin with `prefix`, oldest first."""
        rows = self._db.execute(
            "SELECT body FROM documents WHERE kind = ? AND key >= ? AND key < ? ORDER BY seq", (kind, prefix, prefix + _LAST)
        )
        return [json.loads(body) for (body,) in rows]

    def count(self, kind: str, prefix: str = "") -> int:
        """How many documents of a kind have keys that begin with `prefix`."""
        return int(
            self._db.execute(
                "SELECT COUNT(*) FROM documents WHERE kind = ? AND key >= ? AND key < ?", (kind, prefix, prefix + _LAST)
            ).fetchone()[0]
        )

    async def count_by(self, kind: str, prefix: str, member: str) -> dict[str, int]:
        """How often each value of a member occurs in the documents of a kind whose keys begin with `prefix`. Not within a transaction.

        An object's value is its JSON. Others have their turn while it counts, so what they write may be counted or not.
        """
        found: dict[str, int] = {}
        after, more = prefix, True
        while more:
            rows = self._db.execute(
                "SELECT json_extract(body, ?), COUNT(*), MAX(key) FROM "
                "(SELECT key, body FROM documents WHERE kind = ? AND key > ? AND key < ? ORDER BY key LIMIT ?) GROUP BY 1",
                (f"$.{member}", kind, after, prefix + _LAST, _COUNTED),
            ).fetchall()
            for value, number, _ in rows:
                found[value] = found.get(value, 0) + number
            more = sum(number for _, number, _ in rows) == _COUNTED
            after = max((last for _, _, last in rows), default=after)
            if more:
                await asyncio.sleep(0)
        return found

    def delete_under(self, kind: str, prefix: str, most: int | None = None) -> int:
        """Delete the documents of a kind whose keys begin with `prefix`, at most so many; returns how many. Thousands take a while."""
        self._written.add(kind)
        found, bounds = "kind = ? AND key >= ? AND key < ?", (kind, prefix, prefix + _LAST)
        if most is None:  # the quick way: a device that is deleted takes it four times
            return self._db.execute(f"DELETE FROM documents WHERE {found}", bounds).rowcount  # noqa: S608 - ours
        some = f"SELECT seq FROM documents WHERE {found} LIMIT ?"  # noqa: S608 - ours
        return self._db.execute(f"DELETE FROM documents WHERE seq IN ({some})", (*bounds, most)).rowcount  # noqa: S608 - ours

    def next_number(self, name: str, *, start: int = 0, by: int = 1) -> int:
        """The next value of a counter that never goes back."""
        row = self._db.execute(
            "INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + ? RETURNING value",
            (name, start + by, by),
        ).fetchone()
        return int(row[0])

    def clear(self, *, keep: tuple[str, ...] = ()) -> None:
        """Delete everything but the kinds in `keep`. Counters go on, so that no etag is used twice."""
        self._written.update(kind for kinds, _ in self._watchers for kind in kinds)
        kind = ""
        # One step of the index for each kind: those that are kept may have a million documents.
        while row := self._db.execute("SELECT kind FROM documents WHERE kind > ? ORDER BY kind LIMIT 1", (kind,)).fetchone():
            kind = row[0]
            if kind not in keep:
                self._db.execute("DELETE FROM documents WHERE kind = ?", (kind,))
