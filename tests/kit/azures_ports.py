"""Local Azure on Azure's own ports with a hosts file, for clients that know no proxy."""

import ctypes.util
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_azure_iot import client_environment, hosts_file
from tests.kit.local_azure import LocalAzure, local_azure
from tests.kit.prerequisites import need

_PORTS = ("--port", "443", "--mqtt-port", "8883", "--amqp-port", "5671")


@contextmanager
def named_local_azure(folder: Path, *flags: str) -> Iterator[LocalAzure]:
    """Local Azure with `--names`, on a loopback address of the folder's own. The other ports are free ones."""
    address = hosts_file.address(folder)
    need(may_listen(address), "port 443 is for root alone here; `sysctl net.ipv4.ip_unprivileged_port_start=443` opens it")
    with local_azure(folder, "--names", "--host", address, *_PORTS, *flags) as found:
        yield found


def preload() -> dict[str, str]:
    """The one variable that a client needs beside those of `env`, to find Azure's names in the hosts file."""
    need(ctypes.util.find_library("nss_wrapper"), "libnss_wrapper is not installed; `apt-get install libnss-wrapper` installs it")
    return client_environment.preload({})


def may_listen(address: str) -> bool:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((address, 443))
        except PermissionError:
            return False
    return True
