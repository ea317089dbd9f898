"""The plugin's folder, started by a Python that can't serve it: one line that says what to do, for the engine to show."""

import subprocess
import sys

from tests.kit.repository import ROOT

_START = ROOT / "plugin" / "__main__.py"


def _said(*command: str) -> str:
    done = subprocess.run([sys.executable, "-I", "-S", *command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    return line


def test_an_environment_without_packages() -> None:
    """As after a Python was upgraded, or an installation was interrupted."""
    said = _said(str(_START))
    assert said.startswith(f"hubtrust: the plugin's Python {sys.executable} has no package '")
    assert f"run `pulumi package add {_START.parent}` in the program's folder" in said


def test_an_environment_of_an_older_python() -> None:
    """It is told before anything is imported that such a Python can't read."""
    said = _said("-c", f"import runpy, sys; sys.version_info = (3, 9, 1); runpy.run_path({str(_START)!r}, run_name='__main__')")
    assert said.startswith(f"hubtrust: the plugin needs Python 3.11 or later, and {sys.executable} is 3.9: delete ")
