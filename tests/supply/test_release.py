"""A release is made of the locked versions, lists them, and is published by a job that runs nobody's code."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.gitops.rights import parsed
from tests.kit.prerequisites import need
from tests.kit.repository import ROOT
from tests.kit.requirement_locks import pins
from tests.kit.tagged_copy import tagged_copy

WORKFLOW = ROOT / ".github/workflows/release.yml"
VERSION = "1.2.3"
PLATFORMS = ("darwin-amd64", "darwin-arm64", "linux-amd64", "linux-arm64", "windows-amd64", "windows-arm64")
ARCHIVES = {f"plugins/pulumi-resource-hubtrust-v{VERSION}-{platform}.tar.gz" for platform in PLATFORMS}
# Each distribution as it is called, its files' name, its folder, and the lock that its SBOM lists.
DISTRIBUTIONS = (
    ("hubtrust", "hubtrust", ROOT, ROOT / "requirements/program.txt"),
    ("local-azure-iot", "local_azure_iot", ROOT / "sandbox/local-azure-iot", ROOT / "sandbox/local-azure-iot/requirements.txt"),
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Git has of this folder, in a repository of its own that is tagged, with what builds a release."""
    need((ROOT / ".strangers/release.stamp").exists(), "what builds a release is not installed: run `make strangers`")
    folder = tmp_path_factory.mktemp("release")
    tagged_copy(folder, f"v{VERSION}")
    (folder / ".strangers").symlink_to(ROOT / ".strangers")
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
    assert {str(each.relative_to(dist)) for each in dist.rglob("*") if each.is_file()} == packages | lists | ARCHIVES
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

    _check_source(dist / f"packages/hubtrust-{VERSION}.tar.gz", dist / f"packages/hubtrust-{VERSION}-py3-none-any.whl", checkout)
    _check_plugin(dist, checkout)
    before = {each: (dist / each).read_bytes() for each in {name for name in packages if name.endswith(".whl")} | lists | ARCHIVES}
    assert _make_dist(checkout, VERSION, "SBOM_CHECK=--no-validate").returncode == 0  # the first run held the lists to their schema
    assert {each: (dist / each).read_bytes() for each in before} == before


