"""The entry point: from the arguments of a process to its exit code."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any, TextIO

from sandbox.engine.cli.parser import parse
from sandbox.engine.cli.workspace import Workspace
from sandbox.engine.errors import EXIT_CANCELLED, EXIT_ERROR, EngineError, ReportedError

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str], **fields: Any) -> int:
    """Runs one command; an error is one `error:` line on the error output. `fields`: see `command`."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # until now, Ctrl-C ended the process without a traceback of its imports
        signal.signal(signal.SIGINT, signal.default_int_handler)
    code = command(argv, **fields)
    try:
        sys.stdout.flush()
    except OSError:
        # The reader of our output is gone, or its disk is full: the interpreter must not flush it again on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def command(argv: Sequence[str], **fields: Any) -> int:
    """Runs one command; callers in the same process may pass other fields of `Workspace`."""
    out: TextIO = fields.get("stdout") or sys.stdout
    err: TextIO = fields.get("stderr") or sys.stderr
    try:
        args = parse(argv)
        args.run(Workspace(args, **fields))
    except ReportedError as error:
        return error.exit_code
    except EngineError as error:
        out.flush()
        err.write(f"error: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        # Outside a run only the command itself has to end.
        err.write("error: interrupted\n")
        return EXIT_CANCELLED
    except BrokenPipeError:
        # The reader of our output is gone: no message can reach it.
        return EXIT_ERROR
    return 0
