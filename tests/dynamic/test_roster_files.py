"""Files that a fleet is read from, as spreadsheets, editors and people write them, and errors that name invalid lines by their numbers."""

import json
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from hubtrust.azure.device_description import DeviceDescription
from hubtrust.devices import roster_files
from hubtrust.devices.roster import Roster, RosterError
from hubtrust.devices.roster_files import from_csv, from_file, from_json_lines
from hubtrust.errors import HubtrustError

_THUMBPRINT = "AB" * 20
_OVENS = {"oven-01": DeviceDescription(tags={"hall": "Süd"}), "oven-02": DeviceDescription(enabled=False, tags={"hall": "Nord"})}
_CSV = "id,status,tag.hall\noven-01,,Süd\noven-02,disabled,Nord\n"


def test_a_csv_file_is_read() -> None:
    """Every column is read; a byte order mark, quotes, empty cells and blank lines are accepted."""
    text = (
        "\ufeffid,status,reason,edge,thumbprint,secondaryThumbprint,tag.plant,desired.mode\n"
        'press-2,disabled,"lost, or stolen",,,,A,\n'
        "\n"
        f"press-1,,,TRUE,{'ab' * 20},{'CD' * 20},,fast\n"
    )
    assert dict(from_csv(text, what="f", tags={"site": "x", "plant": "B"})) == {
        "press-1": DeviceDescription(
            edge=True, thumbprints=("AB" * 20, "CD" * 20), tags={"site": "x", "plant": "B"}, desired={"mode": "fast"}
        ),
        "press-2": DeviceDescription(enabled=False, reason="lost, or stolen", tags={"site": "x", "plant": "A"}),
    }


def test_json_lines_are_read() -> None:
    """Every field is read, and values keep their types."""
    text = '{"id": "b", "tags": {"n": 1.0}, "desired": {"x": {"y": [1, true]}}}\n\n{"id": "a", "edge": true, "status": "enabled"}\n'
    assert dict(from_json_lines(text, what="f")) == {
        "a": DeviceDescription(edge=True),
        "b": DeviceDescription(tags={"n": 1}, desired={"x": {"y": [1, True]}}),
    }


BAD_CSV = """id,status,edge,thumbprint
press-1,,,
press 2,,,
press-3,off,,
Press-1,,,
press-1,,,
press-4,,maybe,
press-5,,
press-6,,,AB
"x
"""


def test_every_invalid_line_of_a_csv_file_is_reported() -> None:
    """Every invalid line is named by its number in one error; ids that differ only in case are two devices."""
    with pytest.raises(RosterError) as caught:
        from_csv(BAD_CSV, what="devicesFile 'fleet.csv'")
    text = str(caught.value)
    assert text.startswith(
        "devicesFile 'fleet.csv': 7 invalid lines: line 3: device 'press 2': its id has the character ' '; line 4: status:"
    )
    assert [int(number) for number in re.findall(r"line (\d+): ", text)] == [3, 4, 6, 7, 8, 9, 10]
    assert "line 6: device 'press-1': it is already in line 2" in text
    assert "line 10: the line: a quote in it is not closed" in text
    assert "use enabled or disabled" in text
    assert "line 8: the line: it has 3 fields, and the first line has 4" in text
    assert text.endswith("; correct them and run again; nothing was changed")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "f: its first line: there is none; name the columns in the first line: id, status"),
        ("tag.a\nx\n", "its first line has no column 'id'"),
        ("name\nx\n", "there is no column 'name'; write it as 'id', or name the columns in the first line: id, status"),
        ("id,id\nx,y\n", "its first line has the column 'id' twice"),
    ],
)
def test_an_invalid_csv_header_is_reported(text: str, match: str) -> None:
    """An invalid header is reported before any line is read."""
    with pytest.raises(RosterError, match=match):
        from_csv(text, what="f")


def test_every_invalid_line_of_json_is_reported() -> None:
    """Text that is not JSON, a value that is not an object, an unknown field and a missing id are refused."""
    with pytest.raises(
        RosterError,
        match=r"4 invalid lines: line 1: .*not valid JSON.*line 2: .*it is a list.*line 3: .*no field 'name'.*line 4: .*it has no id",
    ):
        from_json_lines('{"id"\n[1]\n{"id": "a", "name": "x"}\n{"tags": {}}\n', what="f")


