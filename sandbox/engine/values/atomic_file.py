"""Replaces a file completely or not at all, even if the disk is full or the power fails."""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_atomically(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Writes `content` to `path`: to a temporary file beside it, flushed to the disk, then renamed over it.

    `durable` False leaves the flush to the system, for files that are not essential.

    Raises:
        OSError: it could not be written; the previous file is unchanged, and no temporary file is left.
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
    """Gives `target` the current content of `source`, without copying if the file system has hard links.

    Safe for files that are only ever replaced, never changed in place.

    Raises:
        OSError: it could not be created; the previous `target` is unchanged.
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
        # Renaming one hard link over another of the same file keeps both names.
        beside.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def _flush_folder(folder: Path) -> None:
    """The rename itself is on disk only after its folder is flushed."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
