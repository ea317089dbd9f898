"""Fixtures of the engine's tests: a project with its own backend, and the engine run as a command."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.engine.cli.main import main
from sandbox.engine.cli.parser import parse
from sandbox.engine.cli.workspace import Workspace
from tests.kit.repository import ROOT, SHARED
from tests.kit.warm_start import warm_children

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = "quill"


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The standard output, read as JSON."""
        return json.loads(self.out)


@dataclass
class Workplace:
    """A project folder, a backend and an environment; commands run in this process unless they state another one."""

    folder: Path
    backend: Path
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str) -> Path:
        """Makes a file of the project."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, *argv: str, stdin: str = "") -> Result:
        """A command of the engine, as `python -m sandbox.engine` runs it."""
        self.capsys.readouterr()
        self.monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with warm_children():
            code = main([*argv, "--cwd", str(self.folder)])
        out, err = self.capsys.readouterr()
        return Result(code, out, err)

    def done(self, *argv: str, stdin: str = "") -> Result:
        """A command that must succeed."""
        result = self.run(*argv, stdin=stdin)
        assert (result.code, result.err) == (0, ""), result
        return result

    def process(self, *argv: str, **options: Any) -> subprocess.Popen[str]:
        """A command of the engine in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "sandbox.engine", *argv, "--cwd", str(self.folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            **options,
        )

    def pulumi(self, *argv: str, stdin: str = "") -> Result:
        """A command of the real CLI in the same world."""
        program = real_cli()
        done = subprocess.run(
            [program, *argv, "--cwd", str(self.folder), "--non-interactive"], capture_output=True, text=True, input=stdin, check=False
        )
        return Result(done.returncode, done.stdout, done.stderr)

    @property
    def state_file(self) -> Path:
        """The checkpoint of the stack dev."""
        return self.backend / ".pulumi" / "stacks" / PROJECT / "dev.json"

    @property
    def checkpoint(self) -> Any:
        """What the checkpoint of the stack dev holds."""
        return json.loads(self.state_file.read_text(encoding="utf-8"))

    def files(self) -> dict[str, bytes]:
        """Everything in the backend, by path."""
        return {str(path.relative_to(self.backend)): path.read_bytes() for path in self.backend.rglob("*") if path.is_file()}


def real_cli() -> str:
    """The pulumi CLI on PATH; without one the test is left out, and says so."""
    program = shutil.which("pulumi")
    if program is None:
        pytest.skip("needs the pulumi CLI: there is none on PATH")
    return program


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """An empty project named quill, with its backend and home beside it."""
    folder, backend, home = tmp_path / "project", tmp_path / "backend", tmp_path / "home"
    for path in (folder, backend, home):
        path.mkdir()
    (folder / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n", encoding="utf-8")
    for name in list(os.environ):
        if name.startswith("PULUMI_"):
            monkeypatch.delenv(name)
    settings = {
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_CONFIG_PASSPHRASE": "correct horse",
        "PULUMI_HOME": str(home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "NO_COLOR": "1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return Workplace(folder, backend, capsys, monkeypatch)


@pytest.fixture(scope="session")
def made_stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a backend and settings as `stack init dev` creates them: created once, because a key takes time to derive."""
    folder = tmp_path_factory.mktemp("initialized")
    backend = folder / "backend"
    backend.mkdir()
    (folder / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n", encoding="utf-8")
    world = {
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_CONFIG_PASSPHRASE": "correct horse",
        "PULUMI_HOME": str(folder / "home"),
    }
    args = parse(["stack", "init", "dev", "--cwd", str(folder)])
    args.run(Workspace(args, environment=world, stdout=io.StringIO()))
    return folder


@pytest.fixture
def stack(place: Workplace, made_stack: Path) -> Workplace:
    """The same with a stack named dev, selected."""
    shutil.copytree(made_stack / "backend", place.backend, dirs_exist_ok=True)
    shutil.copy(made_stack / "Pulumi.dev.yaml", place.folder)
    place.done("stack", "select", "dev")
    return place


@pytest.fixture
def traces() -> Path:
    """The recordings of the real engine, where they are."""
    folder = SHARED / "engine-traces"
    if not folder.is_dir():
        pytest.skip(f"needs the recordings of the real engine: there is no {folder}")
    return folder
