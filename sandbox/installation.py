"""The sandbox of this folder: where its files lie, whether its local Azure runs, how to start and stop it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PATIENCE = 20.0  # seconds until a start or a stop counts as failed


class SandboxError(Exception):
    """Something about the sandbox failed; the message is one line and says what to do."""


@dataclass(frozen=True)
class Installation:
    """The sandbox under one folder, `.sandbox/` unless SANDBOX_HOME says otherwise."""

    home: Path

    @property
    def ready_file(self) -> Path:
        """Where the running local Azure tells its addresses."""
        return self.home / "azure.json"

    @property
    def data(self) -> Path:
        """What local Azure keeps."""
        return self.home / "azure"

    @property
    def log(self) -> Path:
        """What local Azure says."""
        return self.home / "azure.log"

    def running(self) -> dict[str, Any] | None:
        """The content of the ready file when the local Azure that wrote it answers, else None."""
        try:
            ready: dict[str, Any] = json.loads(self.ready_file.read_text())
        except (OSError, ValueError):
            return None
        return ready if _answers(ready) else None

    def need(self) -> dict[str, Any]:
        """The running local Azure.

        Raises:
            SandboxError: There is none.
        """
        ready = self.running()
        if ready is None:
            raise SandboxError("no local Azure runs here; start one with `make up` or `python -m sandbox up`")
        return ready

    def start(self) -> dict[str, Any]:
        """The running local Azure; a new one in the background, on free ports, when there is none.

        Raises:
            SandboxError: It does not come up.
        """
        if ready := self.running():
            return ready
        self.home.mkdir(parents=True, exist_ok=True)
        self.ready_file.unlink(missing_ok=True)
        ports = ("--port", "0", "--mqtt-port", "0", "--proxy-port", "0", "--control-port", "0")
        # Azure tells clients to wait 15 s before they ask whether a deletion is done; here it is done at once.
        patience = ("--retry-after", "0")
        files = ("--data", str(self.data), "--ready-file", str(self.ready_file))
        command = [sys.executable, "-m", "sandbox", "cloud", *ports, *patience, *files]
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=Path(__file__).parent.parent
            )
        return self._await_ready(process)

    def _await_ready(self, process: subprocess.Popen[bytes]) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            if ready := self.running():
                return ready
            time.sleep(0.02)
        last = self.log.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise SandboxError(f"local Azure did not start: {last[0]}; the whole of it is in {self.log}")

    def stop(self) -> bool:
        """Stop local Azure and wait until it is gone; False when none ran.

        Raises:
            SandboxError: It does not stop.
        """
        ready = self.running()
        if ready is None:
            return False
        os.kill(ready["pid"], signal.SIGTERM)
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if not self.ready_file.exists() and not _answers(ready):
                return True
            time.sleep(0.02)
        raise SandboxError(f"local Azure (process {ready['pid']}) does not stop; end it with `kill -9 {ready['pid']}`")

    def changes(self) -> int:
        """How many calls that change something local Azure has had since it started.

        Raises:
            SandboxError: None runs.
        """
        return len(_call(self.need(), "GET", "/requests?mutating=1"))

    def reset(self) -> None:
        """Make local Azure forget every resource; the tenant and its client stay.

        Raises:
            SandboxError: None runs.
        """
        _call(self.need(), "POST", "/reset")


def here() -> Installation:
    """The sandbox of the current folder."""
    return Installation(Path(os.environ.get("SANDBOX_HOME") or Path.cwd() / ".sandbox"))


def _answers(ready: dict[str, Any]) -> bool:
    try:
        return bool(_call(ready, "GET", "/health")["status"] == "ready")
    except (OSError, ValueError, KeyError):
        return False


def _call(ready: dict[str, Any], method: str, path: str) -> Any:
    request = urllib.request.Request(f"{ready['control']}{path}", method=method)  # noqa: S310 - loopback, from our own ready file
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the control port is never behind a proxy
    with opener.open(request, timeout=5) as response:
        return json.load(response)


def environment(ready: dict[str, Any]) -> dict[str, str]:
    """What points any Azure client at this local Azure: proxy, trust, credentials.

    Both spellings of the proxy are set, for curl reads the lower-case one; loopback stays direct.
    """
    proxy, bundle = ready["proxy"], ready["bundle_file"]
    direct = "localhost,127.0.0.0/8,127.0.0.1,::1"
    variables = {
        "HTTPS_PROXY": proxy,
        "https_proxy": proxy,
        "NO_PROXY": direct,
        "no_proxy": direct,
        "SSL_CERT_FILE": bundle,
        "REQUESTS_CA_BUNDLE": bundle,
        "CURL_CA_BUNDLE": bundle,
        "NODE_EXTRA_CA_CERTS": ready["ca_file"],
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
    }
    names = {"TENANT_ID": "tenant_id", "CLIENT_ID": "client_id", "CLIENT_SECRET": "client_secret", "SUBSCRIPTION_ID": "subscription_id"}
    for name, member in names.items():
        variables[f"AZURE_{name}"] = ready[member]
        variables[f"ARM_{name}"] = ready[member]
    return variables