def _check_source(source: Path, wheel: Path, checkout: Path) -> None:
    """The source has every file of the repository, builds the same wheel where neither Git nor an index is, and passes its own tests."""
    with tarfile.open(source) as archive:
        archive.extractall(checkout / "dist", filter="data")
    folder = checkout / f"dist/hubtrust-{VERSION}"
    listed = subprocess.run(["git", "ls-files"], cwd=checkout, capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in listed if not (folder / name).is_file()] == []
    files = {str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file()}
    assert files - set(listed) == {"PKG-INFO", "components/hubtrust/version.txt"}

    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    build = [checkout / ".strangers/release/bin/python", "-m", "build", "--wheel", "--no-isolation", "--outdir", folder / "dist", folder]
    subprocess.run(build, env=alone, capture_output=True, check=True)
    (again,) = (folder / "dist").iterdir()
    with zipfile.ZipFile(wheel) as first, zipfile.ZipFile(again) as second:
        assert second.namelist() == first.namelist()
        assert [name for name in first.namelist() if first.read(name) != second.read(name)] == []
    tests = (
        "tests/package",
        "tests/pki/test_verification_code.py",
        "tests/policies/test_rules.py",
        "tests/components/test_public_names.py",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", *tests]
    done = subprocess.run(command, cwd=folder, env=alone, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    shutil.rmtree(folder)


def _check_plugin(dist: Path, checkout: Path) -> None:
    """Each platform's archive has the plugin's folder, the wheel's package and the lock; it needs nothing of the repository."""
    assert len({(dist / each).read_bytes() for each in ARCHIVES}) == 1
    folder = dist / "plugin"
    with tarfile.open(dist / min(ARCHIVES)) as archive:
        archive.extractall(folder, filter="data")
        assert {(each.uid, each.uname, each.mode & 0o022) for each in archive} == {(0, "", 0)}
    assert {each.name for each in folder.iterdir()} == {"LICENSE", "PulumiPlugin.yaml", "__main__.py", "hubtrust", "requirements.txt"}
    assert (folder / "requirements.txt").read_bytes() == (checkout / "requirements/program.txt").read_bytes()
    with zipfile.ZipFile(dist / f"packages/hubtrust-{VERSION}-py3-none-any.whl") as wheel:
        names = [name for name in wheel.namelist() if name.startswith("hubtrust/")]
        assert {str(each.relative_to(folder)) for each in (folder / "hubtrust").rglob("*") if each.is_file()} == set(names)
        assert [name for name in names if wheel.read(name) != (folder / name).read_bytes()] == []
    # The packages of the lock are those of this interpreter; `hubtrust` must be the archive's.
    program = "import sys; sys.path.insert(0, sys.argv[1]); import hubtrust.version as found; print(found.__file__, found.plugin_version())"
    done = subprocess.run([sys.executable, "-B", "-P", "-c", program, folder], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(folder / "hubtrust/version.py"), VERSION]
    shutil.rmtree(folder)


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
    assert f"the tag says version 9.9.9, and Git has version {VERSION} here: tag this commit" in done.stdout
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


# What runs in a shell. The last one may write, so it has neither a checkout nor a program of the repository: the forge's own CLI alone.
SCRIPTS = {
    "build": [
        'VERSION="${GITHUB_REF_NAME#v}" make dist',
        "examples/gitops/run.sh install",
        'PATH="$PWD/.cache/pulumi-cli/pulumi:$PATH" make sdks',
    ],
    "release": [
        (
            'gh release create "$GITHUB_REF_NAME" --repo "$GITHUB_REPOSITORY" --verify-tag --generate-notes '
            "dist/plugins/* dist/sdks/* dist/*.cdx.json"
        )
    ],
}


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
        "release": {"contents": "write"},
    }
    assert [job.get("needs") for job in file["jobs"].values()] == [None, "build", "attest", "publish"]
    assert file["jobs"]["publish"]["environment"] == "pypi"
    for name, job in file["jobs"].items():
        assert re.fullmatch(r"ubuntu-\d\d\.04", job["runs-on"])
        scripts = [step["run"] for step in job["steps"] if "run" in step]
        assert scripts == SCRIPTS.get(name, [])
        for step in job["steps"]:
            assert "run" in step or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"])
        assert any(str(step.get("uses")).startswith("actions/checkout@") for step in job["steps"]) == (name == "build")


def test_provenance_and_sbom_are_attested_of_what_is_published() -> None:
    """The same files are attested, without and with the SBOM, and then published by PyPI's trusted publishing, which takes no password."""
    jobs = parsed(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
    attested = [step["with"] for step in jobs["attest"]["steps"] if step["uses"].startswith("actions/attest@")]
    assert attested == [
        {"subject-path": "dist/packages/*, dist/plugins/*, dist/sdks/*"},
        {"subject-path": "dist/packages/hubtrust-*, dist/plugins/*", "sbom-path": "dist/hubtrust.cdx.json"},
        {"subject-path": "dist/packages/local_azure_iot-*", "sbom-path": "dist/local-azure-iot.cdx.json"},
    ]
    (publish,) = [step["with"] for step in jobs["publish"]["steps"] if step["uses"].startswith("pypa/gh-action-pypi-publish@")]
    assert publish == {"packages-dir": "dist/packages", "attestations": True}


def test_zizmor_finds_nothing() -> None:
    """The strictest persona of an auditor of workflows."""
    command = [str(Path(sys.executable).with_name("zizmor")), "--offline", "--no-config", "--persona", "auditor", "--min-severity", "low"]
    done = subprocess.run([*command, "--format", "json", str(WORKFLOW)], capture_output=True, text=True, check=False)
    assert json.loads(done.stdout) == [], done.stderr
