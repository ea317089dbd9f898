"""`python -m sandbox`: run local Azure, and a Pulumi program against it."""

from __future__ import annotations

import sys

from sandbox.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
