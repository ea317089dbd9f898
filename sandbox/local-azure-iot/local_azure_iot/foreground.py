"""One command in the foreground, which gets the signals that this process gets."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType

_NOT_FOUND, _NOT_EXECUTABLE, _SIGNALLED = 127, 126, 128  # as shells show how a command ended
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class CommandError(Exception):
    """The command can't be started; the message is one line. ``code`` is what a shell would end with."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Foreground:
    """Runs one command; a signal that comes before it runs is a KeyboardInterrupt."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def signals(self) -> Iterator[None]:
        """While this lasts, SIGINT, SIGTERM and SIGHUP are the command's."""
        before = {number: signal.signal(number, self._pass_on) for number in _PASSED_ON}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """Run the command and return its exit code; 128 and the signal's number if one ended it.

        Raises:
            CommandError: It can't be started.
        """
        try:
            self._process = subprocess.Popen(command, env=environment)
        except OSError as error:
            code = _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE
            raise CommandError(f"'{command[0]}' can't be run: {error.strerror}; name a program on PATH or its path", code) from error
        code = self._process.wait()
        self._process = None
        return code if code >= 0 else _SIGNALLED - code

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
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
