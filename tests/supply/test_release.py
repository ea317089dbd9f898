"""A release is made of the locked versions, lists them, and is published by a job that runs nobody's code."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.gitops.rights import parsed
from tests.kit.prerequisites import need
from tests.kit.repository import ROOT
from tests.kit.requirement_locks import pins

WORKFLOW = ROOT / ".github/workflows/release.yml"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
VERSION = PYPROJECT["project"]["version"]
# Each distribution as it is called, its files' name, its folder, and the lock that its SBOM lists.
DISTRIBUTIONS = (
    ("hubtrust", "hubtrust", ROOT, ROOT / "requirements/program.txt"),
    ("local-azure-iot", "local_azure_iot", ROOT / "sandbox/local-azure-iot", ROOT / "sandbox/local-azure-iot/requirements.txt"),
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Git has of this folder, in a repository of its own, with what builds a release."""
    need((ROOT / ".strangers/release.stamp").exists(), "what builds a release is not installed: run `make strangers`")
    folder = tmp_path_factory.mktemp("release")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    (folder / ".strangers").symlink_to(ROOT / ".strangers")
    who = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    for command in (("init", "-q"), ("add", "requirements"), (*who, "commit", "-q", "-m", "A release")):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def _make_dist(folder: Path, version: str, *settings: str) -> subprocess.CompletedProcess[str]:
    # The stamp is as old as its installation: files that were copied just now would ask for another one.
    command = ["make", "--old-file=.strangers/release.stamp", "dist", *settings]
    return subprocess.run(command, cwd=folder, env=os.environ | {"VERSION": version}, capture_output=True, text=True, check=False)


@pytest.mark.stranger
def test_what_a_release_has(checkout: Path) -> None:
    """A wheel with each package alone, its source, and a CycloneDX list of all locked versions; wheels and lists can be made again."""
    done = _make_dist(checkout, VERSION)
    assert done.returncode == 0, done.stdout + done.stderr
    dist = checkout / "dist"
    packages = {f"packages/{name}-{VERSION}{end}" for _, name, _, _ in DISTRIBUTIONS for end in ("-py3-none-any.whl", ".tar.gz")}
    lists = {f"{called}.cdx.json" for called, *_ in DISTRIBUTIONS}
    assert {str(each.relative_to(dist)) for each in dist.rglob("*") if each.is_file()} == packages | lists
    for called, name, folder, lock in DISTRIBUTIONS:
        with zipfile.ZipFile(dist / f"packages/{name}-{VERSION}-py3-none-any.whl") as archive:
            assert {each.partition("/")[0] for each in archive.namelist()} == {name, f"{name}-{VERSION}.dist-info"}
            assert f"{name}-{VERSION}.dist-info/licenses/LICENSE" in archive.namelist()
        with tarfile.open(dist / f"packages/{name}-{VERSION}.tar.gz") as archive:
            assert f"{name}-{VERSION}/pyproject.toml" in archive.getnames()
            written = archive.extractfile(f"{name}-{VERSION}/LICENSE")
            assert written
            assert written.read() == (folder / "LICENSE").read_bytes()
        _check_list(dist / f"{called}.cdx.json", called, lock)

    before = {each: (dist / each).read_bytes() for each in packages | lists if not each.endswith(".tar.gz")}
    assert _make_dist(checkout, VERSION, "SBOM_CHECK=--no-validate").returncode == 0  # the first run held the lists to their schema
    assert {each: (dist / each).read_bytes() for each in before} == before


def _check_list(listed: Path, called: str, lock: Path) -> None:
    sbom = json.loads(listed.read_text(encoding="utf-8"))
    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.6")
    assert (sbom["metadata"]["component"]["name"], sbom["metadata"]["component"]["version"]) == (called, VERSION)
    found = {
        (each["name"], each["version"], frozenset(digest["content"] for place in each["externalReferences"] for digest in place["hashes"]))
        for each in sbom["components"]
    }
    assert found == {
        (
            pin.requirement.name,
            str(pin.requirement.specifier).removeprefix("=="),
            frozenset(each.removeprefix("sha256:") for each in pin.hashes),
        )
        for pin in pins(lock)
    }


