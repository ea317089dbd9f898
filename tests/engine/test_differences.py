"""Differences, and how resource options change them."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.engine.providers import differences
from sandbox.engine.providers.differences import Difference, PropertyDifference
from sandbox.engine.values import property_values


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a", {"a": 1, "b": 20}),
        ("b", {"a": 10, "b": 2}),
        ("c", {"a": 10, "b": 20}),
        ("*", {"a": 1, "b": 2}),
    ],
)
def test_ignored_paths_keep_their_old_values(path: str, expected: dict[str, int]) -> None:
    """Ignored properties get their old values; others are unchanged."""
    assert differences.with_ignored({"a": 10, "b": 20}, {"a": 1, "b": 2}, [path])[0] == expected


def test_ignoring_reaches_into_maps_and_lists() -> None:
    """A path may lead into nested values, also inside a secret."""
    new: dict[str, Any] = {"m": {"x": 10, "y": 20}, "l": [{"k": 10}, {"k": 20}]}
    old: dict[str, Any] = {"m": {"x": 1, "y": 2}, "l": [{"k": 1}, {"k": 2}]}
    found, unfit = differences.with_ignored(new, old, ["m.x", "l[*].k"])
    assert (found, unfit) == ({"m": {"x": 1, "y": 20}, "l": [{"k": 1}, {"k": 2}]}, [])


@pytest.mark.parametrize("path", ["m.x", "m.none", "m.l[0].k", "m.*"])
def test_ignoring_within_a_secret_leaves_it_one(path: str) -> None:
    """What is beside the path was a secret too, and so is what the old value was taken from."""
    new: dict[str, Any] = {"m": property_values.secret({"x": 10, "key": "new", "l": [{"k": 1}]}), "beside": 1}
    old: dict[str, Any] = {"m": {"x": 1, "key": "old", "l": property_values.secret([{"k": 2}])}, "beside": 2}
    found, unfit = differences.with_ignored(new, old, [path])
    assert unfit == []
    assert (type(found["m"]), found["beside"]) == (property_values.Secret, 1)
    swapped, _ = differences.with_ignored({"m": old["m"]}, {"m": new["m"]}, [path])
    assert type(swapped["m"]) is property_values.Secret


def test_an_ignored_addition_is_left_out() -> None:
    """A property that was not there before is not added while it is ignored."""
    assert differences.with_ignored({"a": 1, "b": 2}, {"a": 1}, ["b"]) == ({"a": 1}, [])


def test_paths_on_one_side_only_are_reported() -> None:
    """A path that exists on one side only can't be ignored; it is reported."""
    assert differences.with_ignored({"a": {"x": 1}}, {}, ["a.x"])[1] == ["a.x"]


@pytest.mark.parametrize(
    ("paths", "replacing"), [(["size"], True), (["*"], True), (["name"], False), (["labels.k"], False), (["size.deeper"], False)]
)
def test_replace_on_changes_needs_the_provider_to_name_the_path(paths: list[str], replacing: bool) -> None:
    """Only a changed path under one of the wanted ones turns an update into a replacement."""
    found = Difference("some", changed=("size",), detailed={"size": PropertyDifference("update", input=True)})
    assert differences.with_replacements(found, paths).replacing == replacing


def test_without_the_changed_paths_nothing_is_replaced() -> None:
    """A provider that only says "something" does not trigger replaceOnChanges."""
    assert not differences.with_replacements(differences.SOME, ["*"]).replacing


def test_the_plain_comparison_ignores_secretness() -> None:
    """A value that becomes a secret has not changed; an added and a removed one have."""
    found = differences.between({"a": "x", "gone": 1}, {"a": property_values.Secret("x"), "new": 1})
    assert {key: item.kind for key, item in (found.detailed or {}).items()} == {"gone": "delete", "new": "add"}


def test_an_inverted_difference_swaps_added_and_deleted() -> None:
    """A property that only the real resource has counts as added."""
    found = Difference("some", detailed={"a": PropertyDifference("add"), "b": PropertyDifference("delete-replace")}).inverted()
    assert {key: item.kind for key, item in (found.detailed or {}).items()} == {"a": "delete", "b": "add-replace"}
