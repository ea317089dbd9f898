"""`python -m sandbox.engine VERB`."""

from __future__ import annotations

import sys

from sandbox.engine.cli.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
