"""The embedded engine in the test's own process, which saves a second of imports for each command."""

import io
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from sandbox.engine.cli.main import command
from tests.kit.warm_start import warm_children

PATIENCE = 300  # seconds until a command that hangs is interrupted


@contextmanager
def interrupted_if_it_hangs() -> Iterator[None]:
    """Send this process SIGINT, as Ctrl-C does, when the block takes too long."""
    too_late = threading.Timer(PATIENCE, os.kill, (os.getpid(), signal.SIGINT))
    too_late.start()
    try:
        yield
    finally:
        too_late.cancel()


def engine(arguments: Sequence[str], environment: Mapping[str, str], stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run one command of the engine; its output and its exit code."""
    out, err = io.StringIO(), io.StringIO()
    with interrupted_if_it_hangs(), warm_children():
        code = command(arguments, environment=environment, stdin=io.StringIO(stdin), stdout=out, stderr=err)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())
