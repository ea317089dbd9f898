"""The flags of `start`, and the local Azure that they describe: one table for every command that starts one."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from local_azure_iot.ready_file import Ready
    from local_azure_iot.server_options import Options

_PORTS = (  # each flag, its default, and its default with --names, where clients take Azure's own ports
    ("--port", 8443, 443, "HTTPS: ARM, login and the services, selected by host name"),
    ("--mqtt-port", 8883, 8883, "MQTT over TLS"),
    ("--amqp-port", 5671, 5671, "AMQP over TLS, where python-qpid-proton is installed"),
    ("--proxy-port", 8080, 8080, "the CONNECT proxy for Azure's host names"),
    ("--control-port", 8444, 8444, "control API for tests: faults, clock, log, reset"),
)
TOKEN_VARIABLE = "LOCAL_AZURE_CONTROL_TOKEN"  # noqa: S105 - a variable's name
_AZURES = frozenset({443, 8883, 5671})  # the ports that clients of Azure take
FREE_PORTS = tuple(word for flag, *_ in _PORTS for word in (flag, "0"))


class StartError(Exception):
    """Local Azure can't be started with these flags; the message is one line and says what to do."""


def add_addresses(parser: argparse.ArgumentParser) -> None:
    """The flags that say where local Azure listens and where it publishes that."""
    parser.add_argument("--host", help="a loopback address (default 127.0.0.1; with --names one of 127.77.0.0/16, by the data folder)")
    for flag, port, own, what in _PORTS:
        default = f"{port}" if port == own else f"{port}; with --names {own}"
        parser.add_argument(flag, type=int, metavar="PORT", help=f"{what} (default {default}; 0: any free port)")
    add_names(parser)
    parser.add_argument(
        "--listen",
        metavar="ADDRESS",
        help="listen there instead, where other machines reach it (0.0.0.0: every address): for a container or a trusted network; "
        "the control port's token can be given as LOCAL_AZURE_CONTROL_TOKEN",
    )
    parser.add_argument(
        "--known-as", action="append", default=[], metavar="NAME", help="with --listen: a name by which clients call the control port"
    )
    parser.add_argument("--ready-file", type=Path, metavar="FILE", help="write addresses and credentials there as JSON once it is ready")
    parser.add_argument(
        "--stop-at-eof", action="store_true", help="stop when standard input ends: with the process that holds the other end of the pipe"
    )


def add_names(parser: argparse.ArgumentParser) -> None:
    """The flag for clients that know no proxy."""
    parser.add_argument(
        "--names",
        action="store_true",
        help="for clients that know no proxy: Azure's own ports, and a hosts file of the names that are served (docs/clients.md)",
    )


def named_flags(folder: Path) -> tuple[str, ...]:
    """The flags of a local Azure with names, at the address of a folder: what Azure has no port for is on a free one."""
    from local_azure_iot import hosts_file

    free = tuple(word for flag, _, own, _ in _PORTS if own not in _AZURES for word in (flag, "0"))
    return ("--names", "--host", hosts_file.address(folder), *free)


def add_behaviour(parser: argparse.ArgumentParser) -> None:
    """The flags that say how local Azure behaves."""
    parser.add_argument("--data", default=":memory:", metavar="DIR", help="the folder for its data (default :memory:, nothing is kept)")
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
        help="apply the request limits of each hub, by SKU and units, and of each provisioning service, multiplied by FACTOR (default 1)",
    )
    parser.add_argument(
        "--registrations-per-minute",
        type=int,
        metavar="N",
        help="of devices with each provisioning service; the others are told to try again later (Azure: 1000; default: no limit)",
    )
    parser.add_argument("--query-lag", type=float, default=0.0, metavar="S", help="seconds until device queries see a change")
    parser.add_argument(
        "--idle-seconds",
        type=float,
        default=60.0,
        metavar="S",
        help="seconds until a connection is closed on which nothing comes during a handshake or a request (default 60)",
    )


def serve(options: argparse.Namespace) -> None:
    """Run local Azure in the foreground, as the flags say, until it is asked to stop.

    Raises:
        StartError: It can't start.
    """
    from local_azure_iot import server
    from local_azure_iot.server_options import CannotStartError

    warn(options)
    try:
        server.serve(_server_options(options), _announce)
    except (CannotStartError, ValueError) as error:
        raise StartError(str(error)) from error


def warn(options: argparse.Namespace) -> None:
    """Say on stderr, where everybody sees it, that other machines are let in."""
    from local_azure_iot import host_names

    if options.listen and not host_names.is_loopback(options.listen):
        print(  # noqa: T201 - a command's own output
            f"WARNING: local Azure listens on {options.listen}: whoever reaches this machine can send requests to its proxy, logins and "
            "hubs, which are for tests; keep it off networks that you don't trust. The control port still needs its token.",
            file=sys.stderr,
            flush=True,
        )


def announcement(ready: Mapping[str, Any]) -> str:
    """What `start` says once it is ready."""
    addresses = f"ARM {ready['arm']}, proxy {ready['proxy']}, control {ready['control']}, MQTT {ready['mqtt']}"
    return f"local Azure is ready: {addresses}" + (f", AMQP {ready['amqp']}" if ready.get("amqp") else "")


def _announce(ready: Ready) -> None:
    print(announcement(vars(ready)), flush=True)  # noqa: T201 - a command's own output


def _server_options(options: argparse.Namespace) -> Options:
    from local_azure_iot import hosts_file
    from local_azure_iot.server_options import Options
    from local_azure_iot.settings import Settings

    settings = Settings().changed({
        "operation_seconds": options.operation_seconds,
        "role_delay_seconds": options.role_delay,
        "retry_after": options.retry_after,
        "strict": options.strict,
        "throttle": options.throttle,
        "registrations_per_minute": options.registrations_per_minute,
        "query_lag_seconds": options.query_lag,
        "created_zero_date": None if options.created is None else options.created == "zero",
    })  # fmt: skip
    data = None if options.data == ":memory:" else Path(options.data).absolute()
    own_host = hosts_file.address(data or Path.cwd()) if options.names else "127.0.0.1"
    return Options(
        host=own_host if options.host is None else options.host,
        listen=options.listen,
        known_as=tuple(options.known_as),
        control_token=os.environ.get(TOKEN_VARIABLE) or None,
        **_ports(options),
        names=options.names,
        data=data,
        ready_file=options.ready_file.absolute() if options.ready_file else None,
        stop_at_eof=options.stop_at_eof,
        hostile=options.hostile,
        settings=settings,
        idle_seconds=options.idle_seconds,
        clock=_moment(options.clock),
    )


def _ports(options: argparse.Namespace) -> dict[str, int]:
    """The ports by the names of their options."""
    found = {}
    for flag, port, own, _ in _PORTS:
        name = flag.removeprefix("--").replace("-", "_")
        given: int | None = getattr(options, name)
        found[name] = (own if options.names else port) if given is None else given
    return found


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise StartError(f"--clock '{text}' is not a date and time; write it as 2023-10-06T19:14:45Z") from error
    if moment.tzinfo is None:
        raise StartError(f"--clock '{text}' has no time zone; write it as {text}Z")
    return moment
