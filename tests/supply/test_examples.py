"""An example installs this repository's package: never a bare name, which anybody could register."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.kit.repository import ROOT
from tests.kit.requirement_locks import entries

EXAMPLES = sorted(path.parent for path in (ROOT / "examples").rglob("Pulumi.yaml"))
PROJECTS = {path: yaml.safe_load((path / "Pulumi.yaml").read_text(encoding="utf-8")) for path in EXAMPLES}
IN_PYTHON = [path for path, project in PROJECTS.items() if (path / "__main__.py").exists()]


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT / "examples"))


@pytest.mark.parametrize("example", IN_PYTHON, ids=_named)
def test_an_example_installs_what_exists(example: Path) -> None:
    """The path is read from the folder that pip runs in, which is the example's own, for `pulumi install` too."""
    program = (example / "__main__.py").read_text(encoding="utf-8")
    lock = example / "requirements.txt"
    if not lock.exists():
        assert "hubtrust" not in program
        assert "virtualenv: ../../.venv" in (example / "Pulumi.yaml").read_text(encoding="utf-8")
        return
    (path,) = (entry.partition(" #")[0].strip() for entry in entries(lock))
    project = tomllib.loads((example / path / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert ((example / path).resolve(), project["name"]) == (ROOT, "hubtrust")


@pytest.mark.parametrize("example", [path for path in EXAMPLES if path not in IN_PYTHON], ids=_named)
def test_an_example_in_another_language_has_the_plugin_of_this_repository(example: Path) -> None:
    """By its folder, which also writes the SDK: no file of its language names a package `hubtrust` of a registry."""
    folder = (example / PROJECTS[example]["packages"]["hubtrust"]).resolve()
    assert folder == ROOT / "plugin"
    assert (folder / "PulumiPlugin.yaml").is_file()
    for name in ("package.json", "go.mod"):
        if (example / name).exists():
            assert "hubtrust" not in (example / name).read_text(encoding="utf-8")


def test_local_azure_is_installed_by_its_path() -> None:
    """Its examples and pages too: no registry has the name, so that anybody could register it."""
    distribution = ROOT / "sandbox/local-azure-iot"
    suffixes = {".md", ".yaml", ".yml", ".json", ".py", ".toml", ""}
    files = [each for each in distribution.rglob("*") if each.is_file() and each.suffix in suffixes and "__pycache__" not in each.parts]
    lines = [line for each in (*files, *(ROOT / "docs").glob("*.md"), ROOT / "README.md") for line in each.read_text().splitlines()]
    installed = [line for line in lines if "pip install" in line]
    assert installed
    assert [line for line in installed if re.search(r"""install (-\S+ )*['"]?local[-_]azure""", line)] == []
