"""Local Azure's storage: pages are one search of the index, wherever they begin."""

from __future__ import annotations

import itertools

import pytest

from local_azure_iot.store import Store


@pytest.fixture
def store() -> Store:
    """A store with the devices of two hubs, and a hub between them without any."""
    opened = Store(None)
    with opened.transaction():
        for hub, number in itertools.product(("a", "c"), range(50)):
            opened.put("device", f"{hub}/{number:02}", {"hub": hub, "number": number})
    return opened


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
