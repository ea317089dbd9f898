"""Says how a worker of pytest ended that did not end as usual: by which signal, and in which line if Python could tell.

pytest-xdist reports such an end as "worker 'gw1' crashed" and nothing else. A test that hangs ends its worker too, so that a run ends by
itself and its report has the line that waits.
"""

import faulthandler
import subprocess
import tempfile
from collections.abc import Generator
from pathlib import Path
from signal import Signals
from typing import IO, Any

import pytest

_FOLDER = pytest.StashKey["tempfile.TemporaryDirectory[str]"]()
_FAULTS = pytest.StashKey[IO[str]]()
_ENDS = pytest.StashKey[list[str]]()
_FOLDER_OF_FAULTS = "hubtrust_faults"
_LONGEST = "longest_test"  # pytest's setting


def pytest_addoption(parser: pytest.Parser) -> None:
    """The setting, so that the test of this file need not wait for long."""
    what = "seconds after which a worker ends by itself with the test that it runs; the longest scenario of the fault matrix takes minutes"
    parser.addini(_LONGEST, what, default="1200")


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist, without which some tests start pytest
def pytest_configure_node(node: Any) -> None:
    """Give each worker a file for what Python says of a fault in a library."""
    stash = node.config.stash
    if _FOLDER not in stash:
        stash[_FOLDER] = tempfile.TemporaryDirectory(prefix="faults-")
    node.workerinput[_FOLDER_OF_FAULTS] = stash[_FOLDER].name


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """In a worker: write faults to its file. pytest writes them to standard error, where nobody finds them among thousands of lines."""
    given = getattr(config, "workerinput", {})
    if _FOLDER_OF_FAULTS in given:
        config.stash[_FAULTS] = Path(given[_FOLDER_OF_FAULTS], given["workerid"]).open("w", encoding="utf-8")  # noqa: SIM115 - until the worker ends
        faulthandler.enable(config.stash[_FAULTS])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let no test of a worker take for ever."""
    if _FAULTS not in item.config.stash:
        return (yield)
    faulthandler.dump_traceback_later(float(item.config.getini(_LONGEST)), exit=True, file=item.config.stash[_FAULTS])
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    if _FAULTS in config.stash:
        faulthandler.disable()
        config.stash[_FAULTS].close()
    if _FOLDER in config.stash:
        config.stash[_FOLDER].cleanup()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Note how a worker ended that was not asked to."""
    if error is None:
        return
    found = Path(node.config.stash[_FOLDER].name, node.gateway.id)
    text = found.read_text(encoding="utf-8", errors="replace") if found.exists() else ""
    how = _ended(node.gateway._io.popen)
    node.config.stash.setdefault(_ENDS, []).append(f"{node.gateway.id} {how}\n{text}")


def _ended(process: "subprocess.Popen[bytes]") -> str:
    try:
        code = process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return "closed the connection to pytest, and had not ended ten seconds later"
    return f"ended by {Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Report it at the end, beside the failed test."""
    ends = config.stash.get(_ENDS, [])
    if ends:
        terminalreporter.section("workers that ended before their tests")
        for each in ends:
            terminalreporter.line(each)
