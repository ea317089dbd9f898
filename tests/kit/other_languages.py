"""Programs in other languages on Pulumi's own CLI, against local Azure, with the plugin as `pulumi package add <folder>` installs it."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local_azure_iot import installation
from sandbox.plugins.installed import install_stand_ins
from tests.kit.local_azure import LocalAzure
from tests.kit.prerequisites import need_pulumi
from tests.kit.repository import ROOT
from tests.kit.samples import WHOLE

_PATIENCE = 600  # seconds for one command: the first build of a Go program takes minutes
_OF_THE_PLUGIN = ("plugin", "components/hubtrust", "requirements/program.txt", "pyproject.toml", "README.md", "LICENSE")
_NEEDED = {"nodejs": ("node", "npm"), "go": ("go",), "yaml": (), "python": ()}
_INSTALL = {"install", "new", "package"}  # they ask registries, to which the proxy of local Azure does not lead
_LEFT_OUT = shutil.ignore_patterns(".venv", "__pycache__", "node_modules", "sdks", "Pulumi.*.yaml")


def need_language(runtime: str) -> None:
    """Skip the test, with the reason, where Pulumi's CLI can't run programs of this runtime."""
    need_pulumi()
    for program in (f"pulumi-language-{runtime}", *_NEEDED[runtime]):
        if not shutil.which(program):
            pytest.skip(f"`{program}` is not on PATH; install it to run programs of the runtime {runtime} on Pulumi's CLI")


def lend_packages(environment: Path) -> None:
    """Let a virtual environment have the packages of this one, so that pip finds them installed; what is editable here is not seen there.

    That saves half a minute for each environment. All of them is installed with HUBTRUST_SAMPLES=all.
    """
    if not WHOLE:
        (own,) = environment.glob("lib/python*/site-packages")
        (own / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n")


@dataclass
class Clone:
    """What a user has of this repository: a copy of the plugin's folder and what it needs; projects lie beside it."""

    place: Path
    variables: Mapping[str, str] = field(repr=False)
    azure: Mapping[str, str] = field(repr=False)

    @classmethod
    def create(cls, place: Path, azure: LocalAzure) -> "Clone":
        """A copy in ``place``, with an empty backend. The plugin is nowhere on PATH: only `package add` gives it to a program."""
        for part in _OF_THE_PLUGIN:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, place / part, ignore=_LEFT_OUT)
            else:
                (place / part).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / part, place / part)
        (place / "state").mkdir()
        install_stand_ins(place / "home")  # Pulumi fetches the plugins that the plugin needs: azure-native and tls
        own = {str(Path(sys.executable).parent), str(Path(sys.prefix) / "bin"), str(ROOT / ".venv" / "bin")}
        path = [str(ROOT / "sandbox" / "plugins" / "bin"), *(each for each in os.environ["PATH"].split(os.pathsep) if each not in own)]
        unset = ("PULUMI", "PYTHONPATH", "VIRTUAL_ENV")
        variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith(unset)},
            "PATH": os.pathsep.join(path),
            "PULUMI_BACKEND_URL": f"file://{place / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "a trial",
            "PULUMI_HOME": str(place / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "NO_COLOR": "1",
        }
        if not WHOLE:
            subprocess.run([sys.executable, "-m", "venv", place / "plugin" / ".venv"], check=True)
            lend_packages(place / "plugin" / ".venv")
        return cls(place, variables, installation.environment(azure.ready))

    @property
    def plugin(self) -> Path:
        """The folder that `pulumi package add` takes."""
        return self.place / "plugin"

    def example(self, name: str) -> "CliProject":
        """A copy of an example, with a stack."""
        folder = self.place / "examples" / name
        shutil.copytree(ROOT / "examples" / name, folder, ignore=_LEFT_OUT)
        project = CliProject(folder, self.variables, self.azure)
        project.must("stack", "init", "dev")
        project.must("config", "set", "azure-native:location", "westeurope")
        return project

    def new(self, template: str) -> "CliProject":
        """What `pulumi new` makes of a template's folder."""
        project = CliProject(self.place / "new" / template, self.variables, self.azure)
        project.folder.mkdir(parents=True)
        project.said = project.must("new", str(ROOT / "templates" / template), "--yes", "--stack", "dev")
        return project


@dataclass
class CliProject:
    """One project, its stack `dev`, and Pulumi's CLI."""

    folder: Path
    variables: Mapping[str, str] = field(repr=False)
    azure: Mapping[str, str] = field(repr=False)
    said: str = ""

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run the CLI in the project's folder, with ``more`` variables."""
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder,
            env={**self.variables, **({} if arguments[0] in _INSTALL else self.azure), **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )

    def must(self, *arguments: str) -> str:
        """Run a command that must succeed; returns what it prints."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"{self.folder.name} {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def fails(self, *arguments: str, **more: str) -> str:
        """Run a command that must fail; returns what it prints."""
        done = self.run(*arguments, **more)
        assert done.returncode != 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def up(self) -> dict[str, Any]:
        """Deploy it; a second run must find nothing to do. Returns the outputs, with secrets hidden."""
        self.must("up", "--yes", "--skip-preview")
        self.must("up", "--yes", "--skip-preview", "--expect-no-changes")
        found: dict[str, Any] = json.loads(self.run("stack", "output", "--json").stdout)
        return found
