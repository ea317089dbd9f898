"""Paths into structured values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sandbox.engine.values.property_path import PathError, get_at, parse_property_path, remove_at, set_at

NAMES = st.text(min_size=1, max_size=6)
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8)


@pytest.mark.parametrize(
    ("path", "elements"),
    [
        ("root", ("root",)),
        ("root.nested", ("root", "nested")),
        ('root["nested"]', ("root", "nested")),
        ("root.array[0][1].nested", ("root", "array", 0, 1, "nested")),
        ('["key with a ."][100]', ("key with a .", 100)),
        ('root["a \\"quoted\\" key"]', ("root", 'a "quoted" key')),
        ("foo-bar.baz", ("foo-bar", "baz")),
        ("root.array[*].field", ("root", "array", "*", "field")),
        ("", ()),
    ],
)
def test_paths_are_read_as_pulumi_reads_them(path: str, elements: tuple[str | int, ...]):
    """Names, quoted names and indices, in the forms of Pulumi's own documentation."""
    assert elements == parse_property_path(path)


@pytest.mark.parametrize("path", [".a", "a.", 'a["b', 'a["b"', "a[", "a[0", "a[x]", "a[1.5]"])
def test_an_invalid_path_is_refused(path: str):
    """An unclosed bracket or quote, a dot at an end, an index that is not a number."""
    with pytest.raises(PathError):
        parse_property_path(path)


def spelled(path: list[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else '["' + part.replace('"', '\\"') + '"]' for part in path)


@given(st.lists(NAMES | st.integers(0, 99), max_size=5))
def test_a_quoted_path_is_parsed_to_its_elements(path: list[str | int]):
    """Any names can be written, quotes and dots among them."""
    assume(not any(isinstance(part, str) and "\\" in part for part in path))
    assert tuple(path) == parse_property_path(spelled(path))


@given(VALUES, st.lists(NAMES | st.integers(0, 3), min_size=1, max_size=4), LEAVES)
def test_setting_changes_only_the_given_path(value: Any, path: list[str | int], new: Any):
    """Setting changes only the given place, and does not modify the original value."""
    before = repr(value)
    try:
        changed = set_at(value, path, new)
    except PathError:
        assert before == repr(value)
        return
    assert (True, new) == get_at(changed, path)
    assert before == repr(value)
    if isinstance(value, dict) and isinstance(path[0], str):
        assert {key: item for key, item in value.items() if key != path[0]} == {
            key: item for key, item in changed.items() if key != path[0]
        }


@given(VALUES, st.lists(NAMES | st.integers(0, 3), min_size=1, max_size=4))
def test_removing_deletes_one_element(value: Any, path: list[str | int]):
    """Removing deletes one element: a map loses the key, a list becomes one shorter."""
    found, _ = get_at(value, path)
    try:
        left = remove_at(value, path)
    except PathError:
        return
    if not found:
        assert value == left
    else:
        _, before = get_at(value, path[:-1])
        _, after = get_at(left, path[:-1])
        assert len(before) - 1 == len(after)


@pytest.mark.parametrize(
    ("value", "path", "fact"),
    [
        ({"a": "text"}, ["a", "b"], "expected a map"),
        ({"a": {"b": 1}}, ["a", "b", 0], "expected an array"),
        ({"a": []}, ["a", "b"], "must be an int"),
        ({"a": []}, ["a", 1], "out of range"),
        ({"a": []}, ["a", -1], "out of range"),
        ({"a": {}}, ["a", 0], "must be a string"),
        ({"a": {}}, ["a", "secure"], "reserved"),
    ],
)
def test_the_error_of_a_path_that_does_not_match_names_the_place(value: Any, path: list[str | int], fact: str):
    """The message names the place and what was expected there."""
    with pytest.raises(PathError, match=fact):
        set_at(value, path, "new")
