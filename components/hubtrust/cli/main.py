"""The command `hubtrust`: its commands, and how each ends.

Exit codes: 0, what was asked is so; 1, it is not, or can't be told; 2, the command line is wrong. A command's help names its others.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Any, Never

from hubtrust.cli import report_command, status_command, verify_command
from hubtrust.errors import HubtrustError
from hubtrust.version import package_version

_COMMANDS = (verify_command, status_command, report_command)  # each has `add_to`, which adds its parser with the default `run`


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that ``arguments`` name (by default those of the process), and return its exit code."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name in a certificate may have letters that the terminal's encoding lacks
    given = _parser().parse_args(arguments)
    try:
        code: int = given.run(given)
        sys.stdout.flush()
    except HubtrustError as error:
        print(f"hubtrust: {error}", file=sys.stderr)  # noqa: T201 - this is a command
        return 1
    except BrokenPipeError:  # of a reader such as `head`, which has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would complain while it exits
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hubtrust", description="Check and show which CAs a stack's Azure IoT services trust, and why.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in _COMMANDS:
        command.add_to(commands)
    parser.set_defaults(run=lambda _: _without_command(parser))
    return parser


def _without_command(parser: argparse.ArgumentParser) -> Never:
    """Whoever names no command wants to know which there are."""
    parser.print_help(sys.stderr)
    parser.exit(2)


class _Version(argparse.Action):
    """Asks for the version only when it is wanted: in a clone, Git is asked."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(f"hubtrust {package_version()}")  # noqa: T201 - this is a command
        parser.exit()
