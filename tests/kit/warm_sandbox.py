"""`python -m sandbox` as a process of its own, which like its children and local Azure is a fork of the tests' server: `warm_start.py`."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[2])  # instead of this file's folder

from local_azure_iot import installation  # noqa: E402 - after the path
from sandbox.commands import main  # noqa: E402 - after the path
from sandbox.engine.providers import plugins  # noqa: E402 - after the path

_CHILD = Path(__file__).with_name("warm_child.py")
plugins._CHILD = _CHILD
installation._START = (sys.executable, "-I", "-S", str(_CHILD), *installation._START)
sys.exit(main(sys.argv[1:]))
