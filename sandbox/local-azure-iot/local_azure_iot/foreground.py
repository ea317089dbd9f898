"""One command in the foreground, which gets the signals that this process gets."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import FrameType

_NOT_FOUND, _NOT_EXECUTABLE, _SIGNALLED = 127, 126, 128  # as shells show how a command ended
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class CommandError(Exception):
    """The command can't be started; the message is one line. ``code`` is what a shell would end with."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Foreground:
    """Runs one command; a signal that comes before it is started is a KeyboardInterrupt."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._is_starting = False
        self._came_early: list[int] = []

    @contextmanager
    def signals(self) -> Iterator[None]:
        """While this lasts, SIGINT, SIGTERM and SIGHUP are the command's. One that is ignored, as by `nohup`, stays ignored."""
        before = {number: signal.getsignal(number) for number in _PASSED_ON}
        ours = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
        for number in ours:
            signal.signal(number, self._pass_on)
        try:
            yield
        finally:
            for number in ours:
                signal.signal(number, before[number])

    def run(self, command: Sequence[str], environment: Mapping[str, str], folder: Path | None = None) -> int:
        """Run the command, in this folder, and return its exit code; 128 and the signal's number if one ended it.

        Raises:
            CommandError: It can't be started.
        """
        self._is_starting = True
        try:
            self._process = subprocess.Popen(command, env=environment, cwd=folder)
        except OSError as error:
            code = _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE
            raise CommandError(f"'{command[0]}' can't be run: {error.strerror}; name a program on PATH or its path", code) from error
        finally:
            self._is_starting = False
        for number in self._came_early:
            self._process.send_signal(number)
        code = self._process.wait()
        self._process = None
        return code if code >= 0 else _SIGNALLED - code

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        if self._is_starting:
            # The command may run already, and nobody would end it; or not yet, and then a terminal's Ctrl-C did not reach it.
            self._came_early.append(number)
            return
        if self._process is None:
            raise KeyboardInterrupt
        if number != signal.SIGINT or not _is_in_terminals_foreground():  # a terminal sends Ctrl-C to the command too
            self._process.send_signal(number)


def _is_in_terminals_foreground() -> bool:
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    finally:
        os.close(terminal)
