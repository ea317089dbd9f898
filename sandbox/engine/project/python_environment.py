"""The environment variables of a child that runs in a virtual environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def environment(python: Path, env: Mapping[str, str]) -> dict[str, str]:
    """The environment of a program, its dynamic providers or a plugin's folder: its virtual environment is the active one."""
    folder = python.absolute().parent
    found = {key: item for key, item in env.items() if key != "PYTHONHOME"}
    found["PATH"] = f"{folder}{os.pathsep}{env.get('PATH', os.defpath)}"
    if (folder.parent / "pyvenv.cfg").exists():
        found["VIRTUAL_ENV"] = str(folder.parent)
    return found
