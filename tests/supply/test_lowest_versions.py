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


@pytest.mark.stranger
def test_local_azure_runs_with_the_lowest_versions(tmp_path: Path) -> None:
    """Its commands, its fixtures and a device that connects: the example of its README, with the lowest versions that it asks for."""
    installed = ROOT / ".strangers/lowest-local-azure"
    need((installed / "bin/python").exists(), "local Azure's lowest versions are not installed: run `make strangers`")
    distribution = ROOT / "sandbox/local-azure-iot"
    (tmp_path / "test_press.py").write_text((distribution / "examples/pytest/test_press.py").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "test_port_443.py").write_text(
        "def test_port_443(local_hub, device_ca):\n    with local_hub.device('a', device_ca).connect(websockets=True) as client:\n"
        "        client.publish('devices/a/messages/events/', b'1', qos=1).wait_for_publish(10)\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")} | {"PYTHONPATH": str(distribution)}
    command = [installed / "bin/python", "-m", "pytest", "-q", "-p", "local_azure_iot.pytest_plugin", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert "3 passed" in done.stdout


@pytest.mark.parametrize(
    ("folder", "lock"), [(".", "requirements/lowest.txt"), ("sandbox/local-azure-iot", "requirements/lowest-local-azure.txt")]
)
def test_the_lower_bounds_are_these_versions(folder: str, lock: str) -> None:
    """Each requirement of a package has a lower bound, and the lock has that very version: a bound that nobody tried is found here."""
    project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = {pin.requirement.name: Version(str(pin.requirement.specifier).removeprefix("==")) for pin in pins(ROOT / lock)}
    for requirement in map(Requirement, (*project["dependencies"], *project["optional-dependencies"].get("testing", ()))):
        (least,) = (Version(each.version) for each in requirement.specifier if each.operator == ">=")
        assert pinned[canonicalize_name(requirement.name)] == least, f"{requirement}: run `make lock UPGRADE=`"
