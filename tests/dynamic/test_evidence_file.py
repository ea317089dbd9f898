"""The file of the evidence log: what it may be, and that neither a link nor permissions are lost."""

from pathlib import Path

import pytest

from hubtrust.dynamic import evidence_file
from hubtrust.errors import HubtrustError


def test_what_a_link_leads_to_is_written(tmp_path: Path) -> None:
    """Also where nothing is yet: the link stays one, so that the copy that it leads to never becomes an old one unseen."""
    kept, link = tmp_path / "kept" / "log.jsonl", tmp_path / "log.jsonl"
    link.symlink_to(kept)

    assert evidence_file.content(str(link)) is None
    for text in ("one", "two"):
        evidence_file.write(str(link), text)
        assert (link.is_symlink(), kept.read_text(), evidence_file.content(str(link))) == (True, f"{text}\n", f"{text}\n".encode())
    assert list(kept.parent.iterdir()) == [kept]


def test_permissions_stay(tmp_path: Path) -> None:
    """A new file may be read by all; one that was closed to others stays closed, and what is read-only is not replaced."""
    file = tmp_path / "log.jsonl"
    evidence_file.write(str(file), "one")
    assert file.stat().st_mode & 0o777 == 0o644

    file.chmod(0o600)
    evidence_file.write(str(file), "two")
    assert (file.stat().st_mode & 0o777, file.read_text()) == (0o600, "two\n")

    file.chmod(0o444)
    with pytest.raises(HubtrustError, match="it can't be written: it is read-only; make it writable"):
        evidence_file.write(str(file), "three")
    evidence_file.write(str(file), "two")  # it has this already
    assert (file.stat().st_mode & 0o777, file.read_text()) == (0o444, "two\n")


@pytest.mark.parametrize(
    ("name", "reading", "writing"),
    [
        ("folder", "it is a folder", "Is a directory"),
        ("circle", "Too many levels of symbolic links", "Symlink loop|Too many levels"),
        ("a" * 300, "File name too long", "File name too long"),
        ("file/log.jsonl", "Not a directory", "Not a directory|File exists"),
        ("a\0b", "its name has a NUL character", "null byte|null character"),
    ],
    ids=["a folder", "links in a circle", "a long name", "below a file", "no name"],
)
def test_what_can_be_no_file_is_told(name: str, reading: str, writing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is never taken for a log that is not there yet: another one would begin."""
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("circle").symlink_to("circle")
    Path("file").touch()

    with pytest.raises(HubtrustError, match=f"can't be read: ({reading})"):
        evidence_file.content(name)
    with pytest.raises(HubtrustError, match=f"can't be written: .*({writing})"):
        evidence_file.write(name, "one")
