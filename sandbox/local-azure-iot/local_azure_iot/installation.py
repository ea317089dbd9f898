"""The local Azure of a folder: its files, and starting, stopping and resetting it."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_azure_iot.client_environment import environment as environment  # noqa: PLC0414 - this module offers it too

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TIMEOUT_SECONDS = 20.0  # for a start and for a stop
# `-P`: a file of the folder that it is started from must not be taken for a module of Python's (PYTHONSAFEPATH).
_START = (sys.executable, "-P", "-m", "local_azure_iot", "start")
_BACKGROUND: list[subprocess.Popen[bytes]] = []  # they outlive this process; Python warns of one that is forgotten before
HOME_VARIABLE = "LOCAL_AZURE_HOME"


class InstallationError(Exception):
    """A command failed; the message is one line and says what to do."""


class _NotStartedError(InstallationError):
    """Local Azure ended, or was not ready in time; the message has the last line of its output."""


@dataclass(frozen=True)
class Installation:
    """The local Azure of the folder `home`."""

    home: Path
    prog: str = "local-azure-iot"  # the command that the user gave, which errors name
    how_to_start: str = "`local-azure-iot start`"

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
            InstallationError: It is not running.
        """
        ready = self.running()
        if ready is None:
            raise InstallationError(f"local Azure is not running here; start it with {self.how_to_start}")
        return ready

    def create_home(self) -> None:
        """Create the folder `home`, which Git leaves out.

        Raises:
            InstallationError: It can't be created.
        """
        ignore = self.home / ".gitignore"
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
        except OSError as error:
            raise InstallationError(f"the folder '{self.home}' can't be used: {error.strerror}; set {HOME_VARIABLE} to another") from error

    def start(self, *flags: str) -> dict[str, Any]:
        """The running local Azure; if there is none, start it in the background with these flags of `start`.

        Raises:
            InstallationError: It does not start.
        """
        if ready := self.running():
            return ready
        with self._locked():
            return self.running() or self._start(flags)

    def _start(self, flags: tuple[str, ...]) -> dict[str, Any]:
        process, begin = self._spawn(flags, stdin=subprocess.DEVNULL)
        _BACKGROUND.append(process)
        try:
            return self._await_ready(process, begin)
        except _NotStartedError as error:
            process.terminate()
            raise InstallationError(f"{error}; the complete output is in {self.log}") from None
        except BaseException:
            process.terminate()  # interrupted: nothing is left that the next start doesn't find
            raise

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Two that start one at the same time start one: the second waits, and finds it."""
        self.create_home()
        folder = os.open(self.home, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    @contextmanager
    def started(self, *flags: str) -> Iterator[dict[str, Any]]:
        """A local Azure that ends with the block, and with this process, also if that is killed.

        Raises:
            InstallationError: It does not start.
        """
        process, begin = self._spawn(("--stop-at-eof", *flags), stdin=subprocess.PIPE)  # the end of this process closes the pipe
        try:
            yield self._await_ready(process, begin)
        except _NotStartedError as error:
            raise InstallationError(str(error)) from None  # its log may be gone with the folder
        finally:
            process.communicate()

    def _spawn(self, flags: tuple[str, ...], stdin: int) -> tuple[subprocess.Popen[bytes], int]:
        """The process, and where in the log its output begins."""
        self.create_home()
        self.ready_file.unlink(missing_ok=True)
        command = [*_START, "--ready-file", str(self.ready_file), *flags]
        with self.log.open("ab") as log:
            begin = log.seek(0, os.SEEK_END)
            return subprocess.Popen(command, stdin=stdin, stdout=log, stderr=log, start_new_session=True), begin

    def _await_ready(self, process: subprocess.Popen[bytes], begin: int) -> dict[str, Any]:
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            if ready := self.running():
                return ready
            time.sleep(0.02)
        printed = self.log.read_bytes()[begin:].decode("utf-8", "replace").strip().splitlines()
        ended = f"it ended with code {process.returncode}" if process.poll() is not None else f"it was not ready in {_TIMEOUT_SECONDS:g} s"
        last = printed[-1] if printed else f"{ended} and printed nothing; is the disk full?"
        raise _NotStartedError(f"local Azure did not start: {last.removeprefix('python -m local_azure_iot: ')}")

    def attach(self, control: str, token: str, addresses: Mapping[str, str], wait_seconds: float) -> dict[str, Any]:
        """Make the local Azure that answers at the address ``control`` the one of this folder: in a container, or on another machine.

        ``addresses``: those of `proxy`, `arm`, `mqtt` or `amqp` that differ here, as where ports are mapped.

        Raises:
            InstallationError: It does not answer within ``wait_seconds``, or refuses.
        """
        from local_azure_iot.publication import save

        known = {"control": control.rstrip("/"), "control_token": token}
        query = urllib.parse.urlencode({"folder": str(self.home), "control": known["control"], **addresses})
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                ready: dict[str, Any] = call_control(known, "GET", f"/ready?{query}")
                self.create_home()
                save(self.home, lambda path: _answer(known, "GET", path, None, _TIMEOUT_SECONDS))
                break
            except urllib.error.HTTPError as error:
                raise InstallationError(f"{known['control']} refuses ({error.code}): {_reason(error)}") from error
            except (OSError, ValueError, http.client.HTTPException) as error:
                if time.monotonic() > deadline:
                    raise InstallationError(
                        f"no local Azure answers at {known['control']}: {error}; start it there with --listen"
                    ) from error
                time.sleep(0.1)
        # Readable by the owner only: it holds the client secret and the control port's token.
        with os.fdopen(os.open(self.ready_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump({**ready, "pid": None}, file, indent=2)
        return ready

    def stop(self) -> bool:
        """Stop local Azure and wait until it has ended; False if it was not running.

        Raises:
            InstallationError: It does not stop, or runs elsewhere.
        """
        ready = self.running()
        if ready is None:
            return False
        if ready["pid"] is None:
            raise InstallationError(
                f"local Azure runs elsewhere, at {ready['control']}: stop it there; `rm {self.ready_file}` removes its record here"
            )
        os.kill(ready["pid"], signal.SIGTERM)
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if not self.ready_file.exists() and not _answers(ready) and _has_ended(ready["pid"]):
                return True
            time.sleep(0.02)
        raise InstallationError(f"local Azure (process {ready['pid']}) did not stop; end it with `kill -9 {ready['pid']}`")

    def changes(self) -> int:
        """The number of requests with side effects that local Azure has received since it started.

        Raises:
            InstallationError: It is not running.
        """
        return len(call_control(self.require_running(), "GET", "/requests?mutating=1"))

    def reset(self) -> None:
        """Delete all resources in local Azure; the tenant and its client are kept.

        Raises:
            InstallationError: It is not running.
        """
        call_control(self.require_running(), "POST", "/reset")

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the control port.

        Raises:
            InstallationError: It is not running, or refuses the call.
        """
        ready = self.require_running()
        try:
            return call_control(ready, method, path, body)
        except urllib.error.HTTPError as error:
            raise InstallationError(f"{method} {path} was refused by the control port ({error.code}): {_reason(error)}") from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise InstallationError(f"{method} {path} of the control port can't be called: {error}") from error


