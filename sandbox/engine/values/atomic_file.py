"""Replacing a file as a whole or not at all, also when the disk is full or the power goes."""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_atomically(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Puts `content` at `path`: written beside it, flushed to the disk, then renamed over it.

    `durable` False leaves the flush to the system: for files that nothing depends on.

    Raises:
        OSError: it could not be written; what was at `path` before is still there, and nothing beside it.
    """
    beside = _beside(path)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    if durable:
        _flush_folder(path.parent)


def link_or_copy(source: Path, target: Path) -> None:
    """Makes `target` hold what `source` holds now, at no cost where the file system has hard links.

    Safe for files that are only ever replaced, never changed in place.

    Raises:
        OSError: it could not be made; what was at `target` before is still there.
    """
    beside = _beside(target)
    beside.unlink(missing_ok=True)
    try:
        try:
            os.link(source, beside)
        except FileNotFoundError:
            raise
        except OSError:
            shutil.copyfile(source, beside)
        beside.replace(target)
    finally:
        # A rename of one hard link over another of the same file leaves both names.
        beside.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def _flush_folder(folder: Path) -> None:
    """The rename itself reaches the disk only with its folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
