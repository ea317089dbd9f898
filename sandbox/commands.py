"""The commands of `python -m sandbox`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from local_azure_iot import commands, installation, start_command
from local_azure_iot.commands import print_line
from sandbox import program

if TYPE_CHECKING:
    from collections.abc import Sequence

_PROG = "python -m sandbox"
_INDENT = 8  # of what belongs to the line above, as in `program.summary`


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code. A failure is reported as one line on stderr."""
    return commands.run_command(_parser(), arguments, "sandbox")


def _installed() -> installation.Installation:
    """The local Azure of the sandbox: in `.sandbox/` of the current folder, or where SANDBOX_HOME says."""
    home = Path(os.environ.get("SANDBOX_HOME") or Path.cwd() / ".sandbox").absolute()
    return installation.Installation(home, _PROG, "`make up` or `python -m sandbox up`")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=_PROG, description="Run local Azure on this machine, and your Pulumi program against it.")
    subcommands = parser.add_subparsers(required=True, metavar="COMMAND")
    cloud = subcommands.add_parser("cloud", help="run local Azure in the foreground")
    start_command.add_addresses(cloud)
    start_command.add_behaviour(cloud)
    cloud.set_defaults(run=_run_cloud)
    for name, text in (
        ("up", "start local Azure if it is not running, then run `up` for the program's stack"),
        ("preview", "show what `up` would do"),
        ("refresh", "update the state to match the resources in local Azure"),
        ("destroy", "delete all resources of the stack"),
    ):
        _add_program_arguments(subcommands.add_parser(name, help=text), name)
    _add_pulumi_arguments(subcommands.add_parser("pulumi", help="run another command of the engine on the stack, such as `stack output`"))
    commands.add_installation_commands(subcommands, _installed(), _variables)
    return parser


def _run_cloud(options: argparse.Namespace) -> int:
    start_command.serve(options)
    return 0


def _add_stack_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stack", default="sandbox", help="the stack, whose settings are in Pulumi.<stack>.yaml (default sandbox)")
    parser.add_argument(
        "--engine",
        choices=("auto", "pulumi", "embedded"),
        default="auto",
        help="auto: `pulumi` if it is on PATH, otherwise the embedded engine",
    )


def _add_pulumi_arguments(parser: argparse.ArgumentParser) -> None:
    _add_stack_arguments(parser)
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="COMMAND", help="the command and its flags")
    parser.set_defaults(run=_run_pulumi)


def _run_pulumi(options: argparse.Namespace) -> int:
    installed = _installed()
    target = program.Program(Path.cwd(), options.stack, installed, program.choose_engine(options.engine))
    return target.command(tuple(options.arguments), installed.running())


def _add_program_arguments(parser: argparse.ArgumentParser, verb: str) -> None:
    _add_stack_arguments(parser)
    if verb == "up":
        parser.add_argument("--no-program", action="store_true", help="only start local Azure")
    parser.add_argument("arguments", nargs="*", metavar="ARGUMENT", help="arguments for the engine, after --")
    parser.set_defaults(run=_run_program, verb=verb)


def _run_program(options: argparse.Namespace) -> int:
    installed = _installed()
    target = program.Program(Path.cwd(), options.stack, installed, program.choose_engine(options.engine))
    if options.verb == "destroy" and (not target.exists() or target.is_empty()):
        print_line(f"stack '{options.stack}' {'has no resources' if target.exists() else 'does not exist'} here: nothing to destroy")
        return 0
    # Azure tells clients to wait 15 s before they poll a deletion; here a deletion completes immediately.
    ready = installed.start(*start_command.FREE_PORTS, "--retry-after", "0", "--data", str(installed.data))
    print_line(folded(f"Local Azure: {ready['arm']}; Azure's own host names through the proxy {ready['proxy']}"))
    if getattr(options, "no_program", False):
        return 0
    print_line(f"Engine: {'pulumi (found on PATH)' if target.engine == 'pulumi' else 'embedded; use the Pulumi CLI for production'}")
    before, connected_before = installed.changes(), target.last_connections()
    code = target.run(options.verb, ready, tuple(options.arguments))
    if code == 0 and options.verb == "up":
        unchanged = ("Azure was not changed: everything is as declared",) if installed.changes() == before else ()
        for line in ("", *_NEXT_STEPS, "", *program.summary(target.outputs(ready), connected_before), *unchanged):
            print_line(folded(line))
    return code


def folded(line: str) -> str:
    """A line that is longer than the terminal, wrapped at words; without a terminal as it is."""
    if not sys.stdout.isatty():
        return line
    width = max(_INDENT + 1, shutil.get_terminal_size().columns)
    parts = textwrap.wrap(line, width, subsequent_indent=" " * _INDENT, break_long_words=False, break_on_hyphens=False)
    return "\n".join(parts)


_NEXT_STEPS = (
    'Use it in a shell:    eval "$(.venv/bin/python -m sandbox env)"',
    "Show the outputs:     .venv/bin/python -m sandbox pulumi stack output --json",
    "Destroy and stop:     make down",
)


def _variables() -> dict[str, str]:
    installed = _installed()
    variables = installation.environment(installed.require_running())
    return variables | program.Program(Path.cwd(), "sandbox", installed, "embedded").variables()
