"""A command on a terminal of its own, where a test types, also Ctrl-C."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

CTRL_C = "\x03"
# Ctrl-C reaches only the processes of the session whose terminal it is.
_TAKE_TERMINAL = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
_PATIENCE = 120  # seconds without any output
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Ended:
    """How it ended, and everything that was written to the terminal."""

    code: int
    screen: str

    @property
    def text(self) -> str:
        """What was written, without control sequences."""
        return _CONTROL.sub("", self.screen)

    @property
    def cursor_is_visible(self) -> bool:
        """Whether the cursor was not left hidden."""
        return self.screen.rfind("\x1b[?25l") <= self.screen.rfind("\x1b[?25h")


def on_a_terminal(
    argv: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    typed: Sequence[tuple[str | Callable[[], bool], str | Callable[[subprocess.Popen[bytes]], None]]],
) -> Ended:
    """Run a command on a terminal until it ends.

    ``typed`` is what to do when, in this order: as soon as a text is on the screen, or a condition is true, type a text or call a function.
    """
    ours, theirs = pty.openpty()
    shown = {**{name: value for name, value in environment.items() if name != "NO_COLOR"}, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _TAKE_TERMINAL, *argv],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env=shown,
        start_new_session=True,
    )
    os.close(theirs)
    screen, seen, left, waited = "", 0, list(typed), 0.0
    while True:
        ready, _, _ = select.select([ours], [], [], 0.05)
        waited = 0.0 if ready else waited + 0.05
        assert waited < _PATIENCE, screen
        try:
            chunk = os.read(ours, 65536) if ready else b"-"
        except OSError:  # Linux: the other side is closed
            break
        if not chunk:
            break
        screen += chunk.decode(errors="replace") if ready else ""
        while left and (left[0][0] in screen[seen:] if isinstance(left[0][0], str) else left[0][0]()):
            _, action = left.pop(0)
            seen = len(screen)
            if callable(action):
                action(process)
            else:
                os.write(ours, action.encode())
    os.close(ours)
    code = process.wait(timeout=_PATIENCE)
    assert not left, f"never came: {left[0][0]}; {screen}"
    return Ended(code, screen)
