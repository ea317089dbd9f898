"""The file that has a stack's evidence log beside the state: read whole, and written whole or not at all."""

import contextlib
import os
import tempfile
from pathlib import Path

from hubtrust.evidence.errors import EvidenceError
from hubtrust.evidence.log import LARGEST
from hubtrust.file_content import file_content

STANDS = "what was proven is trusted all the same, and the next run writes the records"
"""What is told where records can't be written."""


def content(file: str | None) -> bytes | None:
    """The content of the file; None if there is none yet.

    Raises:
        DeclarationError: it can't be read.
    """
    if file is None or not Path(file).exists():
        return None
    return file_content(Path(file), what=f"the evidence file '{file}'", remedy=f"name another file; {STANDS}", most=LARGEST)


def write(file: str, log: str) -> None:
    """Put the log into the file, whole or not at all.

    Raises:
        EvidenceError: it can't be written.
    """
    path, content = Path(file), f"{log}\n".encode()
    try:
        if path.exists() and path.read_bytes() == content:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, new = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
            Path(new).chmod(0o644)
            Path(new).replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                Path(new).unlink()
            raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise EvidenceError(f"the evidence file '{file}'", f"it can't be written: {reason}", f"make it writable; {STANDS}") from None
