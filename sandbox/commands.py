"""The commands of `python -m sandbox`."""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from local_azure_iot import installation
from sandbox import program

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code. A failure is reported as one line on stderr."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # until now, Ctrl-C ended the process without a traceback of its imports
        signal.signal(signal.SIGINT, signal.default_int_handler)
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except installation.SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)  # noqa: T201 - a command's own output
        return 1
    except KeyboardInterrupt:
        print("sandbox: interrupted", file=sys.stderr)  # noqa: T201 - a command's own output
        return _INTERRUPTED


_INTERRUPTED = 128 + signal.SIGINT  # as shells show it


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="Run local Azure on this machine, and your Pulumi program against it."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_cloud_arguments(commands.add_parser("cloud", help="run local Azure in the foreground"))
    for name, text in (
        ("up", "start local Azure if it is not running, then run `up` for the program's stack"),
        ("preview", "show what `up` would do"),
        ("refresh", "update the state to match the resources in local Azure"),
        ("destroy", "delete all resources of the stack"),
    ):
        _add_program_arguments(commands.add_parser(name, help=text), name)
    _add_pulumi_arguments(commands.add_parser("pulumi", help="run another command of the engine on the stack, such as `stack output`"))
    for name, function, text in (
        ("env", _env, "print the environment variables that point any Azure client at local Azure"),
        ("status", _status, "show whether local Azure is running, and its addresses"),
        ("stop", _stop, "stop local Azure; its data is kept"),
        ("reset", _reset, "delete all resources in local Azure"),
    ):
        commands.add_parser(name, help=text).set_defaults(run=function)
    _add_control_arguments(commands.add_parser("control", help="use local Azure's control port: faults, clock, log, settings"))
    return parser


def _add_control_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("method", type=str.upper, choices=("GET", "POST", "PUT", "PATCH", "DELETE"), metavar="METHOD", help="such as GET")
    parser.add_argument("path", metavar="PATH", help="such as '/connections?device=pump-1'")
    parser.add_argument("body", nargs="?", metavar="JSON", help="such as '{\"advance\": 3600}'")
    parser.set_defaults(run=_control)


def _control(options: argparse.Namespace) -> int:
    if not options.path.startswith("/"):
        raise installation.SandboxError(f"'{options.path}' is not a path of the control port; write it as /{options.path}")
    try:
        body = None if options.body is None else json.loads(options.body)
    except (ValueError, RecursionError) as error:
        raise installation.SandboxError(f'the body is not JSON: {error}; write it as \'{{"name": "value"}}\'') from error
    _print(json.dumps(installation.current().control(options.method, options.path, body), indent=2))
    return 0


def _add_cloud_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default 127.0.0.1)")
    for flag, port, what in (
        ("--port", 8443, "HTTPS: ARM, login and the services, selected by host name"),
        ("--mqtt-port", 8883, "MQTT over TLS"),
        ("--proxy-port", 8080, "the CONNECT proxy for Azure's host names"),
        ("--control-port", 8444, "control API for tests: faults, clock, log, reset"),
    ):
        parser.add_argument(flag, type=int, default=port, metavar="PORT", help=f"{what} (default {port}; 0: any free port)")
    parser.add_argument("--data", default=":memory:", metavar="DIR", help="the folder for its data (default :memory:, nothing is kept)")
    parser.add_argument("--ready-file", type=Path, metavar="FILE", help="write addresses and credentials there as JSON once it is ready")
    parser.add_argument(
        "--hostile",
        default="",
        metavar="SPEC",
        help="faults and wrong answers to inject, such as '503:path=*/verify:nth=1;html:share=0.01'; local_azure_iot/faults.py lists them",
    )
    parser.add_argument("--strict", action="store_true", help="also refuse requests that Azure accepts but a correct client never sends")
    parser.add_argument(
        "--operation-seconds", type=float, default=0.0, metavar="S", help="how long creating, updating and deleting a hub takes, in seconds"
    )
    parser.add_argument("--role-delay", type=float, default=0.0, metavar="S", help="seconds until a new role assignment takes effect")
    parser.add_argument(
        "--retry-after", type=int, metavar="S", help="the Retry-After header in seconds, also for accepted PUTs, where Azure sends none"
    )
    parser.add_argument(
        "--created",
        choices=("real", "zero"),
        help="the creation date in certificate answers: the real one, or zero (default: as each service was last recorded)",
    )
    parser.add_argument(
        "--clock", metavar="MOMENT", help="the time that its clock starts at, such as 2023-10-06T19:14:45Z (default: this machine's time)"
    )
    parser.add_argument(
        "--throttle",
        nargs="?",
        type=float,
        const=1.0,
        metavar="FACTOR",
        help="apply each hub's request limits by SKU and units, multiplied by FACTOR (default 1)",
    )
    parser.add_argument("--query-lag", type=float, default=0.0, metavar="S", help="seconds until device queries see a change")
    parser.add_argument(
        "--idle-seconds",
        type=float,
        default=60.0,
        metavar="S",
        help="seconds until a connection is closed whose client owes the rest of a handshake or of a request (default 60)",
    )
    parser.set_defaults(run=_run_cloud)


