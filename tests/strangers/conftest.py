"""Local Azure, and third-party clients that are configured only with the environment that `sandbox env` prints."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local_azure_iot import installation
from tests.kit.local_azure import LocalAzure, local_azure
from tests.kit.prerequisites import need
from tests.kit.repository import ROOT

Shell = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAzure]:
    """Local Azure with the setting for clients that otherwise wait 30 s between their polls."""
    with local_azure(tmp_path_factory.mktemp("azure"), "--retry-after", "0") as found:
        yield found


@pytest.fixture
def environment(azure: LocalAzure, tmp_path: Path) -> dict[str, str]:
    """A client's environment: what `sandbox env` prints, and its own home folder."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        **installation.environment(azure.ready, {"HOME": str(tmp_path)}),
    }


@pytest.fixture
def shell(environment: dict[str, str], tmp_path: Path) -> Shell:
    """Runs a line of shell in the folder with the client's files."""

    def run(line: str, *, check: bool = True) -> "subprocess.CompletedProcess[str]":
        command = ["bash", "-euo", "pipefail", "-c", line]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300)
        assert not check or done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done

    return run


@pytest.fixture
def az(environment: dict[str, str]) -> None:
    """The az CLI on the client's PATH."""
    own = ROOT / ".strangers" / "az" / "bin"
    if (own / "az").exists():
        environment["PATH"] = f"{own}{os.pathsep}{environment['PATH']}"
    else:
        need(shutil.which("az"), "the az CLI is not installed; run `make strangers`")
