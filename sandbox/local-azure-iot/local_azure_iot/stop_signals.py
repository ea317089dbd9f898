"""What asks local Azure to stop: a signal, or the end of its standard input."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from local_azure_iot.server_options import CannotStartError


def on_signals(stop: asyncio.Event) -> None:
    """Set ``stop`` at SIGINT and SIGTERM."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)


def on_end_of_input(stop: asyncio.Event) -> None:
    """Set ``stop`` when standard input ends, as it does when the program that started this one is gone.

    Raises:
        CannotStartError: It is a file, which has no end that could be waited for.
    """
    loop = asyncio.get_running_loop()

    def read() -> None:
        try:
            ended = not os.read(sys.stdin.fileno(), 4096)
        except OSError:  # a terminal that is gone
            ended = True
        if ended:
            loop.remove_reader(sys.stdin.fileno())
            stop.set()

    try:
        loop.add_reader(sys.stdin.fileno(), read)
    except OSError as error:  # a file on a disk has no end that could be waited for
        raise CannotStartError(
            f"--stop-at-eof needs a pipe as standard input: {error.strerror}; start it from a program, or leave it out"
        ) from error
