"""A process that starts warm is like one that starts as usual; a sample has one case of each kind."""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.kit import samples
from tests.kit.repository import ROOT
from tests.kit.warm_start import start_server, started_warm

ONLY_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="processes start warm on Linux alone")
_SHOWN = """
import os, sys, time
print(__name__, sys.argv, os.getcwd(), os.environ.get("ASKED"), os.environ.get("HOME"), sys.path[:2], sys.stdin.read(), flush=True)
sys.stderr.write("an error")
sys.exit(7)
"""
_WAITS = "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)\n"
_FORKED = "import sys\nprint('pulumi' in sys.modules)\n"


def _run(command: list[str], folder: Path, **variables: str) -> tuple[int, str, str]:
    own: dict[str, Any] = {"cwd": folder, "env": {**os.environ, **variables}, "input": "typed"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **own)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("how", [["-u", "{}/shown.py", "a b"], ["{}/shown.py"], ["-m", "shown", "a"], ["{}/folder", "a"]], ids=" ".join)
def test_it_is_what_it_would_be(tmp_path: Path, how: list[str]) -> None:
    """The command line, the folder, the variables, the import path, the streams and the exit code."""
    (tmp_path / "folder").mkdir()
    for file in ("shown.py", "folder/__main__.py"):
        (tmp_path / file).write_text(_SHOWN)
    command = [sys.executable, *(word.format(tmp_path) for word in how)]
    usual = _run(command, tmp_path, ASKED="yes")
    assert (usual[0], usual[2]) == (7, "an error")
    assert _run(started_warm(command), tmp_path, ASKED="yes") == usual


@ONLY_LINUX
def test_it_is_a_fork_where_nothing_else_is_asked_for(tmp_path: Path) -> None:
    """Other options, import paths and interpreters start as usual."""
    (tmp_path / "forked.py").write_text(_FORKED)
    other = tmp_path / "other"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "--symlinks", str(other)], check=True)
    script = str(tmp_path / "forked.py")
    for command, variables, expected in (
        ([sys.executable, script], {}, "True"),
        ([sys.executable, script], {"PYTHONPATH": str(ROOT)}, "True"),
        ([sys.executable, script], {"PYTHONPATH": str(tmp_path)}, "False"),
        ([sys.executable, script], {"PYTHONWARNINGS": "error"}, "False"),
        ([sys.executable, "-S", script], {}, "False"),
        ([str(other / "bin/python"), script], {}, "False"),
    ):
        assert _run(started_warm(command), tmp_path, **variables) == (0, f"{expected}\n", ""), (command, variables)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_a_signal_ends_it(tmp_path: Path, number: signal.Signals) -> None:
    """The process that was started ends as the signal says, and the real one with it."""
    (tmp_path / "waits.py").write_text(_WAITS)
    command = started_warm([sys.executable, str(tmp_path / "waits.py")])
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        real = int(process.stdout.readline())
        process.send_signal(number)
        assert process.wait(120) == -number
    end = time.monotonic() + 120
    while Path(f"/proc/{real}").exists():
        assert time.monotonic() < end, "the fork outlives its child"
        time.sleep(0.01)


@ONLY_LINUX
def test_children_that_are_killed_at_any_moment_harm_no_other(tmp_path: Path) -> None:
    """Before they are a fork, while it starts and as it ends; the next command is a fork nevertheless, and none is left."""
    (tmp_path / "forked.py").write_text(_FORKED)
    command = started_warm([sys.executable, str(tmp_path / "forked.py")])
    for number in (signal.SIGKILL, signal.SIGTERM):
        for moment in range(12):
            with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
                time.sleep(moment * 0.005)
                process.send_signal(number)
                assert process.stdout is not None
                process.stdout.read()  # to its end: then the fork has ended too
    assert _run(command, tmp_path) == (0, "True\n", "")


@ONLY_LINUX
def test_the_output_of_a_child_that_is_killed_while_it_asks_ends() -> None:
    """The server has been given the child's streams before it knows the whole command; it keeps none of them."""
    start_server()
    reading, writing = os.pipe()
    with socket.socket(socket.AF_UNIX) as child:
        child.connect(f"\0hubtrust-warm-start-{os.getpid()}")
        socket.send_fds(child, [(1000).to_bytes(8, "little")], [writing] * 3)
        child.sendall(b"not a thousand")
    os.close(writing)
    try:
        ended, _, _ = select.select([reading], [], [], 120)
        assert ended, "the server has the output open"
        assert os.read(reading, 1) == b""
    finally:
        os.close(reading)


@pytest.mark.parametrize("seed", range(20))
def test_a_sample_has_one_case_of_each_kind(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """As many cases as were asked for run; the others are left out with a reason."""
    monkeypatch.setattr(samples, "SEED", seed)
    monkeypatch.setattr(samples, "WHOLE", False)
    cases = ["a1", "b1", "b2", "b3", "b4", "c1", "c2"]
    chosen = [case for case in samples.sampled(cases, 4, lambda case: case[0]) if isinstance(case, str)]
    assert len(chosen) == 4
    assert {case[0] for case in chosen} == {"a", "b", "c"}
    assert samples.sampled(cases, 4, lambda case: case[0])[0] == "a1"


def test_a_whole_run_has_all_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left out."""
    monkeypatch.setattr(samples, "WHOLE", True)
    assert samples.sampled(["a1", "b1"], 1) == ["a1", "b1"]
    assert samples.one_of({"x": 1, "y": 2}, "a test") == {"x": 1, "y": 2}
