"""The content of a file that a program or a setting names."""

import stat
from pathlib import Path

from hubtrust.reconcile_errors import DeclarationError


def file_content(path: Path, *, what: str, remedy: str) -> bytes:
    """The bytes of a regular file: a pipe or a device may have no end.

    Raises:
        DeclarationError: it can't be read; ``what`` names it, ``remedy`` says what to give.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            return path.read_bytes()
        reason = "it is a folder" if stat.S_ISDIR(mode) else "it is not a regular file"
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except ValueError:
        reason = "its name has a NUL character"
    raise DeclarationError(what, f"it can't be read: {reason}", remedy)
