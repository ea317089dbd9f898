"""An Azure with scripted answers, for what no healthy service does on demand: failures and odd headers."""

from __future__ import annotations

import json
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import trustme

from tests.plugins.accounts import CREDENTIALS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TENANT = CREDENTIALS["tenantId"]


@dataclass(frozen=True)
class Asked:
    """A request that was received."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class ScriptedAzure:
    """Login, metadata and ARM on one port. `queue` adds answers for a method and path; the last one is repeated."""

    port: int = 0
    roots: str = ""
    asked: list[Asked] = field(default_factory=list)
    _answers: dict[tuple[str, str], list[tuple[int, Any, dict[str, str]]]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://localhost:{self.port}"

    def queue(self, method: str, path: str, status: int, body: Any = None, **headers: str) -> ScriptedAzure:
        """Queue an answer; header names are written with underscores instead of dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._answers.setdefault((method, path), []).append((status, body, named))
        return self

    def say_only(self, method: str, path: str, status: int, body: Any = None) -> None:
        """Replace whatever was queued by this one answer."""
        self._answers[method, path] = [(status, body, {})]

    def calls(self) -> list[str]:
        """The requests to ARM, in order."""
        return [f"{asked.method} {asked.path}" for asked in self.asked if not asked.path.startswith((f"/{TENANT}", "/metadata"))]

    def variables(self) -> dict[str, str]:
        """The configuration of a provider that uses it."""
        return {**CREDENTIALS, "metadataHost": self.url, "disableInstanceDiscovery": "true"}

    def answer(self, asked: Asked) -> tuple[int, Any, dict[str, str]]:
        """The answer to a request."""
        self.asked.append(asked)
        queued = self._answers.get((asked.method, asked.path), [])
        if queued:
            return queued.pop(0) if len(queued) > 1 else queued[0]
        return 404, {"error": {"code": "ResourceNotFound", "message": "nothing is here"}}, {}


def metadata(url: str) -> dict[str, Any]:
    """A metadata host's description of its cloud."""
    return {
        "name": "Scripted",
        "authentication": {"loginEndpoint": f"{url}/", "audiences": ["https://arm.example", "https://other.example"]},
        "resourceManager": f"{url}/",
        "microsoftGraphResourceId": "https://graph.example/",
    }


def openid(url: str) -> dict[str, Any]:
    """The login service's OpenID configuration."""
    return {
        "authorization_endpoint": f"{url}/{TENANT}/oauth2/v2.0/authorize",
        "token_endpoint": f"{url}/{TENANT}/oauth2/v2.0/token",
        "issuer": f"{url}/{TENANT}/v2.0",
    }


def handler(azure: ScriptedAzure) -> type[BaseHTTPRequestHandler]:
    """The request handler through which `azure` answers; "URL" in a header is replaced by its address."""

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            status, body, headers = azure.answer(self._asked())
            sent = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value.replace("URL", azure.url))
            self.send_header("content-length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_PUT = do_POST = do_DELETE = _any  # noqa: N815 - http.server looks these names up

        def _asked(self) -> Asked:
            split = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            raw = self.rfile.read(int(headers.get("content-length", 0))).decode()
            body = json.loads(raw) if raw and "json" in headers.get("content-type", "") else raw
            query = {name: values[0] for name, values in parse_qs(split.query).items()}
            return Asked(self.command, split.path, query, headers, body)

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    return Handler


@contextmanager
def scripted_azure(folder: Path, azure: ScriptedAzure | None = None) -> Iterator[ScriptedAzure]:
    """Run a scripted Azure; its root certificate is in `roots`."""
    azure = azure or ScriptedAzure()
    authority = trustme.CA()
    roots = folder / "roots.pem"
    authority.cert_pem.write_to_path(str(roots))
    azure.roots = str(roots)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(azure))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    azure.port = server.server_port
    azure.queue("GET", "/metadata/endpoints", 200, metadata(azure.url))
    azure.queue("GET", f"/{TENANT}/v2.0/.well-known/openid-configuration", 200, openid(azure.url))
    azure.queue("POST", f"/{TENANT}/oauth2/v2.0/token", 200, {"access_token": "token", "token_type": "Bearer", "expires_in": 3600})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield azure
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
