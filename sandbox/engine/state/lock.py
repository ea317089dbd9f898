"""The lock that allows one writer at a time on a stack; after a writer is killed, `cancel` removes its lock."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import socket
import uuid
from typing import TYPE_CHECKING

from sandbox.engine.state.backend import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox.engine.state.backend import FileBackend, StackRef


class LockedError(BackendError):
    """Another run is using the stack, or was killed while it did."""


@contextlib.contextmanager
def locked(backend: FileBackend, ref: StackRef, now: Callable[[], str]) -> Iterator[None]:
    """Holds the stack's lock for the length of a `with` block; `now` gives the time as RFC 3339.

    Raises:
        LockedError: another run holds it; the message, worded as the CLI's, names the holder and the time.
        BackendError: the lock can't be written.
    """
    path = backend.folder("locks", ref) / f"{uuid.uuid4()}.json"
    _refuse_others(backend, ref, path)
    owner = {"pid": os.getpid(), "username": _user(), "hostname": socket.gethostname(), "timestamp": now()}
    try:
        backend.write(path, json.dumps(owner, separators=(",", ":")).encode())
    except OSError as error:
        raise BackendError(
            f"could not lock the stack '{ref.name}': {error.strerror} at {path.parent}; the backend must be a writable folder"
        ) from None
    try:
        # Two runs that lock at the same moment see each other here, and both stop.
        _refuse_others(backend, ref, path)
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


def _refuse_others(backend: FileBackend, ref: StackRef, own: Path) -> None:
    others = [path for path in backend.files("locks", ref) if path != own]
    if others:
        raise LockedError(
            f"the stack is currently locked by {len(others)} lock(s). Either wait for the other process(es) to end or "
            "delete the lock file with `pulumi cancel`."
            + "".join(f"\n  {backend.url_of(path)}: created by {_owner(path)}" for path in others)
        )


def _owner(path: Path) -> str:
    try:
        found = json.loads(path.read_bytes())
        return f"{found['username']}@{found['hostname']} (pid {found['pid']}) at {found['timestamp']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "an unknown user: the lock file can't be read"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())
