"""YAML edited in place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.engine.project.yaml_text import YamlError, dump_yaml, parse_yaml, with_entry, without_entry

SETTINGS = """\
# who may deploy this stack: see the wiki
encryptionsalt: v1:abc=:v1:def:ghi==

config:
  # where it runs
  app:region: "1"   # Europe
  app:names:
    - a
    - b

  # how many
  app:count: "3"
# the end
"""


def test_a_changed_value_keeps_its_comments():
    """Only the value's own text is replaced."""
    assert SETTINGS.replace('"1"   # Europe', '"2"   # Europe') == with_entry(SETTINGS, ("config", "app:region"), "2")


def test_a_new_key_comes_last_in_its_section():
    """Everything before and after is unchanged."""
    expected = SETTINGS.replace('  app:count: "3"\n', '  app:count: "3"\n  app:new: x\n')
    assert expected == with_entry(SETTINGS, ("config", "app:new"), "x")


def test_a_structured_value_is_replaced_as_a_block():
    """The comment that follows it belongs to the next key and stays."""
    expected = SETTINGS.replace("    - a\n    - b\n", "    - c\n")
    assert expected == with_entry(SETTINGS, ("config", "app:names"), ["c"])


def test_removing_a_key_removes_only_its_lines():
    """The comments of its neighbours stay."""
    assert SETTINGS.replace('  app:count: "3"\n', "") == without_entry(SETTINGS, ("config", "app:count"))


def test_removing_the_last_key_removes_the_section():
    """No empty `config:` is left behind."""
    assert without_entry("a: 1\nconfig:\n  b: 2\n", ("config", "b")) == "a: 1\n"


@pytest.mark.parametrize(
    "text", ["", "# only a comment\n", "config: {}\n", "config: {a: 1}\n", "config:\n", "config:\n  a: &x 1\n  b: *x\n"]
)
def test_other_styles_are_rewritten_where_necessary(text: str):
    """Flow style, empty sections, anchors: the file still has the right content afterwards."""
    before = (parse_yaml(text) or {}).get("config") or {}
    assert {"config": {**before, "k": ["v"]}} == parse_yaml(with_entry(text, ("config", "k"), ["v"]))


TEXTS = st.text(max_size=12) | st.sampled_from(
    ["yes", "007", "1e3", "0o14", "2020-01-01", "null", "~", "true", "a: b", "-", " x ", "a\nb\n"]
)
VALUES = st.recursive(
    TEXTS | st.booleans() | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@given(VALUES)
def test_written_text_is_read_back(value: Any):
    """Text that looks like a number, a date or a boolean stays text."""
    assert {"k": value} == parse_yaml(dump_yaml({"k": value}))


@given(st.lists(st.tuples(st.sampled_from(["set", "rm"]), st.sampled_from(["a:x", "a:y", "b:z"]), VALUES), max_size=6))
def test_a_series_of_edits_equals_the_edits_of_a_map(edits: list[tuple[str, str, Any]]):
    """The file and a plain map agree after every edit, and the comment at the top is still there."""
    text, model = "# kept\nencryptionsalt: s\n", {}
    for verb, key, value in edits:
        if verb == "set":
            model[key] = value
            text = with_entry(text, ("config", key), value)
        else:
            model.pop(key, None)
            text = without_entry(text, ("config", key))
        assert model == ((parse_yaml(text) or {}).get("config") or {})
        assert text.startswith("# kept\n")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("True", True),
        ("0777", 511),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", 1000),
        ("1e3", 1000.0),
        ("2020-01-01", "2020-01-01"),
        ("~", None),
        ("'1'", "1"),
        ("12:30", "12:30"),
    ],
)
def test_scalars_have_the_types_that_the_cli_reads(text: str, value: Any):
    """Pulumi reads YAML with go-yaml v3: booleans are true and false only, and there are no sexagesimals."""
    assert value == parse_yaml(f"k: {text}")["k"]


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "\t- x", "- a list\n"])
def test_a_file_that_cannot_be_edited_is_refused(text: str):
    """The message is one line."""
    with pytest.raises(YamlError) as caught:
        with_entry(text, ("config", "k"), "v")
    assert "\n" not in str(caught.value)