def _run_cloud(options: argparse.Namespace) -> int:
    from local_azure_iot import server
    from local_azure_iot.settings import Settings

    azure_settings = Settings(
        operation_seconds=options.operation_seconds,
        role_delay_seconds=options.role_delay,
        retry_after=options.retry_after,
        strict=options.strict,
        throttle=options.throttle,
        query_lag_seconds=options.query_lag,
        created_zero_date=None if options.created is None else options.created == "zero",
    )
    server_options = server.Options(
        host=options.host,
        port=options.port,
        mqtt_port=options.mqtt_port,
        proxy_port=options.proxy_port,
        control_port=options.control_port,
        data=None if options.data == ":memory:" else Path(options.data).absolute(),
        ready_file=options.ready_file.absolute() if options.ready_file else None,
        hostile=options.hostile,
        settings=azure_settings,
        idle_seconds=options.idle_seconds,
        clock=_moment(options.clock),
    )
    try:
        server.serve(
            server_options,
            lambda ready: _print(f"local Azure is ready: ARM {ready.arm}, proxy {ready.proxy}, control {ready.control}, MQTT {ready.mqtt}"),
        )
    except (server.CannotStartError, ValueError) as error:
        raise installation.SandboxError(str(error)) from error
    return 0


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise installation.SandboxError(f"--clock '{text}' is not a date and time; write it as 2023-10-06T19:14:45Z") from error
    if moment.tzinfo is None:
        raise installation.SandboxError(f"--clock '{text}' has no time zone; write it as {text}Z")
    return moment


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
    installed = installation.current()
    target = program.Program(Path.cwd(), options.stack, installed, program.choose_engine(options.engine))
    return target.command(tuple(options.arguments), installed.running())


def _add_program_arguments(parser: argparse.ArgumentParser, verb: str) -> None:
    _add_stack_arguments(parser)
    if verb == "up":
        parser.add_argument("--no-program", action="store_true", help="only start local Azure")
    parser.add_argument("arguments", nargs="*", metavar="ARGUMENT", help="arguments for the engine, after --")
    parser.set_defaults(run=_run_program, verb=verb)


def _run_program(options: argparse.Namespace) -> int:
    installed = installation.current()
    target = program.Program(Path.cwd(), options.stack, installed, program.choose_engine(options.engine))
    if options.verb == "destroy" and (not target.exists() or target.is_empty()):
        _print(f"stack '{options.stack}' {'has no resources' if target.exists() else 'does not exist'} here: nothing to destroy")
        return 0
    ready = installed.start()
    _print(f"Local Azure: {ready['arm']}; Azure's own host names through the proxy {ready['proxy']}")
    if getattr(options, "no_program", False):
        return 0
    _print(f"Engine: {'pulumi (found on PATH)' if target.engine == 'pulumi' else 'embedded; use the Pulumi CLI for production'}")
    before, connected_before = installed.changes(), target.last_connection()
    code = target.run(options.verb, ready, tuple(options.arguments))
    if code == 0 and options.verb == "up":
        unchanged = ("Azure was not changed: everything is as declared",) if installed.changes() == before else ()
        for line in ("", *_NEXT_STEPS, "", *program.summary(target.outputs(ready), connected_before), *unchanged):
            _print(line)
    return code


_NEXT_STEPS = (
    'Use it in a shell:    eval "$(.venv/bin/python -m sandbox env)"',
    "Show the outputs:     .venv/bin/python -m sandbox pulumi stack output --json",
    "Destroy and stop:     make down",
)


def _env(_options: argparse.Namespace) -> int:
    installed = installation.current()
    variables = installation.environment(installed.require_running())
    variables |= program.Program(Path.cwd(), "sandbox", installed, "embedded").variables()
    for name, value in variables.items():
        _print(f"export {name}={shlex.quote(value)}")
    return 0


def _status(_options: argparse.Namespace) -> int:
    ready = installation.current().running()
    if ready is None:
        _print("local Azure is not running here; start it with `make up`")
        return 1
    for name in ("arm", "proxy", "control", "mqtt", "subscription_id", "tenant_id", "pid"):
        if ready[name] is not None:
            _print(f"{name:16} {ready[name]}")
    return 0


def _stop(_options: argparse.Namespace) -> int:
    _print("local Azure is stopped; its data is kept" if installation.current().stop() else "local Azure was not running")
    return 0


def _reset(_options: argparse.Namespace) -> int:
    installation.current().reset()
    _print("all resources in local Azure are deleted")
    return 0


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command's own output
