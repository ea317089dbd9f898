"""`pip install` from the address of the repository, in an environment that has nothing of this project."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.metadata import Metadata

from tests.kit.prerequisites import need
from tests.kit.repository import ROOT
from tests.kit.tagged_copy import tagged_copy

VERSION = "1.2.3"
OWN = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON"))}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a bare clone of the repository, at the tag of a release."""
    folder = tmp_path_factory.mktemp("repository")
    tagged_copy(folder / "work", f"v{VERSION}")
    subprocess.run(["git", "clone", "--quiet", "--bare", folder / "work", folder / "hubtrust.git"], check=True)
    return f"git+file://{folder}/hubtrust.git@v{VERSION}"


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Path]:
    """The `bin` of a virtual environment with nothing in it. It is gone afterwards: with all packages it has 300 MB."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "environment"], check=True, timeout=120)
    yield tmp_path / "environment/bin"
    shutil.rmtree(tmp_path / "environment")


def _installed(empty: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", empty / "python", "install", *arguments]
    done = subprocess.run(command, env=OWN, cwd=empty, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


def _site_packages(empty: Path) -> Path:
    base = str(empty.parent)
    return Path(sysconfig.get_path("purelib", vars={"base": base, "platbase": base}))


def _check(empty: Path) -> None:
    """The package and the plugin's command are there, complete, and both say the tag's version."""
    (found,) = (each for each in metadata.distributions(path=[str(_site_packages(empty))]) if each.name == "hubtrust")
    described = Metadata.from_email((found.read_text("METADATA") or "").encode(), validate=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert str(described.version) == VERSION
    assert described.project_urls == project["urls"]
    assert described.classifiers == project["classifiers"]
    assert described.keywords == project["keywords"]
    program = "import hubtrust.version as found, hubtrust; print(found.__file__, found.plugin_version(), hubtrust.TrustedHub.__name__)"
    done = subprocess.run([empty / "python", "-c", program], env=OWN, cwd=empty, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [str(_site_packages(empty) / "hubtrust/version.py"), VERSION, "TrustedHub"], done.stderr
    with subprocess.Popen([empty / "pulumi-resource-hubtrust"], env=OWN, cwd=empty, stdout=subprocess.PIPE, text=True) as plugin:
        try:
            assert plugin.stdout
            assert int(plugin.stdout.readline()) > 0
        finally:
            plugin.terminate()


def test_without_the_registry(address: str, empty: Path) -> None:
    """What it needs is there already, and so is what builds it: pip asks nobody but the repository."""
    (_site_packages(empty) / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    _installed(empty, "--no-deps", "--no-index", "--no-build-isolation", address)
    _check(empty)


@pytest.mark.stranger
def test_with_the_registry(address: str, empty: Path) -> None:
    """The environment is empty: pip fetches all that the package asks for, and what it gets fits together."""
    everything = os.environ.get("CI") or os.environ.get("HUBTRUST_SAMPLES") == "all"
    need(everything, "pip would fetch 60 packages from the registry: set HUBTRUST_SAMPLES=all, or CI=true, to run this test")
    _installed(empty, address)
    _check(empty)
    command = [sys.executable, "-m", "pip", "--python", empty / "python", "check"]
    done = subprocess.run(command, env=OWN, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
