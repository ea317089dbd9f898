"""Azurite, Microsoft's storage emulator, as the blob store of a hub: over TLS with local Azure's own server certificate."""

import base64
import hashlib
import hmac
import os
import re
import secrets
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from tests.kit.prerequisites import need
from tests.kit.repository import ROOT

_PROGRAM = ROOT / ".strangers" / "azurite" / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
_VERSION = "2019-12-12"  # of the storage protocol


@dataclass
class BlobStore:
    """One storage account in Azurite."""

    endpoint: str  # https://127.0.0.1:12345/account
    account: str
    key: str
    trust: ssl.SSLContext

    @property
    def connection_string(self) -> str:
        """What a hub's storage endpoint has."""
        return f"DefaultEndpointsProtocol=https;AccountName={self.account};AccountKey={self.key};BlobEndpoint={self.endpoint}"

    def signed(self, *, permissions: str = "rwdlac", hours: float = 1) -> str:
        """The query of an account's shared access signature, for all containers and blobs.

        https://learn.microsoft.com/rest/api/storageservices/create-account-sas.
        """
        expiry = f"{datetime.now(UTC) + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"
        text = f"{self.account}\n{permissions}\nb\nsco\n\n{expiry}\n\n\n{_VERSION}\n"
        digest = base64.b64encode(hmac.new(base64.b64decode(self.key), text.encode(), hashlib.sha256).digest()).decode()
        return f"sv={_VERSION}&ss=b&srt=sco&sp={permissions}&se={quote(expiry)}&sig={quote(digest, safe='')}"

    def ask(self, method: str, path: str, query: str = "", **content: Any) -> httpx.Response:
        """A request that must succeed."""
        url = f"{self.endpoint}/{path}?{query}{'&' if query else ''}{self.signed()}"
        with httpx.Client(verify=self.trust, trust_env=False, timeout=60) as client:
            answer = client.request(method, url, headers={"x-ms-version": _VERSION, **content.pop("headers", {})}, **content)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    def create_container(self, name: str) -> str:
        """Create a container; returns its URL with a signature that allows everything in it."""
        self.ask("PUT", name, "restype=container")
        return f"{self.endpoint}/{name}?{self.signed()}"

    def put(self, path: str, content: bytes) -> None:
        """Write a block blob."""
        self.ask("PUT", path, content=content, headers={"x-ms-blob-type": "BlockBlob"})

    def read(self, path: str) -> bytes:
        """The content of a blob."""
        return self.ask("GET", path).content


@contextmanager
def azurite(ca_file: str) -> Iterator[BlobStore]:
    """Azurite on a free port, in memory. ``ca_file`` is local Azure's: its server certificate lies beside it."""
    node = shutil.which("node")
    need(node and _PROGRAM.exists(), "Azurite is not installed; run `make strangers`")
    assert node
    identity = Path(ca_file).parent
    account, key = "trialaccount", base64.b64encode(secrets.token_bytes(32)).decode()
    command = [node, str(_PROGRAM), "--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence", "--disableTelemetry", "--loose"]
    files = ["--cert", str(identity / "server.pem"), "--key", str(identity / "server.key")]
    environment = {"PATH": os.environ["PATH"], "AZURITE_ACCOUNTS": f"{account}:{key}"}
    process = subprocess.Popen(
        [*command, *files],
        cwd=identity,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    reader = None
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if found := re.search(r"listens on (https://127\.0\.0\.1:\d+)", line):
                break
        assert found, "Azurite did not start:\n" + "".join(said)
        reader = threading.Thread(target=process.stdout.read)  # its log, so that it never waits for a reader
        reader.start()
        yield BlobStore(f"{found[1]}/{account}", account, key, ssl.create_default_context(cafile=ca_file))
    finally:
        process.terminate()
        process.wait(30)
        if reader:
            reader.join(30)
        process.stdout.close()
