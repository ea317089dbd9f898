"""The speed of local Azure, compared with moto's server doing its most similar work, in one run.

    python -m benchmarks.cloud [--proofs 400] [--hubs 1000] [--clients 1]

A proof is three requests: PUT, generateVerificationCode, verify. moto's most similar work is three requests too: get a registration
code, register a CA certificate, create a thing. The same client, with open connections, sends both, in alternating batches, so that
both get the machine's other load; ours over TLS with a token that is checked, theirs over plain HTTP. Signing the proofs is not counted.
CPU is the server's processor time per request: the reliable figure on a machine with other work.
Ready is from the start of the process to its first answer. Memory is resident, before and after 1,000 hubs (theirs: things).
Without moto (`make bench` installs it) only our figures are printed.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local_azure_iot.start_command import FREE_PORTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
MOTO = ROOT / ".strangers" / "moto" / "bin" / "moto_server"
BATCH = 25  # certificates that a hub takes
API = "api-version=2023-06-30"
AWS = {"Authorization": "AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/iot/aws4_request, SignedHeaders=host, Signature=0"}


class Client:
    """One keep-alive connection; records the seconds of each request."""

    def __init__(self, connection: http.client.HTTPConnection, headers: dict[str, str]) -> None:
        self._connection, self.headers = connection, headers
        self.seconds: list[float] = []

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A request that must succeed; returns its JSON."""
        content = None if body is None else json.dumps(body)
        sent = {**self.headers, **headers, **({"Content-Type": "application/json"} if content else {})}
        began = time.perf_counter()
        self._connection.request(method, path, content, sent)
        answer = self._connection.getresponse()
        raw = answer.read()
        self.seconds.append(time.perf_counter() - began)
        assert answer.status < 300, f"{method} {path}: {answer.status} {raw.decode()}"
        return json.loads(raw) if raw else None


@dataclass
class Authority:
    """A CA for the benchmark, and certificates signed by its key."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def certificate(self, subject: str, issuer: str = "Bench") -> str:
        """A certificate signed by this key, as PEM."""
        now = datetime.now(UTC)
        names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (subject, issuer)]
        serial, begins, ends = x509.random_serial_number(), now - timedelta(hours=1), now + timedelta(days=9)
        builder = x509.CertificateBuilder(names[1], names[0], self.key.public_key(), serial, begins, ends)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


class LocalAzure:
    """Our server: a process, and its clients."""

    unit = "hubs"

    def __init__(self, ready: dict[str, Any], pid: int) -> None:
        self._ready, self.pid, self._made = ready, pid, 0
        self._group = f"/subscriptions/{ready['subscription_id']}/resourceGroups/bench"
        self._headers: dict[str, str] = {}
        self._headers = {"Authorization": f"Bearer {self._token()}"}
        self.client().ask("PUT", f"{self._group}?api-version=2021-04-01", {"location": "westus"})

    def _token(self) -> str:
        one = self._ready
        form = {"grant_type": "client_credentials", "client_id": one["client_id"], "client_secret": one["client_secret"]}
        connection = self._connection()
        content = urlencode({**form, "scope": "https://management.azure.com/.default"})
        connection.request("POST", f"/{one['tenant_id']}/oauth2/v2.0/token", content, {"Content-Type": "application/x-www-form-urlencoded"})
        return str(json.loads(connection.getresponse().read())["access_token"])

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self._ready["arm"])
        trust = ssl.create_default_context(cafile=self._ready["ca_file"])
        return http.client.HTTPSConnection(parts.hostname or "", parts.port, context=trust)

    def client(self) -> Client:
        """A new connection."""
        return Client(self._connection(), self._headers)

    def make(self, client: Client) -> str:
        """Create a hub; returns its path."""
        self._made += 1
        path = f"{self._group}/providers/Microsoft.Devices/IotHubs/bench-{self._made}-{id(client) % 9999}"
        client.ask("PUT", f"{path}?{API}", {"location": "westus", "sku": {"name": "S1", "capacity": 1}})
        return path

    def batch(self, client: Client, authority: Authority) -> None:
        """25 proofs on a new hub; its creation is not counted."""
        hub = self.make(client)
        client.seconds.pop()
        text = base64.b64encode(authority.certificate("Bench").encode()).decode()
        for number in range(BATCH):
            url = f"{hub}/certificates/ca-{number}"
            etag = client.ask("PUT", f"{url}?{API}", {"properties": {"certificate": text}})["etag"]
            coded = client.ask("POST", f"{url}/generateVerificationCode?{API}", **{"If-Match": etag})
            proof = {"certificate": authority.certificate(coded["properties"]["verificationCode"])}
            verified = client.ask("POST", f"{url}/verify?{API}", proof, **{"If-Match": coded["etag"]})
            assert verified["properties"]["isVerified"] is True


class Moto:
    """The peer: moto's server."""

    unit = "things"

    def __init__(self, port: int, pid: int) -> None:
        self._port, self.pid, self._made = port, pid, 0

    def client(self) -> Client:
        """A new connection."""
        return Client(http.client.HTTPConnection("127.0.0.1", self._port), AWS)

    def make(self, client: Client) -> str:
        """Create a thing; returns its name."""
        self._made += 1
        name = f"bench-{self._made}-{id(client) % 9999}"
        client.ask("POST", f"/things/{name}", {})
        return name

    def batch(self, client: Client, authority: Authority) -> None:
        """The same number of requests as ours."""
        for number in range(BATCH):
            code = client.ask("GET", "/registrationcode")["registrationCode"]
            body = {"caCertificate": authority.certificate(f"Bench {number}"), "verificationCertificate": authority.certificate(code)}
            client.ask("POST", "/cacertificate", body)
            self.make(client)


