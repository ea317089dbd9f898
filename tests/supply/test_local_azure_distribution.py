"""`local-azure-iot` as a stranger has it: its wheel and what that asks for, in an environment with nothing else, far from this folder."""

import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.kit.repository import ROOT

DISTRIBUTION = ROOT / "sandbox" / "local-azure-iot"
EXAMPLE = DISTRIBUTION / "examples" / "pytest" / "test_press.py"


def _needed(requirement: str) -> set[str]:
    """The distributions that a requirement leads to in this environment, by name."""
    found, queue = set[str](), [Requirement(requirement)]
    while queue:
        each = queue.pop()
        extras = {"", *each.extras}
        if (each.name, *sorted(extras)) in found:
            continue
        found.add((each.name, *sorted(extras)))
        for text in metadata.requires(each.name) or ():
            below = Requirement(text)
            if below.marker is None or any(below.marker.evaluate({"extra": extra}) for extra in extras):
                queue.append(below)
    return {name for name, *_ in found}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as a release builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder)]
    subprocess.run([*command, str(DISTRIBUTION)], check=True, timeout=120)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of a virtual environment with the wheel and the distributions that it asks for, and with nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=120)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    for name in _needed("local-azure-iot[testing]") - {"local-azure-iot"}:
        for file in metadata.files(name) or ():
            top = file.parts[0]
            if top not in {"..", "__pycache__"} and not (packages / top).exists():
                (packages / top).symlink_to(Path(str(file.locate())).parents[len(file.parts) - 2] if len(file.parts) > 1 else file.locate())
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    script = folder / "bin" / "local-azure-iot"
    script.write_text(f"#!{folder}/bin/python\nimport sys\nfrom local_azure_iot.__main__ import run\nsys.exit(run())\n")
    script.chmod(0o755)
    return folder / "bin"


def _ran(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON", "LOCAL_AZURE"))}
    return subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, check=False, timeout=300)


def test_what_the_wheel_has(wheel: Path) -> None:
    """The whole package, the command and the plugin; no tests, and nothing of the rest of this project."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        entry_points = archive.read(next(name for name in names if name.endswith("entry_points.txt"))).decode()

    assert {re.split(r"[/-]", name)[0] for name in names} == {"local_azure_iot"}
    files = {str(path.relative_to(DISTRIBUTION)) for path in (DISTRIBUTION / "local_azure_iot").rglob("*") if path.is_file()}
    assert {name for name in names if ".dist-info/" not in name} == {name for name in files if "__pycache__" not in name}
    assert "local-azure-iot = local_azure_iot.__main__:run" in entry_points
    assert "[pytest11]\nlocal_azure_iot = local_azure_iot.pytest_plugin" in entry_points


def test_the_readme_has_the_example() -> None:
    """What a stranger copies is what is tested, but for the docstring."""
    code = EXAMPLE.read_text(encoding="utf-8").partition('"""\n\n')[2]
    assert f"```python\n{code}```\n" in (DISTRIBUTION / "README.md").read_text(encoding="utf-8")


def test_it_asks_for_nothing_of_pulumi() -> None:
    """Neither Pulumi, its gRPC, nor an SDK of Azure is needed."""
    assert not {name for name in _needed("local-azure-iot[testing]") if re.match(r"pulumi|grpc|azure|hubtrust|msal", name)}


def test_a_strangers_test_of_a_device(environment: Path, tmp_path: Path) -> None:
    """The example of the README, in a folder of its own: the fixtures start local Azure, prove a CA, and connect a device."""
    (tmp_path / "test_press.py").write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nlocal_azure_flags = --strict\nfilterwarnings = error\n")
    done = _ran(tmp_path, environment / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_tests_use_the_local_azure_that_runs_already(environment: Path, tmp_path: Path) -> None:
    """`run -- pytest` has one local Azure for all of them: the tests' hubs are there while they run, and nothing is there afterwards."""
    (tmp_path / "test_shared.py").write_text(
        "import os\nfrom pathlib import Path\n\n"
        "def test_shared(local_azure, local_hub):\n"
        "    assert str(local_azure.ca_file) != ''\n"
        "    assert local_azure.ready['proxy'] == os.environ['HTTPS_PROXY']\n"
    )
    done = _ran(
        tmp_path, environment / "local-azure-iot", "run", "--", environment / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider"
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_plugin_costs_nothing_where_it_is_not_used() -> None:
    """Every pytest of the environment loads it: it imports pytest and nothing else."""
    script = (
        "import sys, pytest; before = set(sys.modules); import local_azure_iot.pytest_plugin; print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split() == ["local_azure_iot", "local_azure_iot.pytest_plugin"]
