"""The plugin in runs of an engine: of other versions than the program's package, twice at once, and by a provider that is named.

The programs declare what asks nothing of Azure, so that only the engine, the program and the plugin are there.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from hubtrust.version import plugin_version
from tests.kit.embedded_engine import engine
from tests.kit.plugin_on_path import plugin_on_path
from tests.kit.warm_start import warm_engine

_PROGRAM = """
import os

import pulumi

import hubtrust
from hubtrust.dynamic.authority_generation import AuthorityGeneration

hubtrust.use_plugin()
version = os.environ.get("ASKED")
own = pulumi.ProviderResource("hubtrust", "own", {}, pulumi.ResourceOptions(version=version)) if os.environ.get("NAMED") else None
for name in os.environ["NAMES"].split():
    AuthorityGeneration(name, authority="plant", generation=1, keep_previous=False, opts=pulumi.ResourceOptions(version=version))
if own:
    AuthorityGeneration("named", authority="plant", generation=1, keep_previous=False, opts=pulumi.ResourceOptions(provider=own))
"""
_RUN = ("--yes", "--skip-preview", "--non-interactive", "--stack", "dev")


class Project:
    """The program, its stack `dev`, and the plugin on PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "state").mkdir(parents=True)
        (folder / "Pulumi.yaml").write_text("name: plugins\nruntime: python\n")
        (folder / "__main__.py").write_text(_PROGRAM)
        self.must("stack", "init", "dev")

    def environment(self, **more: str) -> dict[str, str]:
        """The variables of a run; PLUGIN is the version that the plugin says it is."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
        backend = {"PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}", "PULUMI_CONFIG_PASSPHRASE": "a trial"}
        path = plugin_on_path(self.folder / "bin", more.get("PLUGIN", ""))
        return {**inherited, **backend, "PULUMI_HOME": str(self.folder / "home"), "NAMES": "one", "PATH": path, "NO_COLOR": "1", **more}

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """One command of the engine."""
        return engine([*arguments, "--cwd", str(self.folder)], self.environment(**more))

    def must(self, *arguments: str, **more: str) -> str:
        """One that must succeed; returns what it prints."""
        done = self.run(*arguments, **more)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def kinds(self) -> list[str]:
        """The types in the state, without the stack."""
        state = json.loads(self.must("stack", "export", "--stack", "dev"))
        return sorted(one["type"] for one in state["deployment"].get("resources", ()) if one["type"] != "pulumi:pulumi:Stack")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The project with an empty stack."""
    return Project(tmp_path / "project")


_RESOURCE, _PROVIDER = "hubtrust:index:AuthorityGeneration", "pulumi:providers:hubtrust"


def test_a_program_of_a_later_version_is_refused_in_one_line(project: Project) -> None:
    """The line has both versions. With the right ones the next run succeeds, and everything can be deleted."""
    refused = project.run("up", *_RUN, ASKED="7.4.0", PLUGIN="7.3.9")
    assert refused.returncode != 0
    told = [line for line in (refused.stdout + refused.stderr).splitlines() if "the plugin hubtrust:" in line]
    line = "the plugin hubtrust: the program asks for version 7.4.0, and this plugin is 7.3.9; install version 7.4.0 of the plugin, "
    assert told, refused.stdout + refused.stderr
    assert all(f"{line}or the program's package in version 7.3.9" in each for each in told), told
    assert "Traceback" not in refused.stdout + refused.stderr
    assert _RESOURCE not in project.kinds()
    project.must("up", *_RUN, ASKED="7.3.0", PLUGIN="7.3.9")
    assert project.kinds().count(_RESOURCE) == 1
    project.must("destroy", *_RUN, PLUGIN="7.3.9")
    assert project.kinds() == []


def test_what_an_earlier_version_deployed_is_kept_and_deleted(project: Project) -> None:
    """The state asks for the earlier version: for the resource that leaves the program, and in a destroy, which runs no program."""
    project.must("up", *_RUN, ASKED="1.2.0", PLUGIN="1.2.0", NAMES="one two")
    said = project.must("up", *_RUN, ASKED="1.9.1", PLUGIN="1.9.1")
    assert re.search(r"\b1 deleted", said), said
    assert not re.search(r"\b[0-9]+ (updated|replaced)", said), said
    assert project.kinds() == [_RESOURCE, _PROVIDER]
    project.must("destroy", *_RUN, PLUGIN="2.0.0")
    assert project.kinds() == []


def test_two_providers_of_the_plugin_in_one_run(project: Project) -> None:
    """The default one and one that the program names: each resource has its own, and the next run changes nothing."""
    project.must("up", *_RUN, NAMED="1")
    assert project.kinds() == [_RESOURCE, _RESOURCE, _PROVIDER, _PROVIDER]
    state = json.loads(project.must("stack", "export", "--stack", "dev"))["deployment"]["resources"]
    providers = {one["urn"].rpartition("::")[2]: one["provider"].split("::")[-2] for one in state if one["type"] == _RESOURCE}
    assert providers["named"] == "own"
    assert providers["one"].startswith(f"default_{re.sub('[^A-Za-z0-9]', '_', plugin_version())}")
    project.must("up", *_RUN, "--expect-no-changes", NAMED="1")
    project.must("destroy", *_RUN)
    assert project.kinds() == []


def test_two_runs_at_once(tmp_path: Path) -> None:
    """Each run has a plugin process of its own, which ends with the run."""
    projects = [Project(tmp_path / name) for name in ("north", "south")]
    names = " ".join(f"item-{number}" for number in range(20))
    runs = [
        subprocess.Popen(
            [*warm_engine(), "up", *_RUN, "--cwd", str(each.folder)],
            env=each.environment(NAMES=names),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for each in projects
    ]
    said = [run.communicate(timeout=120)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    for each in projects:
        assert each.kinds().count(_RESOURCE) == 20
        each.must("up", *_RUN, "--expect-no-changes", NAMES=names)
        left = [one for one in Path("/proc").glob("[0-9]*/cmdline") if str(each.folder / "bin") in _read(one)]
        assert left == []


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # the process has ended
        return ""
