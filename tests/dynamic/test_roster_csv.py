"""CSV as spreadsheets and people write it: separators, empty rows, first lines, rows and thumbprints."""

import re

import pytest

from hubtrust.azure.device_description import DeviceDescription
from hubtrust.devices.roster import RosterError
from hubtrust.devices.roster_files import from_csv

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


BAD_CSV = """id,status,edge,thumbprint
press-1,,,
press 2,,,
press-3,off,,
Press-1,,,
press-1,,,
press-4,,maybe,
press-5,,,,x
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
    assert "line 8: the line: it has 5 fields, and the first line has 4" in text
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
        ('\n{"id": "x"}\n', "it is JSON, not CSV; read it with from_json_lines, or with from_file, which reads both"),
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
        ("id,edge,", "line 2: the line: it repeats the names of the columns"),
        ("x,,stray", "line 2: the line: field 3 has a value, and its column has no name"),
        ("x,WAHR,", "line 2: edge: it is 'WAHR'; use true or false"),
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


def test_separators_at_the_end_of_a_row_may_be_missing() -> None:
    """Excel leaves them out where the cells are empty. A last row without a line end may be what is left of a file that was cut off."""
    text = "id;status;edge\r\npress-1;disabled;true\r\npress-2\r\npress-3;disabled\r\n"
    found = dict(from_csv(text, what="f"))
    assert {each: (declared.enabled, declared.edge) for each, declared in found.items()} == {
        "press-1": (False, True),
        "press-2": (True, False),
        "press-3": (False, False),
    }
    for cut in ("\r\n", "led\r\n", ";disabled\r\n"):
        with pytest.raises(RosterError, match=r"line 4: the line: it has [12] of 3 fields and no line end, as in a file that is cut off"):
            from_csv(text.removesuffix(cut), what="f")
    assert len(from_csv(f"{text}press-4;;", what="f")) == len(found) + 1


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
