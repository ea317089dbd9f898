"""Files that a fleet is read from: their encoding, and errors of a bounded length that name invalid lines by their numbers."""

import gc
import json
import os
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hubtrust.azure.device_description import DeviceDescription
from hubtrust.devices import roster_files
from hubtrust.devices.roster import Roster, RosterError
from hubtrust.devices.roster_files import from_csv, from_file, from_json_lines
from hubtrust.errors import HubtrustError

_OVENS = {"oven-01": DeviceDescription(tags={"hall": "Süd"}), "oven-02": DeviceDescription(enabled=False, tags={"hall": "Nord"})}
_CSV = "id,status,tag.hall\noven-01,,Süd\noven-02,disabled,Nord\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("name", ["fleet.csv", "fleet.txt", "fleet"])
def test_a_file_is_read_in_every_encoding_that_says_which_it_is(tmp_path: Path, encoding: str, name: str) -> None:
    """Excel's "Unicode text" is UTF-16 with tabs."""
    (tmp_path / name).write_bytes(_CSV.replace(",", "\t").encode(encoding))
    assert dict(from_file(tmp_path / name)) == _OVENS


def test_a_file_is_utf8_whatever_the_locale_is(tmp_path: Path) -> None:
    """As a build server has it, where Python takes text for ASCII."""
    (tmp_path / "fleet.csv").write_bytes(_CSV.encode())
    program = f"from hubtrust import from_file; print(ascii(dict(from_file({str(tmp_path / 'fleet.csv')!r}))['oven-01'].tags))"
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == r"{'hall': 'S\xfcd'}"


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
        (b"id\rx\ry\xfc\r", "line 3: it has the byte 0xFC"),
        (b"id\nx\x81\n", "line 2: it has the byte 0x81, which is not UTF-8 here; save it as UTF-8"),
        (_CSV.encode("utf-16-le"), "it looks like UTF-16 .little-endian. without a byte order mark; save it as UTF-8"),
        (_CSV.encode("utf-16-be"), "it looks like UTF-16 .big-endian. without a byte order mark"),
        (b"\xff\xfe" + _CSV.encode("utf-16-le")[:-1], "line 3: it ends within a character of UTF-16, so the file is cut off"),
        (
            _CSV.encode()[: _CSV.encode().index(b"\xc3") + 1],
            "line 2: it ends within a character of UTF-8, .*; copy the whole file from its source",
        ),
        (b"\xff\xfe\x00\xd8\x41\x00", "line 1: it is not UTF-16, as its byte order mark says"),
        (b"PK\x03\x04\x14\x00", "it is a ZIP archive, such as a workbook of Excel .*save it as CSV"),
        (b"\x1f\x8b\x08", "it is compressed .gzip., not text"),
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


@pytest.mark.parametrize(("path", "fact"), [(None, "null"), (5, "a number"), ([], "a list"), (b"fleet.csv", "of type bytes")])
def test_a_path_is_a_text_or_a_path(path: Any, fact: str) -> None:
    """Whatever a program passes."""
    with pytest.raises(RosterError, match=f"its path is {fact}; give the path of a file"):
        from_file(path)


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


_ROWS = 10_000


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
    usual = gc.get_threshold()
    gc.set_threshold(700, 10, 10)  # Python's own: the tests' processes collect less often
    gc.freeze()  # and Python collects old objects the later the more there are: those of other tests don't count
    gc.collect()
    tracemalloc.start()
    try:
        assert _devices(read, text) == 0
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.unfreeze()
        gc.set_threshold(*usual)
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
