"""The environment of a pipeline: a CI service that issues identity tokens and accepts comments, and a checkout."""

import json
import shlex
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from tests.kit.program import copied
from tests.kit.repository import EMBEDDED_ENGINE

AUDIENCE = "api://AzureADTokenExchange"
_ISSUER, _SUBJECT = "https://forge.example", "repo:contoso/hubtrust"
_CHECKED_OUT = ("stacks/Pulumi.staging.yaml", "stacks/Pulumi.prod.yaml", "requirements.txt", "policies", "examples/gitops")


@dataclass
class Forge:
    """A stand-in for GitHub, GitLab or Azure DevOps, with the parts that a job uses."""

    url: str = ""
    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    comments: list[tuple[str, str]] = field(default_factory=list)  # path and text

    @property
    def credential(self) -> dict[str, Any]:
        """The federated credential that makes Azure trust this forge's tokens."""
        key = jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"issuer": _ISSUER, "subject": _SUBJECT, "audience": AUDIENCE, "jwks": {"keys": [{**key, "kid": "forge", "use": "sig"}]}}

    def token(self) -> str:
        """A job's identity token."""
        now = int(time.time())
        claims = {"iss": _ISSUER, "sub": _SUBJECT, "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + 3600}
        return jwt.encode(claims, self.key, algorithm="ES256", headers={"kid": "forge"})


@contextmanager
def forge() -> Iterator[Forge]:
    """A forge that listens on loopback."""
    created = Forge()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer a job that requests its identity token."""
            assert self.headers["Authorization"] == "Bearer job"
            self._answer({"value": created.token()})

        def do_POST(self) -> None:
            """Keep a job's comment."""
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            allowed = "commenter" in (self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or "")
            created.comments.append((self.path, body["body"] if "body" in body else body["comments"][0]["content"]))
            self._answer({}, 201 if allowed else 403)

        def _answer(self, content: Any, status: int = 200) -> None:
            raw = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    created.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield created
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def checkout(folder: Path) -> Path:
    """A checkout of the repository with its requirements installed, as on a runner."""
    return copied(folder / "checkout", *_CHECKED_OUT)


def shim(folder: Path, engine: str | None) -> Path:
    """A folder for PATH whose `pulumi` is the given CLI, or else the embedded engine.

    `pulumi install` does nothing in both cases: everything is installed already, and the stand-in plugins can't be downloaded.
    """
    place = folder / "bin"
    place.mkdir()
    command = place / "pulumi"
    start = f'"{engine}"' if engine else shlex.join(EMBEDDED_ENGINE)
    command.write_text(f'#!/bin/sh\n[ "$1" = install ] && exit 0\nexec {start} "$@"\n')
    command.chmod(0o755)
    return place
