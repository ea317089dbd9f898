"""A relay to local Azure that can fail: it forwards calls, keeps a log, and breaks the calls that a test names."""

import http.client
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import trustme


@dataclass(frozen=True)
class Fault:
    """``status`` answers instead of Azure; `drop` closes the connection before or after the effect, `hold` does so once the test says so.

    `pause-before` forwards the call once the test says so.
    """

    kind: str  # status, drop-before, drop-after, hold-before, hold-after, pause-before
    status: int = 0
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    step: str | None = None  # only such a call is broken: see ``Call.step``


@dataclass
class Call:
    """One relayed call, without the token; ``status`` is 0 if it did not reach Azure."""

    method: str
    path: str
    etag: str | None
    status: int = 0

    @property
    def step(self) -> str:
        """GET, PUT, generate, verify or DELETE."""
        verb = self.path.rpartition("/")[2]
        return {"generateVerificationCode": "generate", "verify": "verify"}.get(verb, self.method)


@dataclass
class Relay:
    """``url`` is the value for the input ``cloud``; ``faults`` are by the number of the call, counted from the last ``clear``."""

    upstream: str
    trust: ssl.SSLContext
    url: str = ""
    calls: list[Call] = field(default_factory=list)
    faults: dict[int, Fault] = field(default_factory=dict)
    held: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def clear(self, faults: dict[int, Fault] | None = None) -> None:
        """Clear the log, and set the calls to break."""
        with self.lock:
            self.calls.clear()
            self.faults = faults or {}
            self.held.clear()
            self.released.clear()

    @property
    def steps(self) -> list[str]:
        """The steps that were called, in order."""
        return [call.step for call in self.calls]

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Send the request to local Azure."""
        host = urlsplit(self.upstream).netloc
        connection = http.client.HTTPSConnection(host, context=self.trust, timeout=120)
        try:
            connection.request(method, path, body or None, {**headers, "Host": host})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def metadata(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Local Azure's metadata, with this relay as its resource manager."""
        status, _, body = self.forward("GET", path, {"Accept": "application/json"}, b"")
        return status, {}, json.dumps({**json.loads(body), "resourceManager": self.url}).encode()


@contextmanager
def relay_to(upstream: str, upstream_roots: Path, folder: Path) -> Iterator[tuple[Relay, Path]]:
    """A relay, and the file of roots that trusts both it and local Azure."""
    authority = trustme.CA()
    roots = folder / "roots.pem"
    roots.write_bytes(upstream_roots.read_bytes() + b"\n" + authority.cert_pem.bytes())
    relay = Relay(upstream, ssl.create_default_context(cafile=str(roots)))
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("CrossingTo", (RelayHandler,), {"relay": relay}))
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    relay.url = f"https://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield relay, roots
    finally:
        relay.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


class RelayHandler(BaseHTTPRequestHandler):
    """One connection to the relay."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes, and the second would wait 40 ms
    relay: Relay

    def cross(self) -> None:
        """Forward one call, or break it."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/metadata/"):
            self.reply(*self.relay.metadata(self.path))
            return
        call = Call(self.command, self.path.partition("?")[0], self.headers.get("If-Match"))
        with self.relay.lock:
            fault = self.relay.faults.pop(len(self.relay.calls), None)
            self.relay.calls.append(call)
        fault = None if fault and fault.step not in (None, call.step) else fault
        if fault and fault.kind == "status":
            self.reply(fault.status, fault.headers, json.dumps(fault.body or {}).encode())
            return
        if self.broken(fault, "before"):
            return
        kept = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection", "content-length")}
        call.status, headers, content = self.relay.forward(self.command, self.path, kept, body)
        if not self.broken(fault, "after"):
            self.reply(call.status, headers, content)

    def broken(self, fault: Fault | None, moment: str) -> bool:
        """Drop the connection now, or hold it until the test is done; False if the call goes on."""
        if fault is None or not fault.kind.endswith(moment):
            return False
        if fault.kind.startswith(("hold", "pause")):
            self.relay.held.set()
            self.relay.released.wait(120)
        self.close_connection = not fault.kind.startswith("pause")
        return self.close_connection

    def reply(self, status: int, headers: dict[str, str], content: bytes) -> None:
        """Send an answer, Azure's or the fault's."""
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "content-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = cross  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        """Log nothing."""
