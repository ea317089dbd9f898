"""`python -m sandbox`: local Azure, and programs run against it."""

from __future__ import annotations

import sys

from sandbox.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
