"""JSON of devices: a line each that ends at a line feed alone, or a list; every field of its own type."""

import pytest

from hubtrust.azure.device_description import DeviceDescription
from hubtrust.devices.roster import RosterError
from hubtrust.devices.roster_files import from_csv, from_json_lines


def test_json_lines_are_read() -> None:
    """Every field is read, and values keep their types."""
    text = '{"id": "b", "tags": {"n": 1.0}, "desired": {"x": {"y": [1, true]}}}\n\n{"id": "a", "edge": true, "status": "enabled"}\n'
    assert dict(from_json_lines(text, what="f")) == {
        "a": DeviceDescription(edge=True),
        "b": DeviceDescription(tags={"n": 1}, desired={"x": {"y": [1, True]}}),
    }


def test_every_invalid_line_of_json_is_reported() -> None:
    """Text that is not JSON, a value that is not an object, an unknown field and a missing id are refused."""
    with pytest.raises(
        RosterError,
        match=r"4 invalid lines: line 1: .*not valid JSON.*line 2: .*it is a list.*line 3: .*no field 'name'.*line 4: .*it has no id",
    ):
        from_json_lines('{"id"\n[1]\n{"id": "a", "name": "x"}\n{"tags": {}}\n', what="f")


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_only_a_line_end_ends_a_line(mark: str) -> None:
    """Other marks that Python's `splitlines` knows are characters of a text."""
    assert dict(from_csv(f"id,tag.note\noven-01,a{mark}b\n", what="f"))["oven-01"].tags == {"note": f"a{mark}b"}
    written = mark if mark >= " " else rf"\u{ord(mark):04x}"
    found = from_json_lines(f'{{"id": "oven-01", "tags": {{"note": "a{written}b"}}}}\r\n', what="f")
    assert dict(found)["oven-01"].tags == {"note": f"a{mark}b"}


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ('{"id": null}', "the device: its id is null; give a text"),
        ('{"id": 7}', "its id is a number"),
        ('{"id": ["x"]}', "its id is a list"),
        ('{"id": ""}', "its id is empty"),
        ('{"id": "x\\u0000"}', r"its id has the character '\\x00'"),
        ('{"id": "x\\ud800"}', r"its id has the character '\\ud800'"),
        ('{"id": "x", "edge": 1}', "edge: it is a number; use true or false"),
        ('{"id": "x", "edge": "true"}', "edge: it is 'true'; use true or false"),
        ('{"id": "x", "edge": []}', "edge: it is a list"),
        ('{"id": "x", "status": true}', "status: it is true; use enabled or disabled"),
        ('{"id": "x", "status": 0}', "status: it is a number"),
        ('{"id": "x", "status": {}}', "status: it is an object"),
        ('{"id": "x", "reason": 5}', "reason: it is a number"),
        ('{"id": "x", "reason": "\\udfff"}', r"reason: it has '\\udfff', half of a character"),
        ('{"id": "x", "tags": "hall 3"}', "tags: it is a text; give an object of names and values"),
        ('{"id": "x", "tags": ""}', "tags: it is a text"),
        ('{"id": "x", "tags": []}', "tags: it is a list"),
        ('{"id": "x", "tags": false}', "tags: it is false"),
        ('{"id": "x", "desired": 0}', "desired: it is a number"),
        ('{"id": "x", "thumbprints": {}}', "thumbprints: it is an object"),
        ('{"id": "x", "thumbprints": [null]}', "thumbprints: one of them is null"),
        ('{"id": "x", "thumbprints": ["a", "b", "c"]}', "thumbprints: there are 3"),
        ('{"id": "x", "thumbprints": 0}', "thumbprints: it is a number"),
        ('{"id": "x", "id": "y"}', "the line: it has the name 'id' twice; leave one out"),
        ('{"id": "x", "tags": {"a": 1, "a": 2}}', "it has the name 'a' twice"),
        ('{"id": "x", "tags": {"a": NaN}}', "NaN is not a number in JSON"),
        ('{"id": "x", "tags": {"a": -Infinity}}', "-Infinity is not a number in JSON"),
        ('{"id": "x", "tags": {"a": 1e999}}', "the number 1e999 is too large"),
        (f'{{"id": "x", "tags": {{"a": {"9" * 5000}}}}}', "it has a number of 5000 digits"),
        ('{"id": "x", "tags": {"a": 4503599627370496}}', "tags: it has an integer of 53 bits; use integers from -4503599627370496"),
        ('{"id": "x", "tags": ' + '{"a":' * 100_000 + "1" + "}" * 100_001, "it is nested too deeply"),
        ('{"id": "x", "tags": {"a": ' + "[" * 300 + "]" * 300 + "}}", "tags: it is more than 10 levels deep"),
        ('{"id": "x"} {"id": "y"}', "something follows the JSON value"),
        ('{"id": "x"},', "something follows the JSON value, from ',' on; write one value a line"),
        ('{"id": "x"', "it is not valid JSON .Expecting ',' delimiter at character 11"),
        ("null", "the line: it is null; write an object with an id"),
        ('{"ID": "x"}', "there is no field 'ID'; write it as 'id'"),
        ('{"id": "x", "thumbprint": "AB"}', "there is no field 'thumbprint'; write it as 'thumbprints'"),
        ('{"id": "x", "Tags": {}}', "write it as 'tags'"),
    ],
)
def test_types_in_json_are_strict(line: str, match: str) -> None:
    """Nothing is taken for something else: not None for an id, not 1 for true, not a text for an object."""
    with pytest.raises(RosterError, match=match) as caught:
        from_json_lines(f'{{"id": "good"}}\n{line}\n', what="f")
    assert "f: 1 invalid line: line 2: " in str(caught.value)


