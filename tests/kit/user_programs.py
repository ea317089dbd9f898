"""The programs of this repository as their users have them: checked with the package installed, by settings of the users' own."""

import re
import shutil
import sys
from pathlib import Path

from tests.kit.repository import ROOT

_SDK = re.compile(
    r"^(?:from pulumi_azure_native import (.+)|import pulumi_azure_native\.(\w+)|from pulumi_azure_native\.(\w+))", re.MULTILINE
)
_USERS_MYPY = """[mypy]
strict = true
python_executable = {python}
"""
# azure-native imports all of Azure for type checkers, which mypy reads for more than a minute. What no program and no component of ours
# imports is left out; it has no effect on what is found.
_UNUSED = """
[mypy-pulumi_azure_native.*]
follow_imports = skip

[mypy-pulumi_azure_native,pulumi_azure_native._utilities,{used}]
follow_imports = silent
"""


def collect(folder: Path) -> list[Path]:
    """Copy every program into ``folder``, under a name of its own; returns the files.

    They are the seed's program with its settings, everything in `examples/`, and what README.md shows.
    """
    shutil.copytree(ROOT / "settings", folder / "settings", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "__main__.py", folder / "program.py")
    for each in sorted((ROOT / "examples").rglob("*.py")):
        own = each.name if each.stem != "__main__" else f"{'_'.join(each.parent.relative_to(ROOT / 'examples').parts)}.py".replace("-", "_")
        if (folder / own).exists():
            raise AssertionError(f"two examples have a file {own}: give one of them another name")
        shutil.copy(each, folder / own)
    shown = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    for number, program in enumerate(shown, 1):
        (folder / f"readme_{number}.py").write_text(program, encoding="utf-8")
    return sorted(folder.rglob("*.py"))


def mypy_settings(programs: list[Path]) -> str:
    """A user's `mypy.ini`: strict, and nothing is ignored."""
    sources = [path.read_text(encoding="utf-8") for path in (*programs, *(ROOT / "components").rglob("*.py"))]
    names = {name.strip() for text in sources for found in _SDK.findall(text) for part in found for name in part.split(",") if name.strip()}
    return _USERS_MYPY.format(python=sys.executable) + _UNUSED.format(
        used=",".join(f"pulumi_azure_native.{name}.*" for name in sorted(names))
    )
