"""One writer at a time."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shlex
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from sandbox.engine.state.backend import FileBackend, StackRef
from sandbox.engine.state.lock import LockedError, locked
from tests.kit.repository import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Workplace

NOW = "2026-01-02T03:04:05Z"


def backend_at(folder: Path) -> FileBackend:
    return FileBackend(folder, f"file://{folder}")


def locks(place: Workplace) -> list[str]:
    return [name for name in place.files() if "/locks/" in name and name.endswith(".json")]


@pytest.mark.parametrize(
    "verb", [("up", "--yes", "--skip-preview"), ("destroy", "--yes"), ("refresh", "--yes"), ("stack", "import"), ("stack", "rm", "--yes")]
)
def test_a_second_writer_is_refused_with_the_words_of_the_cli(stack: Workplace, verb: tuple[str, ...]):
    """The error names the holder, the time and a command that there is; nothing is changed."""
    with locked(backend_at(stack.backend), StackRef("quill", "dev"), lambda: NOW):
        before = stack.files()
        result = stack.run(*verb, stdin=stack.done("stack", "export").out)
        assert before == stack.files()
    assert result.code == 1
    assert (
        "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock file with `"
    ) in result.err
    assert f"-m sandbox.engine cancel --yes --stack dev --cwd {stack.folder}`." in result.err
    assert f"(pid {os.getpid()}) at {NOW}" in result.err


def test_reading_ignores_a_lock(stack: Workplace):
    """A preview and the outputs work during another run."""
    stack.write("__main__.py", "import pulumi\n")
    with locked(backend_at(stack.backend), StackRef("quill", "dev"), lambda: NOW):
        assert [stack.run(*verb).code for verb in (("preview",), ("stack", "output"), ("stack", "ls"))] == [0, 0, 0]


def test_another_stack_is_not_locked(stack: Workplace):
    """The lock is the stack's, not the project's."""
    with locked(backend_at(stack.backend), StackRef("quill", "prod"), lambda: NOW):
        stack.done("stack", "import", stdin=stack.done("stack", "export").out)


def test_the_lock_is_released_also_after_an_error(stack: Workplace):
    """The lock is released even if the block fails."""
    with pytest.raises(ZeroDivisionError), locked(backend_at(stack.backend), StackRef("quill", "dev"), lambda: NOW):
        1 / 0  # noqa: B018 - any error
    assert locks(stack) == []


def test_of_two_locks_the_later_is_released(tmp_path: Path):
    """The first keeps its lock; the error for a third one counts both."""
    backend, ref = backend_at(tmp_path), StackRef("quill", "dev")
    with locked(backend, ref, lambda: NOW):
        with pytest.raises(LockedError, match="1 lock"), locked(backend, ref, lambda: NOW):
            pass
        assert len(list(backend.files("locks", ref))) == 1


def test_an_unreadable_lock_still_counts(stack: Workplace):
    """An incomplete lock file still counts as a lock."""
    folder = backend_at(stack.backend).folder("locks", StackRef("quill", "dev"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "x.json").write_text("{", encoding="utf-8")
    result = stack.run("up", "--yes", "--skip-preview")
    assert result.code == 1
    assert "an unknown user: the lock file can't be read" in result.err


def test_a_killed_writers_lock_is_taken_over(stack: Workplace):
    """Kill -9 in the middle of a run: the next one says whose lock it takes over, and succeeds."""
    program = stack.write("__main__.py", "import pathlib, time\npathlib.Path('begun').touch()\ntime.sleep(600)\n")
    process = stack.process("up", "--yes", "--skip-preview", start_new_session=True)
    deadline = time.monotonic() + 60
    while not (stack.folder / "begun").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    assert "currently locked by 1 lock(s)" in stack.run("destroy", "--yes").err, "it lives"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert len(locks(stack)) == 1
    program.write_text("import pulumi\n", encoding="utf-8")
    result = stack.run("up", "--yes", "--skip-preview")
    assert (result.code, locks(stack)) == (0, [])
    assert re.fullmatch(rf"warning: took over the lock of a run that was killed: \S+@\S+ \(pid {process.pid}\) at \S+\n", result.err)


@pytest.mark.parametrize(
    "owner",
    [
        {"hostname": "elsewhere"},  # another machine
        {"boot": "an earlier one"},  # a machine of the same name, or this one before its last start
        {"boot": None},  # Pulumi's CLI
    ],
)
def test_a_lock_whose_writer_may_live_stays_until_cancel(stack: Workplace, owner: dict[str, str | None]):
    """No process of this id is here; that proves nothing. The command in the error removes the lock."""
    backend, ref = backend_at(stack.backend), StackRef("quill", "dev")
    with locked(backend, ref, lambda: NOW):
        content = json.loads(next(backend.files("locks", ref)).read_bytes())
    found = {name: value for name, value in (content | {"pid": 2**22 + 1} | owner).items() if value is not None}
    backend.write(backend.folder("locks", ref) / "x.json", json.dumps(found).encode())
    stack.write("__main__.py", "import pulumi\n")
    refused = stack.run("up", "--yes", "--skip-preview")
    assert (refused.code, len(locks(stack))) == (1, 1)
    named = re.search(r"delete the lock file with `(.+)`", refused.err)
    assert named, refused.err
    done = subprocess.run(shlex.split(named[1]), cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout == "The currently running update for 'dev' has been canceled!\n"
    assert stack.run("up", "--yes", "--skip-preview").code == 0


def test_a_file_system_without_locks_never_has_one_taken_over(stack: Workplace, monkeypatch: pytest.MonkeyPatch):
    """Where a second process could hold the file too, its being free says nothing."""
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    backend, ref = backend_at(stack.backend), StackRef("quill", "dev")
    with locked(backend, ref, lambda: NOW), pytest.raises(LockedError, match="1 lock"), locked(backend, ref, lambda: NOW):
        pass


def test_the_real_cli_and_this_engine_respect_each_others_locks(stack: Workplace):
    """It is refused with the same message, and this engine respects a lock file of the CLI."""
    backend, ref = backend_at(stack.backend), StackRef("quill", "dev")
    with locked(backend, ref, lambda: NOW):
        content = json.loads(next(backend.files("locks", ref)).read_bytes())
        there = stack.pulumi("stack", "import", stdin=stack.done("stack", "export").out)
        here = stack.run("stack", "import", stdin=stack.done("stack", "export").out)
    assert {"pid", "username", "hostname", "timestamp", "boot"} == set(content)
    ours = re.sub(r"`.*`", "`pulumi cancel`", here.err.removeprefix("error: ").strip())
    assert ours in there.err.replace("?no_tmp_dir=true", "")
