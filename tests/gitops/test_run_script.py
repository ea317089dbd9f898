"""What each job runs: the pinned CLI or none, and never a stack whose name or policies are not what they should be."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gitops.forge import accept_release, installed, shim
from tests.gitops.pipelines import GITOPS
from tests.kit.repository import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout with the scripts and two stacks' policies, and a `pulumi` that prints its arguments."""
    place = tmp_path / "checkout"
    shutil.copytree(GITOPS, place / "examples/gitops")
    (place / "policies").mkdir()
    for stack in ("staging", "prod"):
        (place / f"policies/{stack}.json").write_text("{}")
    echo = tmp_path / "echo"
    echo.write_text('#!/bin/sh\necho "pulumi $*"\nprintf "##vso[task.complete]\\n" >&2\nexit "${FAILS:-0}"\n')
    echo.chmod(0o755)
    shim(tmp_path, str(echo))
    installed(place)
    return place


def run(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the script as a job does, in another folder."""
    path = os.pathsep.join((str(folder.parent / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]))
    command = [str(folder / "examples/gitops/run.sh"), *arguments]
    return subprocess.run(command, cwd=folder.parent, env={"PATH": path, **more}, capture_output=True, text=True, check=False)


def test_a_cli_that_is_not_the_pinned_one_is_not_run(folder: Path) -> None:
    """The download has another checksum: the error says so, and nothing is unpacked."""
    done = run(folder, "install")
    assert done.returncode == 2
    assert re.search(r"run\.sh: pulumi-v[0-9.]+-linux-\w+\.tar\.gz is not what examples/gitops/pulumi\.sha256 says", done.stderr)
    assert not (folder / ".cache/pulumi-cli/pulumi").exists()
    assert "pulumi install" not in done.stdout


def test_the_pinned_cli_comes_before_any_other(folder: Path) -> None:
    """After the installation the job runs the CLI of the checksum, and not the machine's."""
    accept_release(folder, folder.parent / "release.tar.gz")
    assert run(folder, "install").returncode == 0
    (folder.parent / "bin/pulumi").write_text("#!/bin/sh\necho the machine's own\n")
    done = run(folder, "drift", "prod")
    assert done.returncode == 0, done.stderr
    options = "--color never --non-interactive --policy-pack policies --policy-pack-config policies/prod.json"
    assert done.stdout.splitlines() == [f"pulumi preview --stack prod --expect-no-changes {options}", "##vso(task.complete]"]


def test_packages_are_installed_by_their_hashes(folder: Path) -> None:
    """First the lock, in which every file has a hash, then the package itself, without an index; the plugins are pulumi's."""
    accept_release(folder, folder.parent / "release.tar.gz")
    (folder.parent / "bin/pulumi").unlink()  # the machine has none
    assert run(folder, "install").returncode == 0
    lock, own = (folder / "pip.log").read_text().splitlines()
    pip = "-m pip install --quiet --disable-pip-version-check --no-deps"
    assert (lock, own) == (f"{pip} --require-hashes -r requirements/program.txt", f"{pip} --no-index --no-build-isolation -e .")
    assert "--hash=sha256:" in (ROOT / "requirements/program.txt").read_text()


def test_the_audit_is_of_the_lock_and_strict(folder: Path) -> None:
    """pip-audit comes by its own lock, has an environment of its own, and fails the job by what it finds or can't look up."""
    shutil.copytree(folder / ".venv", folder / ".cache/pip-audit")
    python = folder / ".cache/pip-audit/bin/python"
    python.write_text(f'#!/bin/sh\necho "$@" >> "{folder}/audit.log"\n[ "$2" = pip ] || exit 1\n')
    assert run(folder, "audit").returncode == 1
    installs, audits = (folder / "audit.log").read_text().splitlines()
    assert installs == "-m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/audit.txt"
    assert audits == "-m pip_audit --strict --require-hashes --disable-pip -r requirements/program.txt"


def test_a_missing_virtual_environment_is_made(folder: Path) -> None:
    """A real one, and pip runs in it: here it finds no lock, which ends the job."""
    accept_release(folder, folder.parent / "release.tar.gz")
    shutil.rmtree(folder / ".venv")
    done = run(folder, "install")
    assert done.returncode != 0
    assert "requirements/program.txt" in done.stderr
    assert (folder / ".venv/pyvenv.cfg").exists()


def test_every_pinned_archive_is_one_of_a_release() -> None:
    """One version, both machines, whole checksums."""
    lines = (GITOPS / "pulumi.sha256").read_text().splitlines()
    found = [re.fullmatch(r"[0-9a-f]{64}  pulumi-(v[0-9]+\.[0-9]+\.[0-9]+)-(linux-(?:x64|arm64))\.tar\.gz", line) for line in lines]
    assert all(found)
    assert {one[2] for one in found if one} == {"linux-x64", "linux-arm64"}
    assert len({one[1] for one in found if one}) == 1


@pytest.mark.parametrize("verb", ["preview", "up", "drift"])
def test_a_failed_engine_fails_the_job(folder: Path, verb: str) -> None:
    """Though its output goes through another program."""
    assert run(folder, verb, "staging").returncode == 0
    assert run(folder, verb, "staging", FAILS="3").returncode == 3


def test_a_preview_leaves_its_output_in_a_file(folder: Path) -> None:
    """For the comment, and as harmless as the log."""
    done = run(folder, "preview", "staging")
    assert (folder / "preview.txt").read_text() == done.stdout
    assert "##vso(task.complete]" in done.stdout
    assert "##vso[" not in done.stdout + done.stderr


NO_NAMES = ["", "../staging", "a/b", "-staging", "--stack", "a b", "$(id)", "`id`", "a;id", "a\nb", "staging\n", "x" * 101, "é"]


@pytest.mark.parametrize("stack", NO_NAMES)
def test_a_stacks_name_is_checked_before_anything_runs(folder: Path, stack: str) -> None:
    """It becomes part of a path and of a command."""
    done = run(folder, "up", stack)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is no stack's name" in done.stderr


def test_a_stack_without_policies_is_not_deployed(folder: Path) -> None:
    """The engine would run without a configuration of its rules."""
    done = run(folder, "up", "trial")
    assert (done.returncode, done.stdout) == (2, "")
    assert "policies/trial.json is missing" in done.stderr


def test_an_unknown_verb_is_named(folder: Path) -> None:
    """It runs nothing."""
    done = run(folder, "destroy", "staging")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'destroy' is none of install, audit, preview, up, drift" in done.stderr
