"""`python -m sandbox.engine VERB`."""

from __future__ import annotations

import signal
import sys

if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # what a terminal can't show must not end a run
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # while modules are imported: no traceback of an import
    from sandbox.engine.cli.main import main

    sys.exit(main(sys.argv[1:]))
