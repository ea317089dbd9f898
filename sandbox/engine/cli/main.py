"""The entry point: from the arguments of a process to its exit code."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from sandbox.engine.cli.parser import parse
from sandbox.engine.cli.workspace import Workspace
from sandbox.engine.errors import EXIT_CANCELLED, EXIT_ERROR, EngineError, ReportedError

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Runs one command; what went wrong is one `error:` line on the error output."""
    code = command(argv)
    try:
        sys.stdout.flush()
    except OSError:
        # Whoever read our output has gone, or the disk it goes to is full: the interpreter must not try again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def command(argv: Sequence[str], **world: Any) -> int:
    """Runs one command in a world that may be given: the fields of `Workspace` beside its arguments."""
    out: TextIO = world.get("stdout") or sys.stdout
    err: TextIO = world.get("stderr") or sys.stderr
    try:
        args = parse(argv)
        args.run(Workspace(args, **world))
    except ReportedError as bad:
        return bad.exit_code
    except EngineError as bad:
        out.flush()
        err.write(f"error: {bad}\n")
        return bad.exit_code
    except KeyboardInterrupt:
        # Outside of a run there is nothing to end but the command itself.
        err.write("error: interrupted\n")
        return EXIT_CANCELLED
    except BrokenPipeError:
        # Whoever read our output has gone: nothing is left to say, and nobody to say it to.
        return EXIT_ERROR
    return 0