@contextmanager
def local_azure(folder: Path) -> Iterator[tuple[LocalAzure, tuple[float, float]]]:
    """Ours, and the seconds until its ready file exists, by the clock and of the processor."""
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "sandbox", "cloud", *FREE_PORTS, "--ready-file", str(ready), "--data", str(folder / "data")]
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            _await(ready.exists, process)
            start = time.perf_counter() - began, _cpu(process.pid)
            yield LocalAzure(json.loads(ready.read_text(encoding="utf-8")), process.pid), start
        finally:
            process.terminate()


@contextmanager
def moto() -> Iterator[tuple[Moto, tuple[float, float]]]:
    """Theirs, and the seconds until its first answer, by the clock and of the processor."""
    port = _free_port()
    began = time.perf_counter()
    with subprocess.Popen([str(MOTO), "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            peer = Moto(port, process.pid)
            _await(lambda: _answers(peer), process)
            start = time.perf_counter() - began, _cpu(process.pid)
            yield peer, start
        finally:
            process.terminate()


def _answers(peer: Moto) -> bool:
    try:
        peer.client().ask("GET", "/registrationcode")
    except OSError:
        return False
    return True


def _await(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, "it did not start"
        assert time.monotonic() < end, "it never answered"
        time.sleep(0.002)


def _free_port() -> int:
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _memory(pid: int) -> float:
    """Resident MiB of a process."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _cpu(pid: int) -> float:
    """Seconds of processor time of a process, independent of other work on the machine."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(server: LocalAzure | Moto, clients: int) -> list[float]:
    """One batch by each client at the same time; returns the seconds of each request."""
    authority, made = Authority(), [server.client() for _ in range(clients)]
    threads = [threading.Thread(target=server.batch, args=(client, authority)) for client in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [second for client in made for second in client.seconds]


def _grown(server: LocalAzure | Moto, count: int) -> tuple[float, float]:
    before, client = _memory(server.pid), server.client()
    for _ in range(count):
        server.make(client)
    return before, _memory(server.pid)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proofs", type=int, default=400, help=f"rounded up to {BATCH} a client")
    parser.add_argument("--hubs", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--starts", type=int, default=3)
    args = parser.parse_args()
    ready: dict[str, list[tuple[float, float]]] = {"ours": [], "moto": []}
    for _ in range(args.starts):
        with tempfile.TemporaryDirectory() as folder, local_azure(Path(folder)) as (_, start):
            ready["ours"].append(start)
        if MOTO.exists():
            with moto() as (_, start):
                ready["moto"].append(start)
    with tempfile.TemporaryDirectory() as folder, local_azure(Path(folder)) as (ours, _):
        if MOTO.exists():
            with moto() as (theirs, _):
                _compare(args, {"ours": ours, "moto": theirs}, ready)
        else:
            print("moto is not installed (`make bench` installs it): only our figures follow")
            _compare(args, {"ours": ours}, ready)


def _compare(args: argparse.Namespace, servers: dict[str, LocalAzure | Moto], ready: dict[str, list[tuple[float, float]]]) -> None:
    grown = {name: _grown(server, args.hubs) for name, server in servers.items()}
    seconds: dict[str, list[float]] = {name: [] for name in servers}
    cpu = dict.fromkeys(servers, 0.0)
    for server in servers.values():
        measure(server, args.clients)  # warm
    for _ in range(-(-args.proofs // (BATCH * args.clients))):
        for name, server in servers.items():
            before = _cpu(server.pid)
            seconds[name] += measure(server, args.clients)
            cpu[name] += _cpu(server.pid) - before
    print(f"{args.clients} client(s)   requests/s  proofs/s   p50 ms   p99 ms   CPU ms   ready s  its CPU s   MiB   with {args.hubs}")
    rates, costs = {}, {}
    for name, taken in seconds.items():
        rates[name], costs[name] = args.clients * len(taken) / sum(taken), 1000 * cpu[name] / len(taken)
        p99 = 1000 * statistics.quantiles(taken, n=100)[98]
        start = (statistics.median(took for took, _ in ready[name]), statistics.median(spent for _, spent in ready[name]))
        row = (rates[name], rates[name] / 3, 1000 * statistics.median(taken), p99, costs[name], *start, *grown[name])
        print(f"{name:12}" + "{:12.0f}{:10.0f}{:9.2f}{:9.2f}{:9.2f}{:10.2f}{:11.2f}{:6.0f}{:7.0f}".format(*row) + f" {servers[name].unit}")
    if "moto" in rates:
        beside = f"{rates['ours'] / rates['moto']:.1f} times the requests a second"
        print(f"ours to moto: {beside}, {costs['moto'] / costs['ours']:.1f} times by the processor time of a request")


if __name__ == "__main__":
    main()
