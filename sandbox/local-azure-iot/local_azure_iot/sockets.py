"""The sockets that local Azure listens on, and where this machine reaches them."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local_azure_iot.amqp import availability
from local_azure_iot.server_options import CannotStartError

if TYPE_CHECKING:
    from local_azure_iot.server_options import Options


@dataclass(frozen=True)
class Sockets:
    """One for each port."""

    https: socket.socket
    control: socket.socket
    proxy: socket.socket
    mqtt: socket.socket
    amqp: socket.socket | None  # None: AMQP's library is not installed


def listen(options: Options) -> Sockets:
    """Listen on every port of the options.

    Raises:
        CannotStartError: One can't be used.
    """
    host = options.listen or options.host
    return Sockets(
        https=_listen(host, options.port, "--port"),
        control=_listen(host, options.control_port, "--control-port"),
        proxy=_listen(host, options.proxy_port, "--proxy-port"),
        mqtt=_listen(host, options.mqtt_port, "--mqtt-port"),
        amqp=_listen(host, options.amqp_port, "--amqp-port") if availability.available() else None,
    )


def _listen(host: str, port: int, flag: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        remedy = f"stop what uses it or choose another with {flag} (0: any free one)"
        if error.errno == errno.EACCES:  # ip(7), ip_unprivileged_port_start
            remedy = f"run `sudo sysctl net.ipv4.ip_unprivileged_port_start={port}` once, start as root, or choose another with {flag}"
        raise CannotStartError(f"port {port} of {host} can't be used: {error.strerror}; {remedy}") from error
    sock.listen(1024)
    sock.setblocking(False)
    return sock


def reached(sock: socket.socket) -> tuple[str, int]:
    """Where this machine reaches a listener: one that listens on every address is on loopback too."""
    host, port = sock.getsockname()[:2]
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port


def url(scheme: str, sock: socket.socket) -> str:
    """The address of a listener for this machine."""
    host, port = reached(sock)
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
