"""One version for the package, the plugin and the schema, from the repository's last tag."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import semver
from packaging.version import Version

from hubtrust.version import package_version, plugin_version, semantic
from tests.kit.repository import ROOT

RULES = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pdm"]["version"]


@pytest.mark.parametrize(
    ("python", "pulumi"),
    [
        ("1.2.3", "1.2.3"),
        ("1.2", "1.2.0"),
        ("2", "2.0.0"),
        ("1.2.3rc1", "1.2.3-rc.1"),
        ("1.2.3a1", "1.2.3-alpha.1"),
        ("1.2.3b20", "1.2.3-beta.20"),
        ("1.2.4.dev5+g0123abc", "1.2.4-dev.5+g0123abc"),
        ("1.2.4.dev0", "1.2.4-dev.0"),
        ("1.2.3rc2.dev5+g0123abc.d20300101", "1.2.3-rc.2.dev.5+g0123abc.d20300101"),
        ("0.0.0+unknown", "0.0.0+unknown"),
    ],
)
def test_pulumis_form(python: str, pulumi: str) -> None:
    """Each version that a build can have, in a form that SemVer's own rules accept."""
    assert str(Version(python)) == python
    assert semantic(python) == str(semver.Version.parse(pulumi)) == pulumi


@pytest.mark.parametrize("version", ["1.2.3.post1", "1!2.3.4", "v1.2.3", "1.2.3.4", "", "1.2.3 "])
def test_a_version_without_a_form_in_semver(version: str) -> None:
    """It is refused by name, never changed into another version."""
    with pytest.raises(ValueError, match=f"^version {re.escape(repr(version))} has no form in SemVer"):
        semantic(version)


def test_this_version() -> None:
    """Both forms are of one version, and a file that runs alone prints them."""
    assert semver.Version.parse(plugin_version()) is not None
    assert semantic(package_version()) == plugin_version()


class Copy:
    """A repository with nothing but what its version is read from."""

    def __init__(self, folder: Path) -> None:
        """Make ``folder``."""
        self.folder = folder
        (folder / "components/hubtrust").mkdir(parents=True)
        shutil.copy(ROOT / "components/hubtrust/version.py", folder / "components/hubtrust")
        # A published source's own file has a version: this is the repository's.
        rules = "\n".join(f"{name} = {json.dumps(value)}" for name, value in RULES.items())
        (folder / "pyproject.toml").write_text(f'[project]\ndynamic = ["version"]\n[tool.pdm.version]\n{rules}\n')

    def git(self, *arguments: str) -> None:
        """One command of Git, by nobody's settings."""
        who = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
        alone = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        subprocess.run(["git", *who, *arguments], cwd=self.folder, env=alone, check=True, capture_output=True)

    def commit(self) -> None:
        """One more commit of everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A change")

    @property
    def version(self) -> str:
        """What the file prints in a process of its own."""
        command = [sys.executable, "-P", "components/hubtrust/version.py"]
        alone = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        done = subprocess.run(command, cwd=self.folder, env=alone, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return done.stdout.strip()


def test_the_last_tag_is_the_version(tmp_path: Path) -> None:
    """Before any tag, at one, after it, at a preview's, and beside tags of other things."""
    copy = Copy(tmp_path)
    copy.git("init", "--quiet")
    copy.commit()
    assert re.fullmatch(r"0\.0\.1\.dev1\+g[0-9a-f]{7,}", copy.version)
    copy.git("tag", "v1.2.3")
    assert copy.version == "1.2.3"
    copy.commit()
    copy.git("tag", "sdk/v7.7.7")
    copy.git("tag", "local-azure-8.8.8")
    assert re.fullmatch(r"1\.2\.4\.dev1\+g[0-9a-f]{7,}", copy.version)
    copy.git("tag", "v2.0.0-rc.1")
    assert copy.version == "2.0.0rc1"


def test_without_git_the_version_is_unknown(tmp_path: Path) -> None:
    """Also inside somebody else's repository, whose tags say nothing of this project."""
    outer = Copy(tmp_path)
    outer.git("init", "--quiet")
    outer.commit()
    outer.git("tag", "v9.9.9")
    (tmp_path / "vendor").mkdir()
    assert Copy(tmp_path / "vendor/hubtrust").version == RULES["fallback_version"] == "0.0.0+unknown"


def test_local_azure_follows_the_same_tags() -> None:
    """It is released with hubtrust, so one tag is the version of both."""
    other = tomllib.loads((ROOT / "sandbox/local-azure-iot/pyproject.toml").read_text(encoding="utf-8"))
    assert other["tool"]["pdm"]["version"] == {name: value for name, value in RULES.items() if name != "write_to"}
