"""A page in headless Chromium, and the server that the page is from: the page itself tells that server what it could read."""

import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.kit.prerequisites import need

PATIENCE = 180  # seconds; only a busy machine needs more than ten
QUIET = (
    "--headless", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-background-networking", "--disable-sync",
    "--disable-component-update", "--disable-breakpad", "--disable-dev-shm-usage", "--password-store=basic", "--no-proxy-server",
)  # fmt: skip


def need_chromium() -> str:
    """The path of Chromium; without it the test is skipped, and in CI it fails."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    need(found, "Chromium is not installed; `apt-get install chromium` installs it")
    return str(found)


@dataclass
class PageServer:
    """Serves one page at every path. Once ``leads_to`` is set, new connections are relayed there: the page's name leads elsewhere."""

    page: bytes
    port: int = 0
    reports: "queue.Queue[list[dict[str, Any]]]" = field(default_factory=queue.Queue)
    served: threading.Event = field(default_factory=threading.Event)
    leads_to: str = ""

    def url(self, host: str = "127.0.0.1", **query: Any) -> str:
        """The page's address under a name, with where it reports to."""
        report = f"http://127.0.0.1:{self.port}/report"
        return f"http://{host}:{self.port}/?{urlencode({**query, 'report': report}, doseq=True)}"


class _Handler(BaseHTTPRequestHandler):
    """The page, and the place that takes its report."""

    served: PageServer

    def do_GET(self) -> None:
        """Send the page."""
        self.send_response(200)
        for name, value in (("Content-Type", "text/html; charset=utf-8"), ("X-Page", "1"), ("Content-Length", str(len(self.served.page)))):
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(self.served.page)
        self.served.served.set()

    def do_POST(self) -> None:
        """Take the report."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
        self.served.reports.put(json.loads(body))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""

    def handle(self) -> None:
        """Serve, or pass every byte on, if the name leads elsewhere by now."""
        if not self.served.leads_to or self._is_report():
            super().handle()
            return
        parts = urlsplit(self.served.leads_to)
        with socket.create_connection((str(parts.hostname), parts.port)) as upstream:
            back = threading.Thread(target=_pass_on, args=(upstream, self.connection), daemon=True)
            back.start()
            _pass_on(self.connection, upstream)
            back.join()

    def _is_report(self) -> bool:
        first = self.connection.recv(16, socket.MSG_PEEK)
        return first.startswith(b"POST /report ")


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def page_server(page: Path) -> Iterator[PageServer]:
    """A page's server, on any free port of 127.0.0.1."""
    served = PageServer(page.read_bytes())
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"served": served}))
    server.daemon_threads = True
    served.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Browser:
    """Chromium with one page open."""

    process: subprocess.Popen[bytes]
    log: Path

    def report(self, served: PageServer) -> list[dict[str, Any]]:
        """What the page reports at its end."""
        for _ in range(PATIENCE * 2):
            with suppress(queue.Empty):
                return served.reports.get(timeout=0.5)
            assert self.process.poll() is None, self.words()
        raise AssertionError(f"the page did not end within {PATIENCE} s: {self.words()}")

    def words(self) -> str:
        """The end of what Chromium printed."""
        return self.log.read_text(errors="replace")[-2000:]


@contextmanager
def open_in_chromium(url: str, *flags: str) -> Iterator[Browser]:
    """Chromium with a new profile that shows one page."""
    # Not pytest's folder: the profile has a socket, whose path may have a hundred characters.
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        place = {"HOME": name, "XDG_CONFIG_HOME": name, "XDG_CACHE_HOME": name, "TMPDIR": name}
        variables = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")} | place
        root = ("--no-sandbox",) if os.geteuid() == 0 else ()
        command = [need_chromium(), *QUIET, *root, f"--user-data-dir={folder / 'profile'}", *flags, url]
        with (folder / "chromium.log").open("wb") as log:
            process = subprocess.Popen(command, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        try:
            yield Browser(process, folder / "chromium.log")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)
