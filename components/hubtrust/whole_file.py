"""Files that are written whole or not at all: what was there before stays until the new content is."""

import contextlib
import os
import tempfile
from pathlib import Path


def write_whole(path: Path, content: bytes, *, mode: int) -> None:
    """Put ``content`` into ``path``, with these permissions. It takes the place of what is there, so a link is resolved before.

    Raises:
        OSError: it can't be written; nothing has changed, and nothing is left behind.
        ValueError: its name can't be that of a file.
    """
    handle, new = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        Path(new).chmod(mode)
        Path(new).replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            Path(new).unlink()
        raise