@pytest.mark.parametrize(
    "text",
    [
        _CSV,
        _CSV.replace("\n", "\r\n"),
        _CSV.replace("\n", "\r"),
        _CSV.replace("\n", "\r\r\n"),
        _CSV.replace(",", ";"),
        _CSV.replace(",", "\t"),
        _CSV.replace(",", "|"),
        "sep=;\r\n" + _CSV.replace(",", ";"),
        '"sep=,"\n' + _CSV,
        "SEP=\t\n" + _CSV.replace(",", "\t"),
        "sep=~\n" + _CSV.replace(",", "~"),
        "\ufeff" + _CSV,
        "\n,,\n" + _CSV,
        _CSV + ",,\r\n,,\r\n \r\n\t\r\n",
        _CSV.replace("\n", ",,\n"),
        "id, status ,tag.hall,\noven-01,,Süd,\noven-02,Disabled,Nord,,\n",
        '"id";"status";"tag.hall"\n"oven-01";"";"Süd"\n"oven-02";"disabled";"Nord"',
    ],
)
def test_what_spreadsheets_write_is_read(text: str) -> None:
    """Separators, line ends, a byte order mark, `sep=`, and rows and columns without any value."""
    assert dict(from_csv(text, what="f")) == _OVENS


def test_the_separator_is_the_one_that_names_columns() -> None:
    """A name, or a value, may have the other ones in it."""
    assert dict(from_csv("id;tag.a,b|c\nx;1,5\n", what="f"))["x"].tags == {"a,b|c": "1,5"}
    assert dict(from_csv('id,tag.a;b\nx,"1,5"\n', what="f"))["x"].tags == {"a;b": "1,5"}


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_only_a_line_end_ends_a_line(mark: str) -> None:
    """Other marks that Python's `splitlines` knows are characters of a text."""
    assert dict(from_csv(f"id,tag.note\noven-01,a{mark}b\n", what="f"))["oven-01"].tags == {"note": f"a{mark}b"}
    written = mark if mark >= " " else rf"\u{ord(mark):04x}"
    found = from_json_lines(f'{{"id": "oven-01", "tags": {{"note": "a{written}b"}}}}\r\n', what="f")
    assert dict(found)["oven-01"].tags == {"note": f"a{mark}b"}


def test_a_quoted_value_may_have_several_lines() -> None:
    """The line in an error is the first one of the device, in the file as it is."""
    text = 'sep=;\nid;tag.note\noven-01;"a\nb ""c"""\noven 02;x\n'
    with pytest.raises(RosterError, match="1 invalid line: line 5: device 'oven 02'"):
        from_csv(text, what="f")
    assert dict(from_csv(text.replace("oven 02", "oven-02"), what="f"))["oven-01"].tags == {"note": 'a\nb "c"'}


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("\n,,\n", "its first line: there is none"),
        ("Id;status\nx;\n", "there is no column 'Id'; write it as 'id', or name the columns"),
        ("id,sta tus\nx,\n", "write it as 'status'"),
        ("\u200bid\nx\n", r"there is no column '\\u200bid'; write it as 'id'"),
        ("id,tags.hall\nx,\n", "write it as 'tag.hall'"),
        ("id,\u200btag.Hall 3\nx,\n", "write it as 'tag.Hall 3'"),
        ("id,properties.desired.speed\nx,\n", "write it as 'desired.speed'"),
        ("id,Tag.Hall\nx,\n", "write it as 'tag.Hall'"),
        ("deviceId\nx\n", "write it as 'id'"),
        ("id,thumbprints\nx,\n", "write it as 'thumbprint'"),
        ("id,primaryKey\nx,\n", "there is no column 'primaryKey'; name the columns in the first line"),
        ("id:status\nx,\n", "there is no column 'id:status'; separate the names of columns by ',', or by another one that a line sep= "),
        ("sep=;\nid\tstatus\n", r"there is no column 'id\\tstatus'; separate the names of columns by ';'"),
        ("“id”\nx\n", "write it as 'id'"),
        ("id,stauts\nx,\n", "write it as 'status'"),
        ('\n{"id": "x"}\n', "it is JSON, and no CSV; read it with from_json_lines, or with from_file, which reads both"),
        ("oven-01,enabled\n", "there is no column 'oven-01'; name the columns in the first line: id"),
        ("id,tag.a,tag.a\n", "its first line has the column 'tag.a' twice; leave one out"),
        ("id,tag.a.b\n", "the column 'tag.a.b': the name 'a.b' has the character '.'"),
        ("id,desired.\n", "the column 'desired.': a name in it is empty"),
        ("id,tag.hubtrust\n", "the column 'tag.hubtrust': 'hubtrust' is reserved"),
        ('"id,status\nx,\n', "its first line: a quote in it is not closed"),
        ("sep=\nid\n", "its first line, 'sep=', names no separator; write it as sep=; or remove it"),
        ("id\nx\x00\n", "line 2 has a NUL character, which is in no text"),
    ],
)
def test_a_first_line_that_names_no_columns_says_what_was_meant(text: str, match: str) -> None:
    """One error, not one for each line; it says how a column is written that was nearly right."""
    with pytest.raises(RosterError, match=match):
        from_csv(text, what="f")


