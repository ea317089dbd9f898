"""State in files: the layout, and what happens when a file can't be read or written."""

from __future__ import annotations

import json
import os
import resource
import shutil
from typing import TYPE_CHECKING

import pytest

from sandbox.engine.values.atomic_file import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Workplace


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        ("", "it is not JSON"),
        ('{"version":3,"checkpoint":{"stack":"organi', "it is not JSON"),
        ("[1]", "it is not a checkpoint"),
        ('{"version":3}', "it is not a checkpoint"),
        ('{"version":2,"checkpoint":{}}', "has version 2 but this engine supports only version 3"),
        ('{"version":99,"checkpoint":{}}', "use the pulumi CLI for a newer one"),
        ('{"version":3,"features":["views"],"checkpoint":{}}', "needs views, which this engine does not support"),
    ],
)
@pytest.mark.parametrize("verb", [("stack", "export"), ("preview",), ("up", "--yes", "--skip-preview"), ("destroy", "--yes")])
def test_an_unreadable_checkpoint_is_not_changed(stack: Workplace, content: str, fact: str, verb: tuple[str, ...]):
    """Corrupt, cut short or of another version: one line names what was found and what to do."""
    stack.state_file.write_text(content, encoding="utf-8")
    result = stack.run(*verb)
    assert (1, content) == (result.code, stack.state_file.read_text(encoding="utf-8"))
    assert fact in result.err
    assert result.err.count("\n") == 1


def test_a_checkpoint_with_invalid_resources_is_refused(stack: Workplace):
    """JSON of the right version can still be invalid as state."""
    content = json.dumps({"version": 3, "checkpoint": {"latest": {"resources": [{"no": "urn"}]}}})
    stack.state_file.write_text(content, encoding="utf-8")
    result = stack.run("up", "--yes", "--skip-preview")
    assert (1, content) == (result.code, stack.state_file.read_text(encoding="utf-8"))
    assert "failed to load checkpoint" in result.err


@pytest.mark.parametrize(
    ("files", "fact"),
    [
        ({"meta.yaml": "version: 2\n"}, "has layout version 2 but this engine supports only 1"),
        ({"meta.yaml": "version: [\n"}, "corrupt store"),
        ({"meta.yaml": "x: 1\n"}, "has layout version None"),
        ({"stacks/dev.json": "{}"}, "has the old layout without projects: run `pulumi state upgrade`"),
    ],
)
def test_another_layout_is_refused(place: Workplace, files: dict[str, str], fact: str):
    """A backend of an older or newer Pulumi is not changed."""
    for name, content in files.items():
        path = place.backend / ".pulumi" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    before = place.files()
    result = place.run("stack", "init", "dev")
    assert (1, before) == (result.code, place.files())
    assert fact in result.err


@pytest.mark.parametrize(
    ("url", "fact"),
    [
        ("", "set PULUMI_BACKEND_URL=file://"),
        ("s3://bucket", "this engine keeps state in files only"),
        ("https://api.pulumi.com", "this engine keeps state in files only"),
        ("file:///no/such/folder", "there is no folder /no/such/folder; create it"),
    ],
)
def test_a_backend_that_is_not_a_folder_is_refused(place: Workplace, monkeypatch: pytest.MonkeyPatch, url: str, fact: str):
    """The message names the variable to set."""
    monkeypatch.setenv("PULUMI_BACKEND_URL", url)
    result = place.run("stack", "ls")
    assert result.code == 1
    assert fact in result.err


def test_a_backend_may_be_relative_to_the_project(place: Workplace, monkeypatch: pytest.MonkeyPatch):
    """`file://./state` in the environment, or as `backend.url` of Pulumi.yaml."""
    (place.folder / "state").mkdir()
    monkeypatch.delenv("PULUMI_BACKEND_URL")
    place.write("Pulumi.yaml", "name: quill\nruntime: python\nbackend:\n  url: file://./state\n")
    place.done("stack", "init", "dev")
    assert (place.folder / "state" / ".pulumi" / "stacks" / "quill" / "dev.json").is_file()