@pytest.mark.stranger
def test_a_tag_of_another_version_releases_nothing(checkout: Path) -> None:
    """It ends with both versions before anything is built."""
    done = _make_dist(checkout, "9.9.9")
    assert done.returncode != 0
    assert f'the tag says version 9.9.9, and pyproject.toml has version = "{VERSION}"' in done.stdout
    assert not (checkout / "dist").exists()


@pytest.mark.parametrize(
    "version", ['1";echo>forged;"', "1$(touch${IFS}forged)", "1`touch${IFS}forged`", "$(shell echo>forged)", "1 || touch forged"]
)
def test_a_tags_name_is_no_command(version: str, tmp_path: Path) -> None:
    """Git takes quotes, `$` and `;` in a tag's name. Whoever approves a release looks at the commit: the name must not run anything."""
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").split("\ndist:", 1)[1].split("\n\n", 1)[0]
    (check,) = [line for line in recipe.splitlines() if "$VERSION" in line and line.startswith("\t")]
    (tmp_path / "dist/packages").mkdir(parents=True)
    (tmp_path / "Makefile").write_text(f".PHONY: dist\ndist:\n{check}\n", encoding="utf-8")
    done = subprocess.run(["make"], cwd=tmp_path, env=os.environ | {"VERSION": version}, capture_output=True, text=True, check=False)
    assert f"the tag says version {version}, and" in done.stdout
    assert done.returncode != 0
    assert not list(tmp_path.rglob("forged"))


def test_only_jobs_that_run_no_code_have_an_identity() -> None:
    """The build may read the repository. Who attests or publishes runs actions alone, pinned by digest; nothing is a secret."""
    text = WORKFLOW.read_text(encoding="utf-8")
    file = parsed(text)
    # YAML 1.1 reads `on` as true.
    assert file[True] == {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+"]}}
    assert file["permissions"] == {}
    assert "secrets" not in text
    rights = {name: job["permissions"] for name, job in file["jobs"].items()}
    assert rights == {
        "build": {"contents": "read"},
        "attest": {"id-token": "write", "attestations": "write"},
        "publish": {"id-token": "write"},
    }
    assert [job.get("needs") for job in file["jobs"].values()] == [None, "build", "attest"]
    assert file["jobs"]["publish"]["environment"] == "pypi"
    for name, job in file["jobs"].items():
        assert re.fullmatch(r"ubuntu-\d\d\.04", job["runs-on"])
        scripts = [step["run"] for step in job["steps"] if "run" in step]
        assert scripts == (['VERSION="${GITHUB_REF_NAME#v}" make dist'] if name == "build" else [])
        for step in job["steps"]:
            assert "run" in step or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"])
        assert any(str(step.get("uses")).startswith("actions/checkout@") for step in job["steps"]) == (name == "build")


def test_provenance_and_sbom_are_attested_of_what_is_published() -> None:
    """The same files are attested, without and with the SBOM, and then published by PyPI's trusted publishing, which takes no password."""
    jobs = parsed(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
    attested = [step["with"] for step in jobs["attest"]["steps"] if step["uses"].startswith("actions/attest@")]
    of_each = [{"subject-path": f"dist/packages/{name}-*", "sbom-path": f"dist/{called}.cdx.json"} for called, name, _, _ in DISTRIBUTIONS]
    assert attested == [{"subject-path": "dist/packages/*"}, *of_each]
    (publish,) = [step["with"] for step in jobs["publish"]["steps"] if step["uses"].startswith("pypa/gh-action-pypi-publish@")]
    assert publish == {"packages-dir": "dist/packages", "attestations": True}


def test_zizmor_finds_nothing() -> None:
    """The strictest persona of an auditor of workflows."""
    command = [str(Path(sys.executable).with_name("zizmor")), "--offline", "--no-config", "--persona", "auditor", "--min-severity", "low"]
    done = subprocess.run([*command, "--format", "json", str(WORKFLOW)], capture_output=True, text=True, check=False)
    assert json.loads(done.stdout) == [], done.stderr