@pytest.mark.parametrize(
    ("row", "match"),
    [
        ("x,,,A", "line 2: the line: it has 4 fields, and the first line has 3"),
        ("x,", "line 2: the line: it has 2 fields, and the first line has 3"),
        ("id,edge,", "line 2: the line: it repeats the names of the columns"),
        ("x,,stray", "line 2: the line: field 3 has a value, and its column has no name"),
        ("x,WAHR,", "line 2: edge: it is 'WAHR'; use true or false"),
        ("x", "line 2: the line: it has 1 field, and the first line has 3"),
        ("\u043even,,", r"its id has the character '\u043e' \(U\+043E\); use letters"),
        ("x\u200e,,", r"its id has the character '\\u200e'"),
        ('x,"y"z,', r"line 2: the line: it is not valid CSV"),
        (f'x,"{"y" * 200_000}', "a quote in it is not closed, or a value has more than 131,072 characters"),
    ],
)
def test_a_row_that_does_not_fit_is_refused(row: str, match: str) -> None:
    """A value in the wrong column would be believed."""
    with pytest.raises(RosterError, match=match):
        from_csv(f"id,edge,\n{row}\n", what="f")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("ab" * 20, _THUMBPRINT),
        (":".join(["AB"] * 20), _THUMBPRINT),
        (" ".join(["ab"] * 32), "AB" * 32),
        ("sha1 Fingerprint=" + ":".join(["AB"] * 20), _THUMBPRINT),
        ("SHA256 Fingerprint=" + ":".join(["AB"] * 32), "AB" * 32),
    ],
)
def test_a_thumbprint_is_read_as_tools_write_it(written: str, read: str) -> None:
    """Windows, OpenSSL and people write it with colons, with spaces, in either case."""
    assert dict(from_csv(f"id,thumbprint\nx,{written}\n", what="f"))["x"].thumbprints == (read,)


@pytest.mark.parametrize(
    ("written", "match"),
    [
        (f"\u200e{_THUMBPRINT}", r"'\\u200eABABABA…' is not a thumbprint: it has the character '\\u200e'"),
        ("ﬀ" * 20, r"it has the character 'ﬀ' \(U\+FB00\)"),
        ("ab" * 19, "'abababab…' is not a thumbprint: it has 38 hex digits; give 40"),
        ("q83vEjRWeJA=", "it has the character 'q'"),
    ],
)
def test_what_is_no_thumbprint_is_shown_with_what_cannot_be_seen(written: str, match: str) -> None:
    """Windows' dialog puts U+200E before it. Only its beginning is shown: a key may be in the wrong column."""
    with pytest.raises(RosterError, match=match):
        from_csv(f"id,thumbprint\nx,{written}\n", what="f")


def test_the_same_thumbprint_twice_is_one() -> None:
    """A hub shows it once."""
    text = f"id,thumbprint,secondaryThumbprint\nx,{_THUMBPRINT},{_THUMBPRINT.lower()}\n"
    assert dict(from_csv(text, what="f"))["x"].thumbprints == (_THUMBPRINT,)


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
        ('{"id": "x", "tags": {"a": NaN}}', "NaN is no number in JSON"),
        ('{"id": "x", "tags": {"a": -Infinity}}', "-Infinity is no number in JSON"),
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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("name", ["fleet.csv", "fleet.txt", "fleet"])
def test_a_file_is_read_in_every_encoding_that_says_which_it_is(tmp_path: Path, encoding: str, name: str) -> None:
    """Excel's "Unicode text" is UTF-16 with tabs."""
    (tmp_path / name).write_bytes(_CSV.replace(",", "\t").encode(encoding))
    assert dict(from_file(tmp_path / name)) == _OVENS


