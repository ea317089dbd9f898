"""The verbs of `python -m sandbox`."""

from __future__ import annotations

import argparse
import shlex
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox import installation, program

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Run one verb; gives the exit code. What fails is one line on stderr."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except installation.SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)  # noqa: T201 - a command's own output
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Local Azure on this machine, and your program on it.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    _cloud(verbs.add_parser("cloud", help="run local Azure in the foreground"))
    for name, text in (
        ("up", "start local Azure if none runs, then bring the program's stack up on it"),
        ("preview", "show what `up` would do"),
        ("refresh", "take into the state what is really there"),
        ("destroy", "remove all that the stack made"),
    ):
        _program(verbs.add_parser(name, help=text), name)
    for name, function, text in (
        ("env", _env, "print the environment that points any Azure client at it"),
        ("status", _status, "tell whether it runs, and where"),
        ("stop", _stop, "stop it; what it remembers stays"),
        ("reset", _reset, "make it forget every resource"),
    ):
        verbs.add_parser(name, help=text).set_defaults(run=function)
    return parser


def _cloud(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default 127.0.0.1)")
    for flag, port, what in (
        ("--port", 8443, "HTTPS: ARM, login and the services by their names"),
        ("--mqtt-port", 8883, "MQTT over TLS"),
        ("--proxy-port", 8080, "the CONNECT proxy that knows Azure's names"),
        ("--control-port", 8444, "test powers: faults, clock, log, reset"),
    ):
        parser.add_argument(flag, type=int, default=port, metavar="PORT", help=f"{what} (default {port}; 0: any free one)")
    parser.add_argument("--data", default=":memory:", metavar="DIR", help="keep everything there (default :memory:, nothing is kept)")
    parser.add_argument("--ready-file", type=Path, metavar="FILE", help="written once it answers: addresses and credentials as JSON")
    parser.add_argument("--hostile", default="", metavar="SPEC", help="faults, such as '503:path=*/verify:nth=1;latency:seconds=0.2'")
    parser.add_argument("--strict", action="store_true", help="refuse what Azure takes and a careful client would never send")
    parser.add_argument("--operation-seconds", type=float, default=0.0, metavar="S", help="how long hubs take to be made, changed, deleted")
    parser.add_argument("--role-delay", type=float, default=0.0, metavar="S", help="seconds until a new role assignment counts")
    parser.add_argument("--retry-after", type=int, metavar="S", help="send Retry-After on accepted PUTs too; Azure sends none there")
    parser.add_argument(
        "--created", choices=("real", "zero"), help="what certificates say they were created (default: as each service did last)"
    )
    parser.add_argument("--clock", metavar="MOMENT", help="the time it starts at, such as 2023-10-06T19:14:45Z (default: the machine's)")
    parser.add_argument(
        "--throttle", nargs="?", type=float, const=1.0, metavar="FACTOR", help="hubs' limits by sku and units, or so many times as much"
    )
    parser.add_argument("--query-lag", type=float, default=0.0, metavar="S", help="seconds until queries over devices see what was written")
    parser.set_defaults(run=_run_cloud)


def _run_cloud(options: argparse.Namespace) -> int:
    from sandbox.azure import server
    from sandbox.azure.dials import Dials

    dials = Dials(
        operation_seconds=options.operation_seconds,
        role_delay_seconds=options.role_delay,
        retry_after=options.retry_after,
        strict=options.strict,
        throttle=options.throttle,
        query_lag_seconds=options.query_lag,
        created_zero_date=None if options.created is None else options.created == "zero",
    )
    settings = server.Settings(
        host=options.host,
        port=options.port,
        mqtt_port=options.mqtt_port,
        proxy_port=options.proxy_port,
        control_port=options.control_port,
        data=None if options.data == ":memory:" else Path(options.data).absolute(),
        ready_file=options.ready_file.absolute() if options.ready_file else None,
        hostile=options.hostile,
        dials=dials,
        clock=_moment(options.clock),
    )
    try:
        server.serve(
            settings,
            lambda ready: _say(f"local Azure is ready: ARM {ready.arm}, proxy {ready.proxy}, control {ready.control}, MQTT {ready.mqtt}"),
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
        raise installation.SandboxError(f"--clock '{text}' is no moment; write one as 2023-10-06T19:14:45Z") from error
    if moment.tzinfo is None:
        raise installation.SandboxError(f"--clock '{text}' has no time zone; write it as {text}Z")
    return moment


def _program(parser: argparse.ArgumentParser, verb: str) -> None:
    parser.add_argument("--stack", default="sandbox", help="the stack, with its Pulumi.<stack>.yaml beside the program (default sandbox)")
    parser.add_argument(
        "--engine", choices=("auto", "pulumi", "embedded"), default="auto", help="auto: the pulumi on PATH, else the embedded one"
    )
    if verb == "up":
        parser.add_argument("--no-program", action="store_true", help="start local Azure and leave it at that")
    parser.add_argument("arguments", nargs="*", metavar="ARGUMENT", help="for the engine, after --")
    parser.set_defaults(run=_run_program, verb=verb)


def _run_program(options: argparse.Namespace) -> int:
    sandbox = installation.here()
    target = program.Program(Path.cwd(), options.stack, sandbox, program.choose_engine(options.engine))
    if options.verb == "destroy" and not target.exists():
        _say(f"stack '{options.stack}' was never made here: nothing to destroy")
        return 0
    ready = sandbox.start()
    _say(f"Local Azure: {ready['arm']}, under Azure's own names behind the proxy {ready['proxy']}")
    if getattr(options, "no_program", False):
        return 0
    _say(f"Engine: {'the pulumi on PATH' if target.engine == 'pulumi' else 'embedded (no pulumi on PATH; production is Pulumi)'}")
    before = sandbox.changes()
    code = target.run(options.verb, ready, tuple(options.arguments))
    if code == 0 and options.verb == "up":
        unchanged = ("nothing was changed: all of it stands as declared",) if sandbox.changes() == before else ()
        for line in ("", *_LOOK_FURTHER, "", *program.summary(target.outputs(ready)), *unchanged):
            _say(line)
    return code


_LOOK_FURTHER = (
    'Point a shell at it:  eval "$(.venv/bin/python -m sandbox env)"',
    "Then look further:    .venv/bin/python -m sandbox.engine stack output --json --stack sandbox",
    "Take it down:         make down",
)


def _env(_options: argparse.Namespace) -> int:
    here = installation.here()
    variables = installation.environment(here.need())
    variables |= program.Program(Path.cwd(), "sandbox", here, "embedded").variables()
    for name, value in variables.items():
        _say(f"export {name}={shlex.quote(value)}")
    return 0


def _status(_options: argparse.Namespace) -> int:
    ready = installation.here().running()
    if ready is None:
        _say("local Azure does not run here; `make up` starts it")
        return 1
    for name in ("arm", "proxy", "control", "mqtt", "subscription_id", "tenant_id", "pid"):
        if ready[name] is not None:
            _say(f"{name:16} {ready[name]}")
    return 0


def _stop(_options: argparse.Namespace) -> int:
    _say("local Azure is stopped; what it remembers is kept" if installation.here().stop() else "local Azure did not run")
    return 0


def _reset(_options: argparse.Namespace) -> int:
    installation.here().reset()
    _say("local Azure has forgotten every resource")
    return 0


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command's own output
