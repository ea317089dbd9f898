"""Local Azure's storage: pages are one search of the index, wherever they begin."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from local_azure_iot.checkpoints import Checkpoints
from local_azure_iot.store import Store
from tests.kit.mqtt_device import until

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store() -> Store:
    """A store with the devices of two hubs, and a hub between them without any."""
    opened = Store(None)
    with opened.transaction():
        for hub, number in itertools.product(("a", "c"), range(50)):
            opened.put("device", f"{hub}/{number:02}", {"hub": hub, "number": number})
    return opened


def test_what_is_cleared_and_what_is_kept(store: Store) -> None:
    """Kinds go as a whole; what stays keeps its order, and what is deleted in chunks goes bit by bit."""
    with store.transaction():
        for kind in ("role", "certificate", "vault"):
            for number in (2, 1):
                store.put(kind, f"a/{number}", {"number": number})
        store.clear(keep=("role", "device"))
    assert [each["number"] for each in store.list("role")] == [2, 1]
    assert [store.count(kind) for kind in ("certificate", "vault", "device")] == [0, 0, 100]
    assert [store.delete_under("device", "a/", 30) for _ in range(3)] == [30, 20, 0]
    assert store.count("device", "c/") == 50


def test_a_long_log_is_moved_beside_the_commits(tmp_path: Path) -> None:
    """The database grows while nobody commits, and has everything after the end."""
    database = tmp_path / "azure.sqlite"
    written = Store(database)
    with Checkpoints(database), written.transaction():
        pass
    with Checkpoints(database):
        with written.transaction():
            for number in range(6000):
                written.put("device", f"a/{number:04}", {"text": "x" * 1000})
        until(lambda: database.stat().st_size > 6_000_000)
    written.close()
    found = Store(database)
    assert found.count("device") == 6000
    found.close()
    assert [each.name for each in tmp_path.iterdir()] == ["azure.sqlite"]


@pytest.mark.parametrize("after", ["", "a/", "a", "a/0", "a/07", "a/30", "a/49", "a/5", "b/", "c/00"])
def test_a_page_has_what_follows(store: Store, after: str) -> None:
    """A page has the keys with its prefix that come after the given one, which may come before them all, or be no key at all."""
    expected = [f"a/{number:02}" for number in range(50) if f"a/{number:02}" > after]
    assert [key for key, _ in store.page("device", "a/", after, 10)] == expected[:10]


def test_a_page_costs_the_same_wherever_it_begins(store: Store) -> None:
    """SQLite does as many steps for the last page as for the first: with two lower bounds it walked from the hub's first key."""

    def steps(after: str) -> int:
        count = itertools.count()
        store._db.set_progress_handler(lambda: next(count) < 0, 1)
        rows = store.page("device", "a/", after, 10)
        store._db.set_progress_handler(None, 1)
        assert len(rows) == 10
        return next(count)

    first, last = steps(""), steps("a/39")
    assert last <= first