def _reason(error: urllib.error.HTTPError) -> str:
    text = error.read().decode("utf-8", "replace")
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return text


def current(prog: str) -> Installation:
    """The local Azure of the current folder, in `.local-azure/` or where LOCAL_AZURE_HOME says; ``prog`` is the command in errors."""
    home = Path(os.environ.get(HOME_VARIABLE) or ".local-azure").absolute()
    return Installation(home, prog, f"`{prog} start`")


def _has_ended(pid: int) -> bool:
    """Whether a process has ended, if this one has started it: of others it can't tell. Those that have are forgotten."""
    _BACKGROUND[:] = [each for each in _BACKGROUND if each.poll() is None]
    return all(each.pid != pid for each in _BACKGROUND)


def _answers(ready: dict[str, Any]) -> bool:
    """Whether the local Azure of this ready file answers. Another program, or another local Azure, on its port refuses its token."""
    try:
        return bool(call_control(ready, "GET", "/health", seconds=5)["status"] == "ready")
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
        return False


def call_control(ready: dict[str, Any], method: str, path: str, body: Any = None, *, seconds: float = 60) -> Any:
    """Call the control port of a local Azure by its ready file; returns the JSON of the answer, for which it waits ``seconds``.

    Raises:
        urllib.error.HTTPError: The call was refused; the body of the answer says why, as JSON.
        OSError: Nothing answers.
    """
    return json.loads(_answer(ready, method, path, body, seconds))


def _answer(ready: Mapping[str, Any], method: str, path: str, body: Any, seconds: float) -> bytes:
    # The ready file of an earlier version has no token: so that one is still found, and stopped.
    headers = {"Authorization": f"Bearer {ready.get('control_token', '')}", "Content-Type": "application/json"}
    content = None if body is None else json.dumps(body).encode()
    url = f"{ready['control']}{path}"
    request = urllib.request.Request(url, method=method, headers=headers, data=content)  # noqa: S310 - a ready file's address, or what the user attached
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the control port is never behind a proxy
    with opener.open(request, timeout=seconds) as response:
        return bytes(response.read())
