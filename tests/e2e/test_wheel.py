"""The repository and the installed wheel manage each other's stacks: the state names one import name, `hubtrust`, for both."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.kit.program import ROOT, Program

_BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE", "components")


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel of `hubtrust`; everything else comes from this interpreter's own site-packages.

    A line of a .pth file adds a folder and does not read the .pth files in it, so the editable install there is not seen.
    """
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for part in _BUILT_FROM:  # a build writes beside its source
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(ROOT / part, source)
    offline = ("--no-deps", "--no-index", "--disable-pip-version-check", "--quiet")
    _run("-m", "pip", "wheel", "--no-build-isolation", *offline, "--wheel-dir", str(folder), str(source))
    (wheel,) = folder.glob("hubtrust-*.whl")
    environment = folder / "venv"
    _run("-m", "venv", "--without-pip", str(environment))
    _run("-m", "pip", "--python", str(environment / "bin/python"), "install", *offline, str(wheel))
    (own,) = environment.glob("lib/python*/site-packages")
    (own / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return environment


def test_repository_and_wheel_manage_one_stack(stack: Program, installed: Path) -> None:
    """Deployed by one, then refreshed, deployed without a change and destroyed by the other; then the other way round."""
    repository = Path(sys.prefix)
    for before, after in ((repository, installed), (installed, repository)):
        _use(stack, before, installed)
        stack.up()
        outputs = stack.outputs()
        assert outputs["connection"]["state"] == "connected"

        _use(stack, after, installed)
        stack.control("DELETE", "/requests")
        assert stack.run("refresh", "--", "--expect-no-changes") == 0, stack.printed
        stack.up("--", "--expect-no-changes")
        assert stack.control("GET", "/requests?mutating=1") == []
        assert stack.outputs() == outputs
        with stack.azure() as azure:
            assert stack.run("destroy") == 0, stack.printed
            assert azure.ask("GET", f"/subscriptions/{stack.ready['subscription_id']}/resourceGroups").json()["value"] == []


def _use(stack: Program, environment: Path, installed: Path) -> None:
    """Let the program run in an environment; its `hubtrust` must be the wheel's there, or else the repository's."""
    link = stack.folder / ".venv"
    link.unlink()
    link.symlink_to(environment)
    program = "import hubtrust.dynamic.verified_certificate as found; print(found.__file__)"
    inherited = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([link / "bin/python", "-c", program], cwd=stack.folder, env=inherited, capture_output=True, text=True, check=True)
    home = installed if environment == installed else ROOT / "components"
    assert Path(done.stdout.strip()).resolve().is_relative_to(home.resolve())


def _run(*arguments: str) -> None:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
