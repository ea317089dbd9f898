"""The commands of `local-azure-iot`, which is also `python -m local_azure_iot`; `python -m sandbox` builds on them."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING

from local_azure_iot import client_environment, installation, start_command
from local_azure_iot.client_environment import FORMATS, formatted
from local_azure_iot.foreground import CommandError, Foreground
from local_azure_iot.installation import Installation, InstallationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_INTERRUPTED = 128 + signal.SIGINT  # as shells show it


def main(arguments: Sequence[str], prog: str = "local-azure-iot") -> int:
    """Run one command and return its exit code. A failure is reported as one line on stderr."""
    installed = installation.current(prog)
    return run_command(_parser(prog, installed), arguments, prog)


def run_command(parser: argparse.ArgumentParser, arguments: Sequence[str], name: str) -> int:
    """Run the command that the arguments name, and return its exit code. A failure is one line on stderr that begins with ``name``."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # until now, Ctrl-C ended the process without a traceback of its imports
        signal.signal(signal.SIGINT, signal.default_int_handler)
    options = parser.parse_args(arguments)
    options.words = tuple(arguments)
    try:
        return int(options.run(options))
    except (InstallationError, start_command.StartError, CommandError) as error:
        print(f"{name}: {error}", file=sys.stderr)  # noqa: T201 - a command's own output
        return error.code if isinstance(error, CommandError) else 1
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)  # noqa: T201 - a command's own output
        return _INTERRUPTED


def _parser(prog: str, installed: Installation) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Run local Azure IoT on this machine: any Azure client reaches it under Azure's own names.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    start = commands.add_parser("start", help="run local Azure in the foreground; Ctrl-C stops it", allow_abbrev=False)
    start_command.add_addresses(start)
    start_command.add_behaviour(start)
    start.add_argument("--detach", action="store_true", help="start it in the background, and return when it is ready")
    start.set_defaults(run=lambda options: _start(installed, options))
    run = commands.add_parser(
        "run",
        help="start a local Azure for one command, run the command in its environment, and stop it",
        usage=f"{prog} run [FLAG ...] -- COMMAND [ARGUMENT ...]",
        allow_abbrev=False,
    )
    start_command.add_names(run)
    start_command.add_behaviour(run)
    run.add_argument("command", nargs="*", metavar="COMMAND", help="the command and its arguments, after --")
    run.set_defaults(run=lambda options: _run(installed, options))
    attach = commands.add_parser("attach", help="use a local Azure that runs in a container or on another machine")
    attach.add_argument(
        "control", metavar="URL", help="its control port, such as http://azure:8444; its token is LOCAL_AZURE_CONTROL_TOKEN"
    )
    for name, scheme in (("proxy", "http"), ("arm", "https"), ("mqtt", "mqtts"), ("amqp", "amqps")):
        attach.add_argument(
            f"--{name}",
            metavar="URL",
            help=f"its address as seen from here, if it differs, as with mapped ports: such as {scheme}://localhost:32768",
        )
    attach.add_argument("--wait", type=float, default=30.0, metavar="S", help="seconds to wait until it answers (default 30)")
    attach.set_defaults(run=lambda options: _attach(installed, options))
    add_installation_commands(commands, installed, lambda: _variables(installed))
    return parser


def _variables(installed: Installation) -> dict[str, str]:
    """What `env` prints: with them, this command and the fixtures for pytest find the same local Azure from any folder."""
    return {**installation.environment(installed.require_running()), installation.HOME_VARIABLE: str(installed.home)}


def add_installation_commands(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], installed: Installation, variables: Callable[[], dict[str, str]]
) -> None:
    """The commands that use the local Azure that runs here. ``variables`` are what `env` prints."""
    for name, function, text in (
        ("status", lambda: _status(installed), "show whether local Azure is running, and its addresses"),
        ("stop", lambda: _stop(installed), "stop local Azure"),
        ("reset", lambda: _reset(installed), "delete all resources in local Azure"),
    ):
        commands.add_parser(name, help=text).set_defaults(run=_without_options(function))
    env = commands.add_parser("env", help="print the environment variables that point any Azure client at local Azure")
    env.add_argument("--format", choices=FORMATS, default=FORMATS[0], help="lines for a shell (default), a file for Docker, or JSON")
    env.set_defaults(run=lambda options: _env(variables(), options.format))
    why = commands.add_parser("why", help="say why a device was refused, step by step")
    why.add_argument("device", metavar="DEVICE", help="its id; a module: device/module")
    why.add_argument("--hub", default="", metavar="HUB", help="the hub (default: the one that it tried last)")
    why.set_defaults(run=lambda options: _why(installed, options))
    control = commands.add_parser("control", help="use local Azure's control port: faults, clock, log, settings")
    control.add_argument("method", type=str.upper, choices=("GET", "POST", "PUT", "PATCH", "DELETE"), metavar="METHOD", help="such as GET")
    control.add_argument("path", metavar="PATH", help="such as '/connections?device=pump-1'")
    control.add_argument("body", nargs="?", metavar="JSON", help="such as '{\"advance\": 3600}'")
    control.set_defaults(run=lambda options: _control(installed, options))