def test_compressed_state_is_refused_by_name(stack: Workplace):
    """The stack exists, so no new one may be created in its place."""
    stack.state_file.rename(stack.state_file.with_suffix(".json.gz"))
    assert "is compressed, which this engine does not support" in stack.run("stack", "output").err


def test_every_save_keeps_the_state_before(stack: Workplace):
    """In `.bak`, with attributes that name its checksum, as Pulumi's file store does."""
    before = stack.state_file.read_bytes()
    stack.done("stack", "import", stdin=stack.done("stack", "export").out.replace("v3.", "v4."))
    files = stack.files()
    assert before == files[".pulumi/stacks/quill/dev.json.bak"] != files[".pulumi/stacks/quill/dev.json"]
    assert files[".pulumi/stacks/quill/dev.json.attrs"] != files[".pulumi/stacks/quill/dev.json.bak.attrs"]
    assert "md5" in json.loads(files[".pulumi/stacks/quill/dev.json.attrs"])


def test_a_save_leaves_no_other_files(stack: Workplace):
    """No temporary file and no lock."""
    stack.done("stack", "import", stdin=stack.done("stack", "export").out)
    assert not [name for name in stack.files() if ".tmp" in name or "/locks/" in name]


def test_an_unwritable_backend_is_an_error_of_one_line(stack: Workplace):
    """A lock that can't be written ends the command before anything is changed."""
    shutil.rmtree(stack.backend / ".pulumi" / "locks", ignore_errors=True)
    (stack.backend / ".pulumi" / "locks").write_text("a file where a folder should be", encoding="utf-8")
    before = stack.files()
    result = stack.run("up", "--yes", "--skip-preview")
    assert (1, before, 1) == (result.code, stack.files(), result.err.count("\n"))
    assert "could not lock the stack 'dev'" in result.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write where nobody may")
def test_a_read_only_backend_is_an_error_of_one_line(stack: Workplace):
    """A permission error is reported as one."""
    (stack.backend / ".pulumi").chmod(0o500)
    try:
        result = stack.run("stack", "init", "other")
    finally:
        (stack.backend / ".pulumi").chmod(0o700)
    assert result.code == 1
    assert "Permission denied" in result.err


def limit_files_to(size: int) -> None:
    """Makes every write beyond `size` bytes fail, as a full disk does."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_full_disk_leaves_the_state_unchanged(stack: Workplace, tmp_path: Path):
    """The write fails for real; the previous state is unchanged, the message says so, and no partial file is left."""
    before = stack.state_file.read_bytes()
    big = json.loads(stack.done("stack", "export").out)
    big["deployment"]["metadata"] = {"filler": "x" * 200_000}
    (tmp_path / "big.json").write_text(json.dumps(big), encoding="utf-8")
    process = stack.process("stack", "import", "--file", str(tmp_path / "big.json"), preexec_fn=lambda: limit_files_to(50_000))
    _, err = process.communicate(timeout=60)
    assert (1, before) == (process.returncode, stack.state_file.read_bytes())
    assert "could not save the state" in err
    assert "the previous state is unchanged" in err
    assert not [name for name in stack.files() if ".tmp" in name or "/locks/" in name]


def test_a_run_that_cannot_save_stops_and_keeps_the_state(stack: Workplace):
    """A program whose outputs no longer fit on the disk: the run ends with an error of one line, not a traceback."""
    stack.write("__main__.py", "import pulumi\npulumi.export('filler', 'x' * 200_000)\n")
    before = stack.state_file.read_bytes()
    process = stack.process("up", "--yes", "--skip-preview", preexec_fn=lambda: limit_files_to(50_000))
    _, err = process.communicate(timeout=60)
    assert (1, before) == (process.returncode, stack.state_file.read_bytes())
    assert "the previous state is unchanged" in err
    assert "Traceback" not in err


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path):
    """If the new content can't be written, the old file stays and no temporary file is left."""
    path = tmp_path / "state"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path / "folder", b"x")
    assert (path.read_bytes(), sorted(entry.name for entry in tmp_path.iterdir())) == (b"new", ["folder", "state"])
