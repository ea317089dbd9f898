"""The package's lower bounds are versions that the program runs with: requirements/lowest.txt, which `make strangers` installs."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.kit.prerequisites import need
from tests.kit.program import Program
from tests.kit.repository import ROOT
from tests.kit.requirement_locks import pins

_INSTALLED = ROOT / ".strangers/lowest"


@pytest.fixture
def lowest(tmp_path: Path) -> Path:
    """A virtual environment with the lowest versions of everything that the package asks for, and the package as it is here."""
    need((_INSTALLED / "bin/python").exists(), "the lowest versions are not installed: run `make strangers`")
    (others,) = _INSTALLED.glob("lib/python*/site-packages")
    environment = tmp_path / "lowest"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    (own,) = environment.glob("lib/python*/site-packages")
    (own / "lowest.pth").write_text(f"{others}\n{ROOT / 'components'}\n")
    return environment


@pytest.mark.stranger
def test_keys_and_certificates_are_read_with_the_lowest_versions() -> None:
    """What cryptography's earlier versions read in another way: encrypted keys, odd keys, everything that is signed."""
    need((_INSTALLED / "bin/python").exists(), "the lowest versions are not installed: run `make strangers`")
    (others,) = _INSTALLED.glob("lib/python*/site-packages")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")} | {"PYTHONPATH": str(others)}
    files = [f"tests/pki/test_{name}.py" for name in ("what_is_signed", "key_formats", "pkcs12", "issue", "request")]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", *files]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.stranger
def test_the_program_runs_with_the_lowest_versions(stack: Program, lowest: Path) -> None:
    """A CA, a hub, devices and a connected canary: deployed, refreshed, deployed without a change, destroyed."""
    link = stack.folder / ".venv"
    link.unlink()
    link.symlink_to(lowest)
    stack.up()
    assert stack.outputs()["connection"]["state"] == "connected"
    assert [each["proof"] for each in stack.outputs()["trust"]] == ["possession"]
    assert stack.run("refresh", "--", "--expect-no-changes") == 0, stack.printed
    stack.up("--", "--expect-no-changes")
    assert stack.run("destroy") == 0, stack.printed


def test_the_lower_bounds_are_these_versions() -> None:
    """Each requirement of the package has a lower bound, and the lock has that very version: a bound that nobody tried is found here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = {pin.requirement.name: str(pin.requirement.specifier) for pin in pins(ROOT / "requirements/lowest.txt")}
    for requirement in map(Requirement, project["dependencies"]):
        (least,) = (Version(each.version) for each in requirement.specifier if each.operator == ">=")
        assert Version(pinned[canonicalize_name(requirement.name)].removeprefix("==")) == least, f"{requirement}: run `make lock UPGRADE=`"
