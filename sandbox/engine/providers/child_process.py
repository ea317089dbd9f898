"""Starts a program that ends when the engine ends: `python child_process.py COMMAND …`, run as a script of its own.

A killed engine (-9) can't stop its plugins, and most of them would wait forever for their next call. On Linux the kernel
ends this process with its parent; on other systems the plugin must watch the engine itself.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Make the kernel end this process with its parent, then run the command in its place."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == 1:  # the engine ended before prctl was called
            sys.exit(1)
    try:
        os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.exit(f"{sys.argv[1]} can't be started: {error.strerror}")


if __name__ == "__main__":
    main()
