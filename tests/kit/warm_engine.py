"""The embedded engine as a process of its own, which like its children is a fork of the tests' server: see `warm_start.py`."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[2])  # instead of this file's folder

from sandbox.engine.cli.main import main  # noqa: E402 - after the path
from sandbox.engine.providers import plugins  # noqa: E402 - after the path

plugins._CHILD = Path(__file__).with_name("warm_child.py")
sys.exit(main(sys.argv[1:]))