@pytest.mark.parametrize(("mark", "encoding"), [(b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\x00\x00\xfe\xff", "utf-32-be")])
def test_both_orders_of_bytes_are_read(mark: bytes, encoding: str) -> None:
    """As the byte order mark says."""
    assert dict(from_csv(mark + _CSV.encode(encoding), what="f")) == _OVENS


@pytest.mark.parametrize("name", ["devices.txt", "fleet.jsonl", "fleet.json", "FLEET.NDJSON", "fleet"])
def test_json_is_known_by_its_content(tmp_path: Path, name: str) -> None:
    """A hub's export is called devices.txt."""
    (tmp_path / name).write_text('\n{"id": "a"}\n', encoding="utf-8")
    assert from_file(tmp_path / name).ids == ("a",)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (
            _CSV.encode("cp1252"),
            r"line 2: it has the byte 0xFC, which is not UTF-8 here; in Windows-1252 or Latin-1 it would be 'ü'; save it",
        ),
        (
            "id,tag.a\n\nx,5 €\n".encode("cp1252"),
            r"line 3: it has the byte 0x80, .*; if it is Windows-1252, this converts it: iconv -f WINDOWS-1252 -t UTF-8",
        ),
        (b"id\nx\x81\n", "line 2: it has the byte 0x81, which is not UTF-8 here; save it as UTF-8"),
        (_CSV.encode("utf-16-le"), "it looks like UTF-16 .little-endian. without a byte order mark; save it as UTF-8"),
        (_CSV.encode("utf-16-be"), "it looks like UTF-16 .big-endian. without a byte order mark"),
        (b"\xff\xfe" + _CSV.encode("utf-16-le")[:-1], "line 3: it ends within a character of UTF-16, so that the file is cut off"),
        (
            _CSV.encode()[: _CSV.encode().index(b"\xc3") + 1],
            "line 2: it ends within a character of UTF-8, .*; copy the whole file from its source",
        ),
        (b"\xff\xfe\x00\xd8\x41\x00", "line 1: it is not UTF-16, as its byte order mark says"),
        (b"PK\x03\x04\x14\x00", "it is a ZIP archive, such as a workbook of Excel .*save it as CSV"),
        (b"\x1f\x8b\x08", "it is compressed .gzip., and no text"),
        (b"id\nx\x00y\n", "line 2 has a NUL character"),
    ],
)
def test_another_encoding_is_named_with_the_byte_and_its_line(content: bytes, match: str) -> None:
    """Nobody can tell one from another: what can be told is told."""
    for read in (from_csv, from_json_lines):
        with pytest.raises(RosterError, match=match):
            read(content, what="f")


@pytest.mark.parametrize("path", ["absent.csv", "", "a\x00b.csv", "x" * 5000, "\ud800"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, path: str) -> None:
    """Whatever the reason is: absent, a folder, no path at all."""
    with pytest.raises(RosterError, match=r"it can't be read: .*; give the path of a file that can be read"):
        from_file(tmp_path / path)


def test_the_first_twenty_invalid_lines_are_named_and_the_others_counted() -> None:
    """One line of a bounded length, whatever the lines are; each remedy is there once."""
    with pytest.raises(RosterError) as caught:
        from_csv("id,tag.line\n" + "".join(f"oven {number:06},{number % 7}\n" for number in range(100_000)), what="f")
    text = str(caught.value)
    assert text.startswith("f: 100,000 invalid lines, the first 20: line 2: device 'oven 000000': its id has the character ' '; line 3: ")
    assert [int(number) for number in re.findall(r"line (\d+): ", text)] == list(range(2, 22))
    assert "; and 99,980 more; use letters, digits and" in text
    assert text.endswith("; correct them and run again; nothing was changed")
    with pytest.raises(RosterError) as caught:
        from_json_lines("\n".join(json.dumps({"id": "\u200e" * 100 + str(number)}) for number in range(30)), what="f")
    assert len(re.findall(r"line \d+: ", str(caught.value))) == 20
    assert "; and 10 more; " in str(caught.value)
    assert len(str(caught.value)) < 4000


_ROWS = 20_000


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (from_csv, "id,tag.a\n" + ",\n" * _ROWS),
        (from_csv, "id,tag.a\n" + "\n" * _ROWS),
        (from_csv, "id,tag.a\n" + "a b,\n" * _ROWS),
        (from_csv, "id,tag.a\n" + '"\n' * _ROWS),
        (from_json_lines, "\n" * _ROWS),
        (from_json_lines, '{"id": "good"}\n' + "{}\n" * _ROWS),
        (from_json_lines, "[\n" + "{},\n" * _ROWS),
    ],
    ids=["empty rows", "empty lines", "bad rows", "open quotes", "empty lines of JSON", "bad lines of JSON", "bad list of JSON"],
)
def test_bad_and_empty_lines_need_no_memory(read: Callable[..., Roster], text: str) -> None:
    """What is read of a line that is no device is forgotten: a million of them need what twenty need, besides the text itself."""
    tracemalloc.start()
    try:
        assert _devices(read, text) == 0
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 * len(text) + 500_000


def _devices(read: Callable[..., Roster], text: str) -> int:
    try:
        return len(read(text, what="f"))
    except HubtrustError:
        return 0


def test_more_devices_than_a_hub_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as there is one too many: the rest is not read. The limit is lower here: a million lines take ten seconds."""
    monkeypatch.setattr(roster_files, "MOST_DEVICES", 1000)
    text = "\n".join(["id", *(str(number) for number in range(1001)), "not read"])
    with pytest.raises(RosterError, match="f: it has more than 1,000 devices, the most that a hub holds; spread them over several hubs"):
        from_csv(text, what="f")


def test_a_tag_of_all_devices_is_wrong_once() -> None:
    """It is the argument's fault, not that of each line."""
    with pytest.raises(HubtrustError, match=r"^tags: it is a text; give an object"):
        from_csv("id\na\nb\n", what="f", tags="plant=A")  # type: ignore[arg-type] # what a program may pass all the same
