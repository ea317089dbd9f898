"""The cost of a connection to local Azure's device plane, compared with a TLS handshake of `openssl s_server`.

    python -m benchmarks.device_plane [--connections 500] [--rounds 4]

Ours: TLS 1.3 with a client certificate, MQTT CONNECT, the decision (chain, registry, certificates of the hub), CONNACK, DISCONNECT.
Theirs: TLS 1.3 with the same server certificate and the same client chain, verified to the same root, and nothing else.
Rounds alternate. Both servers run on one core and the client on another. The server's own processor time is measured: a client in
Python is slower than either server, and other work on the machine does not count. Target: at least half of theirs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.kit.device_certificates import Party
from tests.kit.hub_client import HubClient
from tests.kit.local_azure import LocalAzure, local_azure
from tests.kit.mqtt_device import connect, packet

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent

_SERVER_CORE, _CLIENT_CORE = 0, 1


@dataclass
class Side:
    """One measured server."""

    name: str
    pid: int
    once: Callable[[], None]
    processor: float = 0.0
    wall: float = 0.0
    connections: int = 0
    best: list[float] = field(default_factory=list)

    def run(self, count: int) -> None:
        """Connect this many times, one after another."""
        before, began = _processor(self.pid), time.perf_counter()
        for _ in range(count):
            self.once()
        spent = _processor(self.pid) - before
        self.processor += spent
        self.wall += time.perf_counter() - began
        self.connections += count
        self.best.append(count / spent)


def _processor(pid: int) -> float:
    """Seconds of processor time of a process, as exact as the kernel reports it."""
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="utf-8").split()[0]) / 1e9


def _on_core(pid: int, core: int) -> None:
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(pid, {core})


def _client(ca: str, chain: Path, key: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(chain, key)
    return context


def _ours(azure: LocalAzure, context: ssl.SSLContext, host: str, device: str) -> Callable[[], None]:
    place = urlsplit(azure.ready["mqtt"])
    hello, bye = connect(device, f"{host}/{device}/?api-version=2021-04-12"), packet(14, b"")

    def once() -> None:
        with socket.create_connection((place.hostname, place.port)) as plain, context.wrap_socket(plain, server_hostname=host) as tls:
            tls.sendall(hello)
            assert tls.recv(4) == b"\x20\x02\0\0", "the device was refused"
            tls.sendall(bye)
            assert tls.recv(1) == b""

    return once


def _theirs(port: int, context: ssl.SSLContext, host: str) -> Callable[[], None]:
    def once() -> None:
        with socket.create_connection(("127.0.0.1", port)) as plain, context.wrap_socket(plain, server_hostname=host) as tls:
            # In TLS 1.3 only an answer shows that the client's certificate was accepted.
            tls.sendall(b"x\n")
            tls.unwrap()

    return once


def _s_server(folder: Path, root: Path, port: int) -> subprocess.Popen[bytes]:
    line = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-quiet", "-tls1_3", "-num_tickets", "0", "-no_cache"]
    own: list[str | Path] = ["-cert", folder / "server.pem", "-key", folder / "server.key", "-cert_chain", folder / "server.pem"]
    trust: list[str | Path] = ["-Verify", "3", "-verify_return_error", "-CAfile", root]
    return subprocess.Popen([*line, *own, *trust], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _answers(once: Callable[[], None]) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            once()
        except ConnectionError:
            assert time.monotonic() < end, "the server never answered"
            time.sleep(0.05)
        else:
            return


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=500, help="a round")
    parser.add_argument("--rounds", type=int, default=4)
    args = parser.parse_args()
    if not shutil.which("openssl"):
        sys.exit("openssl is not on PATH; it is the peer of this benchmark")
    _on_core(0, _CLIENT_CORE)
    with tempfile.TemporaryDirectory() as folder, local_azure(Path(folder)) as azure:
        work = Path(folder)
        root = Party("Bench root")
        issuing = root.authority_below("Bench issuing", path_length=0)
        chain, key = issuing.device("press-001").files(work / "device", issuing)
        (work / "root.pem").write_text(root.pem, encoding="utf-8")
        client = HubClient(azure, azure.hub())
        client.hub.put("root", root.pem, isVerified=True)
        client.put("press-001")
        context = _client(azure.ready["ca_file"], chain, key)
        port = _free_port()
        peer = _s_server(Path(azure.ready["ca_file"]).parent, work / "root.pem", port)
        try:
            ours = Side("device plane", azure.ready["pid"], _ours(azure, context, client.host, "press-001"))
            theirs = Side("openssl s_server", peer.pid, _theirs(port, context, client.host))
            for side in (ours, theirs):
                _on_core(side.pid, _SERVER_CORE)
                _answers(side.once)
            for _ in range(args.rounds):
                ours.run(args.connections)
                theirs.run(args.connections)
        finally:
            peer.kill()
            peer.wait()
        client.http.close()
    _report(ours, theirs)


def _report(ours: Side, theirs: Side) -> None:
    print(f"{'':18}connections  per second of its core   by the clock   processor us each")
    for side in (ours, theirs):
        row = f"{side.connections:11}{side.connections / side.processor:24.0f}{side.connections / side.wall:15.0f}"
        print(f"{side.name:18}{row}{1e6 * side.processor / side.connections:20.0f}")
    ratios = sorted(mine / other for mine, other in zip(ours.best, theirs.best, strict=True))
    rounds = ", ".join(f"{each:.2f}" for each in ratios)
    print(f"ratio, ours to theirs, per second of its core: {ratios[len(ratios) // 2]:.2f} (rounds: {rounds})")


if __name__ == "__main__":
    main()
