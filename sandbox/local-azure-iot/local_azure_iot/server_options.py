"""What `local-azure-iot start` can be told, and why it then can't start."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local_azure_iot import host_names
from local_azure_iot.settings import Settings

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

_SHORTEST_TOKEN = 16
_LAST_PORT = 65_535


class CannotStartError(Exception):
    """Local Azure can't start; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `local-azure-iot start` takes. A port of 0 means any free one."""

    host: str = "127.0.0.1"
    listen: str | None = None  # an address that other machines reach, instead of `host`
    known_as: tuple[str, ...] = ()  # names by which clients then call the control port
    control_token: str | None = None  # None: a random one
    port: int = 8443
    mqtt_port: int = 8883
    amqp_port: int = 5671
    proxy_port: int = 8080
    control_port: int = 8444
    names: bool = False  # write a hosts file with the names of what it serves
    data: Path | None = None  # None: nothing is kept
    ready_file: Path | None = None
    hostile: str = ""
    settings: Settings = field(default_factory=Settings)
    idle_seconds: float = 60.0  # until a connection ends whose client owes something: a handshake, a request, a CONNECT
    stop_at_eof: bool = False  # stop when standard input ends
    clock: datetime | None = None  # local Azure's time at its start; None: the machine's time


def check(options: Options) -> None:
    """Check what an option alone can't say.

    Raises:
        CannotStartError: An option is wrong, or contradicts another.
    """
    for name in ("port", "mqtt_port", "amqp_port", "proxy_port", "control_port"):
        port: int = getattr(options, name)
        if not 0 <= port <= _LAST_PORT:
            raise CannotStartError(f"--{name.replace('_', '-')} can't be {port}; give a number from 0 (any free port) to {_LAST_PORT}")
    if not 0 < options.idle_seconds < math.inf:
        raise CannotStartError(f"--idle-seconds can't be {options.idle_seconds:g}; give a number of seconds above 0")
    if not host_names.is_loopback(options.host):
        raise CannotStartError(
            f"local Azure listens on loopback only, and '{options.host}' is not; leave --host out or give an address in 127.0.0.0/8; "
            "--listen opens it to other machines"
        )
    if options.listen is not None and not host_names.is_address(options.listen):
        raise CannotStartError(f"--listen takes an IP address, and '{options.listen}' is not one; 0.0.0.0 is every address of this machine")
    if options.known_as and options.listen is None:
        raise CannotStartError("--known-as names the control port for other machines, and only --listen opens it to them; give both")
    if options.listen is not None and options.names:
        raise CannotStartError("--names writes loopback addresses, and with --listen clients are elsewhere; leave one of the two out")
    if options.control_token is not None and len(options.control_token) < _SHORTEST_TOKEN:
        raise CannotStartError(
            f"the control port's token has fewer than {_SHORTEST_TOKEN} characters; make one with `openssl rand -hex 32`"
        )
