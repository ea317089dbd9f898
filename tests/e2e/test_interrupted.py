"""`make up` and `make down` in a clone: interrupted, killed, and again; no file under version control changes."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.engine.cli.main import command
from tests.kit.repository import ROOT
from tests.kit.terminal import CTRL_C, on_a_terminal

_PROJECT = "name: words\nruntime: {name: python, options: {virtualenv: .venv}}\nstackConfigDir: stacks\n"
_PROGRAM = """import os
import pathlib
import time

import pulumi

pulumi.export("word", pulumi.Output.secret("hush"))
if os.environ.get("HANG"):
    pathlib.Path(os.environ["HANG"]).touch()
    time.sleep(600)
"""


class Clone:
    """A repository with a program of two lines, this project's Makefile and stack settings, and no Pulumi CLI."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.begun = folder / "clone", folder / "begun"
        (self.folder / "stacks").mkdir(parents=True)
        (self.folder / "Pulumi.yaml").write_text(
            "name: words\nruntime: {name: python, options: {virtualenv: .venv}}\nstackConfigDir: stacks\n"
        )
        (self.folder / "stacks" / "Pulumi.sandbox.yaml").write_text("config:\n  words:greeting: hello\n")
        (self.folder / "__main__.py").write_text(_PROGRAM)
        for name in ("Makefile", ".gitignore"):
            shutil.copy(ROOT / name, self.folder)
        self._git("init", "-q")
        self._git("add", "-A")
        self._git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "a program")
        (self.folder / ".venv").symlink_to(sys.prefix)
        (self.folder / ".git" / "info" / "exclude").write_text(".venv\n")  # .gitignore names a folder, and this is a link
        path = os.pathsep.join(one for one in os.environ["PATH"].split(os.pathsep) if not (Path(one) / "pulumi").exists())
        (folder / "home").mkdir()
        self.environment = {"PATH": path, "HOME": str(folder / "home"), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}

    def _git(self, *arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=self.folder, check=True, capture_output=True, text=True).stdout

    def changed(self) -> str:
        """What `git status` shows."""
        return self._git("status", "--short")

    def make(self, target: str) -> list[str]:
        """The command line of a target; its virtual environment is there already."""
        return ["make", "--no-print-directory", "-o", ".venv/sandbox.stamp", target]

    def run(self, *command: str) -> str:
        """What a command prints."""
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def sandbox(self, *arguments: str) -> str:
        """What `python -m sandbox` prints."""
        return self.run(".venv/bin/python", "-m", "sandbox", *arguments)

    def hanging(self) -> dict[str, str]:
        """The environment in which the program hangs once it has begun."""
        self.begun.unlink(missing_ok=True)
        return self.environment | {"HANG": str(self.begun)}

    def kill_a_run(self) -> int:
        """Start `up`, and kill it with -9 once the program runs; returns its process id."""
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen([".venv/bin/python", "-m", "sandbox", "up"], cwd=self.folder, env=self.hanging(), **silent)
        deadline = time.monotonic() + 120
        while not self.begun.exists():
            assert (process.poll(), time.monotonic() < deadline) == (None, True)
            time.sleep(0.02)
        process.kill()
        process.wait()
        return process.pid

    def engine(self, *arguments: str) -> None:
        """Run the embedded engine in the shell for which `python -m sandbox env` is meant. Here it is this process, which is faster."""
        variables = dict(line.removeprefix("export ").split("=", 1) for line in self.sandbox("env").splitlines())
        environment = self.environment | {name: value.strip("'") for name, value in variables.items()}
        out, err = io.StringIO(), io.StringIO()
        code = command([*arguments, "--stack", "sandbox", "--cwd", str(self.folder)], environment=environment, stdout=out, stderr=err)
        assert code == 0, out.getvalue() + err.getvalue()

    def locks(self) -> list[Path]:
        """The stack's locks."""
        return [path for path in (self.folder / ".sandbox" / "state" / ".pulumi" / "locks").rglob("*.json") if path.name[0] != "."]


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    """A clone; its local Azure is stopped at the end."""
    created = Clone(tmp_path)
    yield created
    created.sandbox("stop")


def test_make_up_interrupted_killed_and_again(clone: Clone) -> None:
    """Ctrl-C leaves no lock, traceback or hidden cursor, and local Azure running. The lock of a run killed by -9 is taken over.

    No command changes a tracked file, `make down` works as often as it is run, and its hint is a command that exists.
    """
    ended = on_a_terminal(clone.make("up"), clone.folder, clone.hanging(), [(clone.begun.exists, CTRL_C)])
    assert (ended.code, "error: update canceled" in ended.text) == (-signal.SIGINT, True), ended.text
    assert ("Traceback" in ended.text, ended.cursor_is_visible, clone.locks()) == (False, True, [])
    assert "control" in clone.sandbox("status")

    killed = clone.kill_a_run()
    assert len(clone.locks()) == 1
    printed = clone.run(*clone.make("up"))
    assert re.findall(r"took over the lock of a run that was killed: \S+ \(pid (\d+)\)", printed) == [str(killed)]
    assert clone.locks() == []

    assert json.loads(clone.sandbox("pulumi", "stack", "output", "--json")) == {"word": "[secret]"}
    for verb in (("preview",), ("up", "--yes", "--skip-preview"), ("stack", "export")):
        clone.engine(*verb)
        assert clone.changed() == "", verb

    hint = clone.run(*clone.make("down")).partition("remove the stack completely, run `")[2].partition("`")[0]
    assert "nothing to destroy\nlocal Azure was not running" in clone.run(*clone.make("down"))
    assert "'sandbox' has been removed" in clone.run(*hint.split(), "--yes")
    assert "does not exist here: nothing to destroy" in clone.run(*clone.make("down"))
    assert clone.changed() == ""


_CLI = """trap 'echo stopping; trap "" INT TERM; touch "$ENDING"; exit 8' INT TERM
touch "$BEGUN"
while true; do read -t 0.02 <> <(:) || true; done
"""
_STARTER = """import os, pathlib, sys
from sandbox.program import run_cli
sys.exit(run_cli(["bash", "-c", sys.argv[1]], os.environ, pathlib.Path()))
"""


@pytest.mark.parametrize("how", ["a terminal's Ctrl-C", "SIGTERM to the starter alone"])
def test_a_cli_that_was_started_ends_in_its_own_time(tmp_path: Path, how: str) -> None:
    """Pulumi's CLI, for which a script stands in here, is not killed: it gets the signal once, and its exit code is passed on."""
    begun, ending = tmp_path / "begun", tmp_path / "ending"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "BEGUN": str(begun), "ENDING": str(ending)}
    stop: Any = CTRL_C if how.startswith("a terminal") else lambda process: process.send_signal(signal.SIGTERM)
    ended = on_a_terminal([sys.executable, "-c", _STARTER, _CLI], tmp_path, environment, [(begun.exists, stop)])
    assert (ended.code, ended.text.count("stopping"), ending.exists()) == (8, 1, True), ended.text
    assert "Traceback" not in ended.text