@pytest.mark.parametrize("value", ["null", "{}"])
def test_what_is_null_is_left_out(value: str) -> None:
    """Exports of other tools write every field."""
    fields = ", ".join(f'"{name}": {value if name in {"tags", "desired"} else "null"}' for name in ("status", "tags", "desired", "edge"))
    assert dict(from_json_lines(f'{{"id": "x", "reason": null, "thumbprints": null, {fields}}}', what="f")) == {"x": DeviceDescription()}


@pytest.mark.parametrize(
    "text",
    [
        '[{"id": "a"}, {"id": "b"}]',
        '\ufeff\r\n [\n  {\n    "id": "a"\n  },\n  {\n    "id": "b"\n  }\n]\n',
        '{\n  "id": "a"\n}\n{\n  "id": "b"\n}\n',
        '{"id": "a"}\n\ufeff{"id": "b"}\n',
        '{"id": "a"}\r\r\n{"id": "b"}\r\r\n',
    ],
)
def test_a_list_and_indented_objects_are_read(text: str) -> None:
    """As `az`, `jq` and editors write JSON, and as files are that were joined."""
    assert from_json_lines(text, what="f").ids == ("a", "b")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('[\n{"id": "a"},\n{"id": "b"}', "line 3: the file: the list does not end: the file is cut off"),
        (
            '[\n{"id": "a"},\n{"id": "b c"},\n{"id": "a"}\n]',
            "2 invalid lines: line 3: device 'b c'.*line 4: device 'a': it is already in line 2",
        ),
        ('[\n{"id": "a"}\n{"id": "b"}]', "line 2: the device: '{' follows it in place of a comma"),
        ('[{"id": "a"}]\n[{"id": "b"}]', "something follows the end of the list"),
        ('[\n{"id": "a"},\n\n{"id" "b"}]', "line 4: the device: it is not valid JSON .Expecting ':' delimiter at character 7 of line 4"),
        ('{\n"id": "a",\n"edge": 1\n}', "line 1: edge: it is a number"),
    ],
)
def test_a_list_that_is_wrong_names_the_line(text: str, match: str) -> None:
    """The first line of the device."""
    with pytest.raises(RosterError, match=match):
        from_json_lines(text, what="f")
