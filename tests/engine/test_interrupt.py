"""Ctrl-C, SIGTERM and SIGHUP: the first ends a run in order, the second at once, and nothing is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sandbox.engine.cli.interrupt import Interrupts
from sandbox.engine.errors import CancelledError
from tests.kit.repository import ROOT
from tests.kit.terminal import CTRL_C, on_a_terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Workplace

HANGING = "import pathlib, time\npathlib.Path('begun').touch()\ntime.sleep(600)\n"
# The first Ctrl-C does not end it. At a second one the terminal drops what nobody has read yet: that must not be the end of the run.
STUBBORN = f"import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n{HANGING}"


class Messages:
    """A display that keeps what it is told."""

    def __init__(self, at_the_first: Callable[[], None] = lambda: None) -> None:
        self.told, self._at_the_first = list[str](), at_the_first

    def show(self, event: object) -> None:
        """There are no events."""

    def notice(self, text: str) -> None:
        """A message."""
        self.told.append(text.split(";", maxsplit=1)[0])
        if len(self.told) == 1:
            self._at_the_first()

    def close(self) -> None:
        """Nothing is left."""


def send(number: int) -> None:
    os.kill(os.getpid(), number)


def test_a_second_interrupt_counts_while_the_first_is_handled() -> None:
    """A second Ctrl-C during the first message counts as the second; no third one is needed."""
    messages = Messages(lambda: send(signal.SIGINT))
    interrupts = Interrupts(messages)
    with interrupts.handled():
        send(signal.SIGINT)
    assert interrupts.token.killed
    assert messages.told == ["^C received", "^C received again"]


@pytest.mark.parametrize(("number", "name"), [(signal.SIGINT, "^C"), (signal.SIGTERM, "SIGTERM"), (signal.SIGHUP, "SIGHUP")])
def test_one_signal_cancels_and_the_handlers_are_restored(number: int, name: str) -> None:
    """One asks for a clean end; afterwards the previous handler is back."""
    messages, before = Messages(), signal.getsignal(number)
    interrupts = Interrupts(messages)
    with interrupts.handled():
        send(number)
    assert (interrupts.token.cancelled, interrupts.token.killed, messages.told) == (True, False, [f"{name} received"])
    assert signal.getsignal(number) is before


def test_a_signal_that_is_ignored_stays_so() -> None:
    """Under nohup a closed terminal does not end a run."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interrupts = Interrupts(Messages())
    try:
        with interrupts.handled():
            send(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert not interrupts.token.cancelled


def test_while_the_user_is_asked_a_signal_ends_the_command() -> None:
    """A question can't wait for an answer that does not come; one before it counts too."""
    interrupts = Interrupts(Messages())
    with interrupts.handled():
        with pytest.raises(CancelledError, match="interrupted; nothing was changed"), interrupts.asking():
            send(signal.SIGTERM)
        send(signal.SIGINT)
        with pytest.raises(CancelledError), interrupts.asking():
            pytest.fail("the user was asked")


def locks(place: Workplace) -> list[str]:
    return [name for name in place.files() if "/locks/" in name and name.endswith(".json")]


def engine(*argv: str) -> list[str]:
    return [sys.executable, "-m", "sandbox.engine", *argv]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize(("program", "times"), [(HANGING, 1), (STUBBORN, 2)], ids=["once", "twice"])
def test_ctrl_c_on_a_terminal(stack: Workplace, program: str, times: int) -> None:
    """The tree's end is drawn and the cursor is there again; no lock, no traceback; the exit code is that of a cancelled run."""
    stack.write("__main__.py", program)
    begun = (stack.folder / "begun").exists
    typed = [(begun, CTRL_C), ("received; cancelling", CTRL_C)][:times]
    ended = on_a_terminal(engine("up", "--yes", "--skip-preview"), stack.folder, environment(), typed)
    assert ended.code == 8, ended.text
    assert "error: update canceled" in ended.text
    assert ("received again; terminating" in ended.text) is (times > 1)
    assert ended.cursor_is_visible
    assert ("Traceback" in ended.text, locks(stack)) == (False, [])


def test_ctrl_c_at_the_question(stack: Workplace) -> None:
    """Nothing was changed, and the lock that was held meanwhile is gone."""
    stack.write("__main__.py", "import pulumi\n")
    ended = on_a_terminal(engine("up"), stack.folder, environment(), [("perform this update?", CTRL_C)])
    assert (ended.code, "error: interrupted; nothing was changed" in ended.text) == (8, True), ended.text
    assert ("Traceback" in ended.text, locks(stack), ended.cursor_is_visible) == (False, [], True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_job_or_a_closed_terminal(stack: Workplace, number: int) -> None:
    """Without a terminal too: the run ends in order."""
    stack.write("__main__.py", HANGING)
    process = stack.process("up", "--yes", "--skip-preview")
    with contextlib.closing(process.stdout), contextlib.closing(process.stderr):  # type: ignore[type-var] # both were asked for
        while not (stack.folder / "begun").exists():
            assert process.poll() is None, process.communicate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.02)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err, locks(stack)) == (8, "", [])
    assert f"{signal.Signals(number).name} received; cancelling" in out
