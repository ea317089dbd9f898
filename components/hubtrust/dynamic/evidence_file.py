"""The file that has a stack's evidence log beside the state: read whole, and written whole or not at all."""

import errno
import stat
from pathlib import Path

from hubtrust.evidence.errors import EvidenceError
from hubtrust.evidence.log import LARGEST
from hubtrust.file_content import file_content
from hubtrust.whole_file import write_whole

_MODE = 0o644  # of a new file: there is no secret in it
STANDS = "what was proven is trusted all the same, and the next run writes the records"
"""What is told where records can't be written."""


def content(file: str | None) -> bytes | None:
    """The content of the file; None if there is none yet.

    Raises:
        DeclarationError: it can't be read.
    """
    if file is None:
        return None
    try:
        Path(file).stat()
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        pass  # it is there and can't be reached, or its name is none: never a reason to begin another log
    return file_content(Path(file), what=f"the evidence file '{file}'", remedy=f"name another file; {STANDS}", most=LARGEST)


def write(file: str, log: str) -> None:
    """Put the log into the file, whole or not at all. What a symbolic link leads to is written, and keeps its permissions.

    Raises:
        EvidenceError: it can't be written, or must not be: it is read-only.
    """
    content = f"{log}\n".encode()
    try:
        path = Path(file).resolve()
        there = path.exists()
        if there and path.read_bytes() == content:
            return
        mode = stat.S_IMODE(path.stat().st_mode) if there else _MODE
        if not mode & stat.S_IWUSR:  # the new file takes its place, so that the system would not ask
            raise PermissionError(errno.EACCES, "it is read-only")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content, mode=mode)
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: symbolic links in a circle
        reason = getattr(error, "strerror", None) or str(error)
        raise EvidenceError(f"the evidence file '{file}'", f"it can't be written: {reason}", f"make it writable; {STANDS}") from None
