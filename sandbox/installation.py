"""The sandbox of a folder: its files, and starting, stopping and resetting its local Azure."""

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

_TIMEOUT_SECONDS = 20.0  # for a start and for a stop


class SandboxError(Exception):
    """A sandbox command failed; the message is one line and says what to do."""


@dataclass(frozen=True)
class Installation:
    """The sandbox in the folder `home`: `.sandbox/`, or what SANDBOX_HOME names."""

    home: Path

    @property
    def ready_file(self) -> Path:
        """The file in which the running local Azure publishes its addresses."""
        return self.home / "azure.json"

    @property
    def data(self) -> Path:
        """The folder with local Azure's data."""
        return self.home / "azure"

    @property
    def log(self) -> Path:
        """The file with local Azure's output."""
        return self.home / "azure.log"

    def running(self) -> dict[str, Any] | None:
        """The content of the ready file if the local Azure that wrote it answers; otherwise None."""
        try:
            ready: dict[str, Any] = json.loads(self.ready_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return ready if _answers(ready) else None

    def require_running(self) -> dict[str, Any]:
        """The running local Azure.

        Raises:
            SandboxError: It is not running.
        """
        ready = self.running()
        if ready is None:
            raise SandboxError("local Azure is not running here; start it with `make up` or `python -m sandbox up`")
        return ready

    def start(self) -> dict[str, Any]:
        """The running local Azure; if there is none, start it in the background on free ports.

        Raises:
            SandboxError: It does not start.
        """
        if ready := self.running():
            return ready
        self.home.mkdir(parents=True, exist_ok=True)
        self.ready_file.unlink(missing_ok=True)
        ports = ("--port", "0", "--mqtt-port", "0", "--proxy-port", "0", "--control-port", "0")
        # Azure tells clients to wait 15 s before they poll a deletion; here a deletion completes immediately.
        no_wait = ("--retry-after", "0")
        files = ("--data", str(self.data), "--ready-file", str(self.ready_file))
        command = [sys.executable, "-m", "sandbox", "cloud", *ports, *no_wait, *files]
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=Path(__file__).parent.parent
            )
        try:
            return self._await_ready(process)
        except BaseException:
            process.terminate()  # interrupted: nothing is left that the next start doesn't find
            raise

    def _await_ready(self, process: subprocess.Popen[bytes]) -> dict[str, Any]:
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            if ready := self.running():
                return ready
            time.sleep(0.02)
        last = self.log.read_text(errors="replace", encoding="utf-8").strip().splitlines()[-1:] or ["it printed nothing"]
        raise SandboxError(f"local Azure did not start: {last[0]}; the complete output is in {self.log}")

    def stop(self) -> bool:
        """Stop local Azure and wait until it has ended; False if it was not running.

        Raises:
            SandboxError: It does not stop.
        """
        ready = self.running()
        if ready is None:
            return False
        os.kill(ready["pid"], signal.SIGTERM)
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if not self.ready_file.exists() and not _answers(ready):
                return True
            time.sleep(0.02)
        raise SandboxError(f"local Azure (process {ready['pid']}) did not stop; end it with `kill -9 {ready['pid']}`")

    def changes(self) -> int:
        """The number of requests with side effects that local Azure has received since it started.

        Raises:
            SandboxError: It is not running.
        """
        return len(_call(self.require_running(), "GET", "/requests?mutating=1"))

    def reset(self) -> None:
        """Delete all resources in local Azure; the tenant and its client are kept.

        Raises:
            SandboxError: It is not running.
        """
        _call(self.require_running(), "POST", "/reset")


def current() -> Installation:
    """The sandbox of the current folder."""
    return Installation(Path(os.environ.get("SANDBOX_HOME") or Path.cwd() / ".sandbox"))


def _answers(ready: dict[str, Any]) -> bool:
    try:
        return bool(_call(ready, "GET", "/health")["status"] == "ready")
    except (OSError, ValueError, KeyError):
        return False


def _call(ready: dict[str, Any], method: str, path: str) -> Any:
    request = urllib.request.Request(f"{ready['control']}{path}", method=method)  # noqa: S310 - a loopback address, from our own ready file
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the control port is never behind a proxy
    with opener.open(request, timeout=5) as response:
        return json.load(response)


def environment(ready: dict[str, Any]) -> dict[str, str]:
    """The variables that point any Azure client at this local Azure: proxy, trusted roots and credentials.

    The proxy is set in both spellings, because curl reads the lower-case one. Loopback addresses bypass it.
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
