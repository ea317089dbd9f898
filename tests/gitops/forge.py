"""The environment of a pipeline: a CI service that issues identity tokens and accepts comments, and a checkout."""

import hashlib
import json
import shlex
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from tests.kit.program import copied
from tests.kit.warm_start import warm_engine

AUDIENCE = "api://AzureADTokenExchange"
_ISSUER = "https://forge.example"
_CHECKED_OUT = ("stacks/Pulumi.staging.yaml", "stacks/Pulumi.prod.yaml", "requirements.txt", "policies", "examples/gitops")


@dataclass
class Forge:
    """A stand-in for GitHub, GitLab or Azure DevOps, with the parts that a job uses."""

    url: str = ""
    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    comments: list[tuple[str, str]] = field(default_factory=list)  # path and text

    def credential(self, subject: str) -> dict[str, Any]:
        """The federated credential that makes Azure trust this forge's tokens with this subject."""
        key = jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"issuer": _ISSUER, "subject": subject, "audience": AUDIENCE, "jwks": {"keys": [{**key, "kid": "forge", "use": "sig"}]}}

    def token(self, subject: str) -> str:
        """A job's identity token."""
        now = int(time.time())
        claims = {"iss": _ISSUER, "sub": subject, "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + 3600}
        return jwt.encode(claims, self.key, algorithm="ES256", headers={"kid": "forge"})

    def token_url(self, subject: str) -> str:
        """Where a job asks for its identity token; GitHub gives each job such an address of its own."""
        return f"{self.url}/token?{urlencode({'subject': subject})}"


@contextmanager
def forge() -> Iterator[Forge]:
    """A forge that listens on loopback."""
    created = Forge()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer a job that requests its identity token."""
            assert self.headers["Authorization"] == "Bearer job"
            self._answer({"value": created.token(parse_qs(urlsplit(self.path).query)["subject"][0])})

        def do_POST(self) -> None:
            """Keep a job's comment."""
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            allowed = self.headers.get("Authorization") == "Bearer commenter"
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
    copied(folder, *_CHECKED_OUT)
    (folder / ".venv").unlink()
    installed(folder)
    return folder


def installed(folder: Path) -> Path:
    """Give a checkout a virtual environment that has everything, and only writes down what pip should install: returns that file."""
    noted = folder / "pip.log"
    place = folder / ".venv/bin"
    place.mkdir(parents=True)
    python, log = shlex.quote(sys.executable), shlex.quote(str(noted))
    _command(place / "python", f'[ "$1 $2 $3" = "-m pip install" ] && {{ echo "$@" >> {log}; exit 0; }}\nexec {python} "$@"\n')
    (place / "python3").symlink_to("python")
    return noted


def shim(folder: Path, engine: str | None) -> Path:
    """A folder for PATH with a `pulumi`, the given CLI or else the embedded engine, and a `curl` that "downloads" an archive of it.

    `pulumi install` does nothing: everything is installed already, and the stand-in plugins can't be downloaded.
    """
    place = folder / "bin"
    place.mkdir()
    start = f'"{engine}"' if engine else shlex.join(warm_engine())
    _command(place / "pulumi", f'[ "$1" = install ] && exit 0\nexec {start} "$@"\n')
    with tarfile.open(folder / "release.tar.gz", "w:gz") as archive:
        archive.add(place / "pulumi", "pulumi/pulumi")
    saved = shlex.quote(str(folder / "release.tar.gz"))
    _command(place / "curl", f'while [ "$1" != --output ]; do shift; done\ncp {saved} "$2"\n')
    return place


def _command(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\n{script}")
    file.chmod(0o755)


def accept_release(folder: Path, release: Path) -> None:
    """Let a checkout's checksums be those of a stand-in's release."""
    sums = folder / "examples/gitops/pulumi.sha256"
    digest = hashlib.sha256(release.read_bytes()).hexdigest()
    sums.write_text("".join(f"{digest}  {line.split()[1]}\n" for line in sums.read_text().splitlines()))
