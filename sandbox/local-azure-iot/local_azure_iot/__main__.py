"""`python -m local_azure_iot`, and the command `local-azure-iot`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

_COMMAND = "local-azure-iot"


def run() -> int:
    """Run the command that the process was started with, and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # what a terminal can't show must not end a run
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # while modules are imported: no traceback of an import
    from local_azure_iot.commands import main

    return main(sys.argv[1:], _COMMAND if Path(sys.argv[0]).stem == _COMMAND else "python -m local_azure_iot")


if __name__ == "__main__":
    sys.exit(run())
