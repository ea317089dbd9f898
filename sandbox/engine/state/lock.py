"""The lock that allows one writer at a time on a stack.

A killed writer leaves its lock file. The lock of a writer that is known to be dead is taken over; `cancel` removes any other.
Dead for certain is a writer that ran on this machine since it was last started, and holds its lock file no more: the operating system
lets go of a file when the process ends, however it ends. A process id proves nothing: it may be used again, or be of another container.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import socket
import uuid
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sandbox.engine.state.backend import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.engine.state.backend import FileBackend, StackRef

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # Linux: another one after each start, the same in all containers


class LockedError(BackendError):
    """Another run is using the stack, or was killed while it did."""


@contextlib.contextmanager
def locked(
    backend: FileBackend, ref: StackRef, now: Callable[[], str], *, cancel: str = "cancel", warn: Callable[[str], None] = lambda _: None
) -> Iterator[None]:
    """Holds the stack's lock for the length of a `with` block.

    Args:
        backend: where the stack is.
        ref: the stack.
        now: gives the time as RFC 3339.
        cancel: the command that removes a lock, for the error.
        warn: gets a line if the lock of a dead writer is taken over.

    Raises:
        LockedError: another run holds it; the message, worded as the CLI's, names the holder and the time.
        BackendError: the lock can't be written.
    """
    path = backend.folder("locks", ref) / f"{uuid.uuid4()}.json"
    _take_over_dead(backend, ref, warn)
    _refuse_others(backend, ref, path, cancel)
    owner = {"pid": os.getpid(), "username": _user(), "hostname": socket.gethostname(), "timestamp": now()}
    try:
        held = _written(backend, path, owner)
    except OSError as error:
        raise BackendError(
            f"could not lock the stack '{ref.name}': {error.strerror} at {path.parent}; the backend must be a writable folder"
        ) from None
    with held:
        try:
            # Two runs that lock at the same moment see each other here, and both stop.
            _refuse_others(backend, ref, path, cancel)
            yield
        finally:
            backend.delete(path)


def cancel(backend: FileBackend, ref: StackRef) -> None:
    """Deletes every lock of a stack, whoever holds it.

    Raises:
        BackendError: one can't be deleted.
    """
    for path in backend.files("locks", ref):
        try:
            backend.delete(path)
        except OSError as error:
            raise BackendError(f"could not delete the lock {path}: {error.strerror}") from None


def _take_over_dead(backend: FileBackend, ref: StackRef, warn: Callable[[str], None]) -> None:
    for path in backend.files("locks", ref):
        if _is_dead(path):
            warn(f"took over the lock of a run that was killed: {_owner(path)}")
            with contextlib.suppress(OSError):  # then it is in the way of this run, which says so
                backend.delete(path)


def _is_dead(path: Path) -> bool:
    """Whether the writer of this lock is certainly dead: see above."""
    found = _read(path)
    if not _boot() or (found.get("boot"), found.get("hostname")) != (_boot(), socket.gethostname()):
        return False
    return _can_be_held(path)  # otherwise the writer holds it, or nobody can say


def _written(backend: FileBackend, path: Path, owner: dict[str, Any]) -> IO[bytes]:
    """Write a lock file; the result holds it until it is closed, at the latest when this process ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Held before it has its name: nobody sees it without its holder.
    beside = path.with_name(f".{path.name}")
    file = beside.open("xb")
    try:
        boot = {"boot": _boot()} if _holds(file, beside) else {}
        file.write(content := json.dumps(owner | boot, separators=(",", ":")).encode())
        file.flush()
        os.fsync(file.fileno())
        beside.replace(path)
        backend.add_attributes(path, content)
    except BaseException:
        file.close()
        beside.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise
    return file


def _holds(file: IO[bytes], path: Path) -> bool:
    """Hold an open file; False where the file system does not keep others from it, so that the lock must never be taken over."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return not _can_be_held(path)


def _can_be_held(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _boot() -> str:
    """What identifies this run of this machine's operating system; empty where it is not known."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _refuse_others(backend: FileBackend, ref: StackRef, own: Path, cancel: str) -> None:
    others = [path for path in backend.files("locks", ref) if path != own]
    if others:
        raise LockedError(
            f"the stack is currently locked by {len(others)} lock(s). Either wait for the other process(es) to end or "
            f"delete the lock file with `{cancel}`." + "".join(f"\n  {backend.url_of(path)}: created by {_owner(path)}" for path in others)
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _owner(path: Path) -> str:
    found = _read(path)
    try:
        return f"{found['username']}@{found['hostname']} (pid {found['pid']}) at {found['timestamp']}"
    except KeyError:
        return "an unknown user: the lock file can't be read"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())