def _without_options(function: Callable[[], int]) -> Callable[[argparse.Namespace], int]:
    return lambda _options: function()


def _start(installed: Installation, options: argparse.Namespace) -> int:
    if options.detach and options.ready_file:
        raise InstallationError(f"--detach writes the ready file itself, to {installed.ready_file}; leave --ready-file out")
    if options.ready_file is None and (running := installed.running()):
        raise InstallationError(f"local Azure runs here already, at {running['arm']}; stop it with `{installed.prog} stop`")
    if options.detach:
        start_command.warn(options)
        print_line(start_command.announcement(installed.start(*(word for word in options.words[1:] if word != "--detach"))))
        return 0
    if options.ready_file is None:
        installed.create_home()
        options.ready_file = installed.ready_file
    start_command.serve(options)
    return 0


def _attach(installed: Installation, options: argparse.Namespace) -> int:
    token = os.environ.get(start_command.TOKEN_VARIABLE)
    if not token:
        raise InstallationError(f"the control port needs a token; set {start_command.TOKEN_VARIABLE} here and where local Azure is started")
    if not options.control.startswith("http://"):
        raise InstallationError(f"'{options.control}' is not a control port's address; write it as http://host:8444")
    given = {name: getattr(options, name) for name in ("proxy", "arm", "mqtt", "amqp") if getattr(options, name)}
    print_line(start_command.announcement(installed.attach(options.control, token, given, options.wait)))
    return 0


def _run(installed: Installation, options: argparse.Namespace) -> int:
    command: list[str] = options.command
    flags = options.words[1 : len(options.words) - len(command)]
    if not command or list(options.words[len(options.words) - len(command) :]) != command:
        raise InstallationError(f"no command is given, or flags come after it; write `{installed.prog} run -- COMMAND`")
    foreground = Foreground()
    with foreground.signals(), tempfile.TemporaryDirectory(prefix="local-azure-iot-", ignore_cleanup_errors=True) as folder:
        own = Installation(Path(folder), installed.prog)
        places = start_command.named_flags(own.home) if options.names else start_command.FREE_PORTS
        preloaded = _preloaded() if options.names else {}
        with own.started(*places, *(flag for flag in flags if flag not in {"--", "--names"})) as ready:
            variables = {**installation.environment(ready), installation.HOME_VARIABLE: folder, **preloaded}
            return foreground.run(command, {**os.environ, **variables})


def _preloaded() -> dict[str, str]:
    try:
        return client_environment.preload()
    except FileNotFoundError as error:
        raise InstallationError(str(error)) from error


def _control(installed: Installation, options: argparse.Namespace) -> int:
    if not options.path.startswith("/"):
        raise InstallationError(f"'{options.path}' is not a path of the control port; write it as /{options.path}")
    try:
        body = None if options.body is None else json.loads(options.body)
    except (ValueError, RecursionError) as error:
        raise InstallationError(f'the body is not JSON: {error}; write it as \'{{"name": "value"}}\'') from error
    print_line(json.dumps(installed.control(options.method, options.path, body), indent=2))
    return 0


def _why(installed: Installation, options: argparse.Namespace) -> int:
    query = urllib.parse.urlencode({"device": options.device, "hub": options.hub})
    found = installed.control("GET", f"/why?{query}")
    print_line(f"{options.device} on {found['hub'] or 'no hub'}: {found['answer']}")
    for link in found["links"]:
        mark = {True: "ok", False: "BROKEN", None: "?"}[link["holds"]]
        print_line(f"  {mark:8}{link['link']}: {link['fact']}")
    return 0 if found["accepted"] else 1


def _env(variables: dict[str, str], form: str) -> int:
    print_line(formatted(variables, form).rstrip("\n"))
    return 0


def _status(installed: Installation) -> int:
    ready = installed.running()
    if ready is None:
        print_line(f"local Azure is not running here; start it with {installed.how_to_start}")
        return 1
    for name in ("arm", "proxy", "control", "mqtt", "amqp", "subscription_id", "tenant_id", "pid"):
        if ready.get(name):
            print_line(f"{name:16} {ready[name]}")
    return 0


def _stop(installed: Installation) -> int:
    ready = installed.running() or {}
    if not installed.stop():
        print_line("local Azure was not running")
    elif "data" in ready:  # an earlier version's ready file has no such member
        kept = f"its data is kept in {ready['data']}" if ready["data"] else "nothing is kept, since it was started without --data"
        print_line(f"local Azure is stopped; {kept}")
    else:
        print_line("local Azure is stopped")
    return 0


def _reset(installed: Installation) -> int:
    installed.reset()
    print_line("all resources in local Azure are deleted")
    return 0


def print_line(text: str) -> None:
    """One line of a command's own output."""
    print(text, flush=True)  # noqa: T201 - a command's own output
