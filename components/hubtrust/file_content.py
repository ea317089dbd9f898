"""The content of a file that a program or a setting names."""

import stat
from pathlib import Path

from hubtrust.reconcile_errors import DeclarationError


def file_content(path: Path, *, what: str, remedy: str, most: int | None = None) -> bytes:
    """The bytes of a regular file: a pipe or a device may have no end. One with more than ``most`` bytes is not read.

    Raises:
        DeclarationError: it can't be read; ``what`` names it, ``remedy`` says what to give.
    """
    try:
        found = path.stat()
        if stat.S_ISREG(found.st_mode) and (most is None or found.st_size <= most):
            return path.read_bytes()
        reason = "it is a folder" if stat.S_ISDIR(found.st_mode) else "it is not a regular file"
        if stat.S_ISREG(found.st_mode):
            reason = f"it has {found.st_size:,} bytes, and at most {most:,} are read"
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except ValueError:
        reason = "its name has a NUL character"
    raise DeclarationError(what, f"it can't be read: {reason}", remedy)
