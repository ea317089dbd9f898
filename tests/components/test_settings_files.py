"""Files that settings name: read as UTF-8 on every machine, told together with all other errors, each by its key."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from settings import SettingsError
from tests.components.test_settings import CA, load
from tests.kit.repository import ROOT

# Keys, and what the error says of the file.
UNREADABLE = {
    "missing": ("absent.pem", "No such file or directory"),
    "a folder": ("folder", "it is a folder"),
    "no file": ("pipe", "it is not a regular file"),
    "below a file": ("there.pem/below", "Not a directory"),
    "a name with NUL": ("a\0b", "its name has a NUL character"),
    "a long name": ("x" * 5000, "File name too long"),
    "Windows-1252": ("cp1252", "not UTF-8|it contains no certificate, key or request"),
    "UTF-16 that does not say so": ("utf16", "UTF-|it contains no certificate, key or request"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The program's folder, with a file of each kind."""
    (tmp_path / "there.pem").write_text(CA.pem, encoding="utf-8")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "cp1252").write_bytes("id\nMüller\n".encode("cp1252"))
    (tmp_path / "utf16").write_bytes("id\nprüs\n".encode("utf-16-le"))
    return tmp_path


def errors(folder: Path, **keys: str) -> list[str]:
    """The lines of the error."""
    with pytest.raises(SettingsError) as caught:
        load(folder=folder, **keys)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


@pytest.mark.parametrize("case", UNREADABLE)
@pytest.mark.parametrize("key", ["caChainFile", "caKeyFile", "devicesFile"])
def test_an_unreadable_file_is_reported(key: str, case: str, folder: Path) -> None:
    """The error has the key, the file and the reason, in a bounded line."""
    name, reason = UNREADABLE[case]
    (line,) = errors(folder, **{"caSource": "import", "caChainFile": "there.pem"} | {key: name})
    assert line.startswith(f"hubtrust: {key} '{name[0]}"), line
    assert re.search(reason, line), line
    assert len(line) < 500


def test_a_file_without_permission_is_reported(folder: Path) -> None:
    """Root may read every file, so that this is seen by others only."""
    (folder / "secret.pem").write_text("x", encoding="utf-8")
    (folder / "secret.pem").chmod(0)
    if os.access(folder / "secret.pem", os.R_OK):
        pytest.skip("this user may read every file: run as another one to see a file without permission")
    (line,) = errors(folder, caSource="import", caChainFile="secret.pem")
    assert "Permission denied" in line


def test_files_are_reported_together_with_everything_else(folder: Path) -> None:
    """A wrong type, a contradiction, a missing file, a bad pattern of ids: one error."""
    lines = errors(
        folder, units="many", caSource="import", caChainFile="absent.pem", caKeyFile="folder", devices="press-{9..1}", attest="1"
    )
    assert [line.split(": ")[:2] for line in lines] == [
        ["hubtrust:units", "it is 'many'; use a whole number from 0 to 200"],
        ["hubtrust:attest", "it is '1'; use true or false"],
        ["hubtrust", "caChainFile 'absent.pem'"],
        ["hubtrust", "caKeyFile 'folder'"],
        ["hubtrust", "the pattern 'press-{9..1}'"],
    ]


def test_devices_come_from_a_pattern_or_a_file(folder: Path) -> None:
    """A file that ends in .csv is CSV, any other JSON lines; `deviceTags` are added to every device."""
    (folder / "fleet.csv").write_text("id,tag.line\npress-1,4\n", encoding="utf-8")
    (folder / "fleet.jsonl").write_text('{"id": "press-1"}\n{"id": "press-2"}\n', encoding="utf-8-sig")
    assert len(load(devices="press-{001..025}").roster) == 25
    found = load(folder=folder, devicesFile="fleet.csv", deviceTags='["plant=A"]').roster
    assert dict(found)["press-1"].tags == {"line": "4", "plant": "A"}
    assert load(folder=folder, devicesFile="fleet.jsonl").roster.ids == ("press-1", "press-2")
    assert len(load().roster) == 0


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        (
            "fleet.jsonl",
            "",
            "it has no devices; restore it; if the stack is to have no devices, remove devicesFile and set noDevices: true",
        ),
        ("fleet.jsonl", "\n \n", "it has no devices"),
        ("fleet.csv", "id,status\n\n", "it has no devices"),
        ("fleet.csv", "id\na b\nc/d\n", "2 invalid lines: line 2: "),
    ],
)
def test_invalid_devices_are_reported(name: str, content: str, match: str, folder: Path) -> None:
    """The error has every invalid line of the file."""
    (folder / name).write_text(content, encoding="utf-8")
    (line,) = errors(folder, devicesFile=name)
    assert f"devicesFile '{name}': " in line
    assert match in line


def test_a_file_is_utf8_whatever_the_machine_prefers(folder: Path) -> None:
    """In a process whose locale is ASCII, as in many containers."""
    (folder / "fleet.jsonl").write_text('{"id": "press-1", "tags": {"site": "Werk Süd"}}\n', encoding="utf-8-sig")
    script = """if True:
        import json, locale, pathlib, sys
        from tests.components.test_settings import CA, load
        stack = load(folder=pathlib.Path(sys.argv[1]), devicesFile="fleet.jsonl")
        print(json.dumps([locale.getpreferredencoding(False), dict(stack.roster)["press-1"].tags]))
    """
    ascii_only = {
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONPATH": os.pathsep.join([str(ROOT), f"{ROOT}/components"]),
    }
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], cwd=ROOT, env=os.environ | ascii_only, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    encoding, tags = json.loads(done.stdout)
    assert encoding in ("ANSI_X3.4-1968", "US-ASCII", "646", "ascii")
    assert tags == {"site": "Werk Süd"}
