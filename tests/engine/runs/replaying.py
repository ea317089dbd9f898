"""Replays recorded scenarios, and repeats the random values of the recording.

Two things in the recordings are chance: what independent resources got done before another one failed, and what a kill after
some seconds met. What follows them depends on it. Here the failing call fails, and the kill comes, when the world and the calls
stand as recorded: the same on an idle machine and on a loaded one.
"""

from __future__ import annotations

import importlib.util
import io
import subprocess
import time
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sandbox.engine.cli.main import command
from tests.kit.warm_start import warm_children

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATIENCE = 120  # seconds
# At the end of the recorded provider's module: a call that will fail waits until the others have come as far as they had.
FAILS_AS_RECORDED = f"""
def _failing_as_recorded(method):
    def call(self, *args):
        recorded, deadline = Path(os.environ["RECORDED_WORLD"]), time.monotonic() + {PATIENCE}
        if args[-1].get("value") == "explodes" and recorded.exists():
            while set(json.loads(recorded.read_text())) - set(_load()) and time.monotonic() < deadline:
                time.sleep(0.02)
        return method(self, *args)
    return call

ThingProvider.create = _failing_as_recorded(ThingProvider.create)
"""


def replay(traces: Path, scenario: str, engine: list[str], python: Path, work: Path) -> tuple[int, list[str]]:
    """Replay a scenario: how many runs there were, and every difference from the recording.

    Args:
        traces: the folder of the recordings.
        scenario: which one.
        engine: the command of the engine.
        python: the interpreter of the virtual environment that the programs run in.
        work: an empty folder.
    """
    script = _script(traces / "replay.py")
    # Only what is to be killed gets a process of its own.
    script.subprocess = SimpleNamespace(**{**vars(subprocess), "run": partial(_here, engine)})
    player = script.Replay(engine, python, traces / scenario, work)
    with (player.folder / "world.py").open("a") as out:
        out.write(FAILS_AS_RECORDED)
    player.run = partial(_run, script, player, player.run)
    player.all()
    return player.runs, player.differences


def _script(path: Path) -> Any:
    """The replaying script, as a module."""
    spec = importlib.util.spec_from_file_location("replay", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _here(engine: list[str], full: list[str], *, env: dict[str, str], **_: Any) -> subprocess.CompletedProcess[str]:
    """A command of the engine in this process: none of its own to start, and no key to derive a second time."""
    out, err = io.StringIO(), io.StringIO()
    with warm_children():
        code = command(full[len(engine) :], environment=env, stdout=out, stderr=err)
    return subprocess.CompletedProcess(full, code, out.getvalue(), err.getvalue())


def _run(script: Any, player: Any, run: Callable[[dict[str, Any]], None], step: dict[str, Any]) -> None:
    """A run; where the script waits some seconds before it kills, it waits for the calls that the recording has by then."""
    stem = player.scenario / f"{step['run']:02}"
    player.env["RECORDED_WORLD"] = f"{stem}.world.json"
    calls = script.calls(stem.with_suffix(".calls.jsonl")).total()
    log = player.world / "calls.jsonl"

    def until_called(_seconds: float) -> None:
        deadline = time.monotonic() + PATIENCE
        while not log.exists() or log.read_text().count("\n") < calls:
            assert time.monotonic() < deadline, "the calls that were under way at the kill never came"
            time.sleep(0.02)

    script.time = SimpleNamespace(sleep=until_called)
    run(step)
