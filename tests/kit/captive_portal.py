"""A proxy in a network that asks for a login first: whatever a client asks for, it gets the login page."""

import contextlib
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

from local_azure_iot.host_names import PUBLIC

PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form><input name='user'></form></body></html>\n"
INTERCEPTS = "intercepts"  # it opens every connection with a certificate of its own, which this machine trusts
KINDS = {
    INTERCEPTS: "200 Connection established",
    "answers CONNECT with the page": "200 OK",
    "redirects CONNECT": "302 Found",
    "refuses CONNECT": "403 Forbidden",
    "wants a password": "407 Proxy Authentication Required",
}


@dataclass
class Portal:
    """``url`` is the value for HTTPS_PROXY; ``roots`` is a file with the roots that this machine trusts, the portal's too."""

    kind: str
    context: ssl.SSLContext
    roots: Path
    url: str = ""
    asked: list[str] = field(default_factory=list)  # the hosts that clients wanted to reach


@contextmanager
def captive_portal(folder: Path, kind: str) -> Iterator[Portal]:
    """A portal of one of ``KINDS``."""
    authority = trustme.CA()
    roots = folder / "portal-roots.pem"
    authority.cert_pem.write_to_path(str(roots))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*PUBLIC.wildcard_names).configure_cert(context)
    portal = Portal(kind, context, roots)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"portal": portal}))
    server.daemon_threads = True
    portal.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield portal
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """One connection: CONNECT, and where the portal opens it, requests as if to the host itself."""

    protocol_version = "HTTP/1.1"
    portal: Portal

    def do_CONNECT(self) -> None:
        """Answer as the portal's kind does."""
        self.portal.asked.append(self.path)
        status = KINDS[self.portal.kind]
        if self.portal.kind != INTERCEPTS:
            extra = "Location: http://portal.invalid/login\r\n" if status.startswith("302") else ""
            head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(PAGE)}\r\n{extra}Connection: close\r\n\r\n"
            self.wfile.write(head.encode() + PAGE)
            self.close_connection = True
            return
        self.wfile.write(f"HTTP/1.1 {status}\r\n\r\n".encode())
        try:
            self.connection = self.portal.context.wrap_socket(self.connection, server_side=True)
        except (ssl.SSLError, ConnectionError):
            self.close_connection = True
            return
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)  # type: ignore[assignment]
        self.close_connection = False

    def page(self) -> None:
        """Answer with the login page."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response_only(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = do_HEAD = page  # noqa: N815 - http.server's names

    def finish(self) -> None:
        """Close the connection; the server knows only the one before it was opened."""
        with contextlib.suppress(OSError):
            super().finish()
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Log nothing."""
