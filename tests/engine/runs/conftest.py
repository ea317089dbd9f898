"""Stacks to run: a program of its own, a world of its own, an engine, in one temporary folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.kit.embedded_engine import PATIENCE, engine
from tests.kit.repository import EMBEDDED_ENGINE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROGRAMS = Path(__file__).parent / "programs"
EMBEDDED = [*EMBEDDED_ENGINE]


class Stack:
    """A project with one stack `dev`, driven as the CLI is, by `command`."""

    def __init__(self, folder: Path, command: list[str]) -> None:
        self.folder, self.command = folder, command
        self._started = list[subprocess.Popen[str]]()
        self.ledger = folder / "ledger"
        self.ledger.mkdir()
        (folder / "backend").mkdir()
        program = folder / "program"
        program.mkdir()
        shutil.copy(PROGRAMS / "ledger.py", program)
        venv = Path(sys.prefix)
        (program / "Pulumi.yaml").write_text(f"name: books\nruntime:\n  name: python\n  options:\n    virtualenv: {venv}\n")
        self.program = program
        self.env = {
            **{key: item for key, item in os.environ.items() if not key.startswith(("PULUMI", "PYTHON"))},
            "LEDGER": str(self.ledger),
            "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "correct horse",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "NO_COLOR": "1",
        }
        self.write("import ledger\n")

    def write(self, text: str) -> None:
        """Give it another program."""
        (self.program / "__main__.py").write_text(text)

    def plan(self, items: list[dict[str, Any]]) -> None:
        """Give it the program that declares these entries."""
        (self.ledger / "plan.json").write_text(json.dumps(items))
        shutil.copy(PROGRAMS / "planned.py", self.program / "__main__.py")

    def trap(self, call: int, when: str, do: str) -> None:
        """Set a trap for the provider's n-th call."""
        (self.ledger / "trap.json").write_text(json.dumps({"call": call, "when": when, "do": do}))

    def disarm(self) -> None:
        """Take the trap away."""
        (self.ledger / "trap.json").unlink()

    def call(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the CLI; what it printed and its exit code. The embedded engine runs in this process: that is cheaper."""
        (self.ledger / "calls.jsonl").unlink(missing_ok=True)
        if self.command == EMBEDDED:
            return engine([*args, "--cwd", str(self.program)], self.env)
        return subprocess.run(
            [*self.command, *args], cwd=self.program, env=self.env, capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    def verb(self, verb: str, *args: str) -> subprocess.CompletedProcess[str]:
        """Run up, refresh or destroy without asking, or a preview."""
        yes = [] if verb == "preview" else ["--yes", "--skip-preview"]
        return self.call(verb, *yes, "--stack", "dev", "--non-interactive", *args)

    def start(self, verb: str, *args: str) -> subprocess.Popen[str]:
        """Start a verb in the background; its process id is where the traps look for it."""
        (self.ledger / "calls.jsonl").unlink(missing_ok=True)
        process = subprocess.Popen(
            [*self.command, verb, "--yes", "--skip-preview", "--stack", "dev", "--non-interactive", *args],
            cwd=self.program,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        (self.ledger / "engine.pid").write_text(str(process.pid))
        return process

    def end(self) -> None:
        """Nothing that was started outlives its test, not even when that fails."""
        for process in self._started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    def exported(self) -> dict[str, Any]:
        """The state."""
        done = self.call("stack", "export", "--show-secrets", "--stack", "dev")
        assert done.returncode == 0, done.stdout + done.stderr
        deployment: dict[str, Any] = json.loads(done.stdout)["deployment"]
        return deployment

    def known(self) -> set[str]:
        """Ids of all entries that the state says are there.

        One with `pendingReplacement` is not: it was deleted to be replaced, and the run ended before its replacement was created.
        """
        entries = [item for item in self.exported().get("resources", []) if item.get("id") and "ledger" in item["type"]]
        return {item["id"] for item in entries if not item.get("pendingReplacement")}

    def world(self) -> dict[str, Any]:
        """All entries that are there, by id."""
        return {path.stem: json.loads(path.read_text()) for path in self.ledger.glob("*.entry")}

    def calls(self, *methods: str) -> list[str]:
        """`method name` of each of the last run's provider calls."""
        return [f"{row['method']} {row['name']}" for row in self._rows() if not methods or row["method"] in methods]

    def processes(self) -> set[int]:
        """The processes that served the last run's provider calls."""
        return {row["process"] for row in self._rows()}

    def _rows(self) -> list[dict[str, Any]]:
        log = self.ledger / "calls.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def wait_for(self, name: str, process: subprocess.Popen[str], content: str = "") -> None:
        """Wait until a file appears in the ledger, with this content."""
        deadline = time.monotonic() + PATIENCE
        while not (self.ledger / name).exists() or content not in (self.ledger / name).read_text():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline, f"{name} never appeared"
            time.sleep(0.02)


def _initialised(stack: Stack) -> Stack:
    done = stack.call("stack", "init", "dev")
    assert done.returncode == 0, done.stdout + done.stderr
    return stack


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """A new stack, to be copied: a key takes time to derive, and all copies have the same one."""
    return _initialised(Stack(tmp_path_factory.mktemp("template"), EMBEDDED))


def _copied(template: Stack, folder: Path) -> Stack:
    stack = Stack(folder, EMBEDDED)
    shutil.copytree(template.folder / "backend", folder / "backend", dirs_exist_ok=True)
    shutil.copy(template.program / "Pulumi.dev.yaml", stack.program)
    return stack


@pytest.fixture
def embedded(tmp_path: Path, template: Stack) -> Iterator[Stack]:
    """A stack run by the embedded engine."""
    stack = _copied(template, tmp_path)
    yield stack
    stack.end()


@pytest.fixture(params=["embedded", "pulumi"])
def stack(request: pytest.FixtureRequest, tmp_path: Path, template: Stack) -> Iterator[Stack]:
    """A stack run by the embedded engine, and by Pulumi's own CLI where there is one: both must agree."""
    found = shutil.which("pulumi")
    if request.param == "pulumi" and found is None:
        pytest.skip("there is no `pulumi` on PATH to agree with")
    stack = _copied(template, tmp_path) if request.param == "embedded" else _initialised(Stack(tmp_path, [str(found)]))
    yield stack
    stack.end()


@pytest.fixture
def interrupt() -> Callable[[subprocess.Popen[str]], None]:
    """Press Ctrl-C."""
    return lambda process: process.send_signal(signal.SIGINT)


@pytest.fixture
def make_embedded(template: Stack) -> Callable[[Path], Stack]:
    """Makes stacks for tests that need one for each example."""
    return lambda folder: _copied(template, folder)
