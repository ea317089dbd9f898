"""The plugin's archive of a release on Pulumi's CLI: installed from the file, started, and asked what it is."""

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.plugins.installed import install_stand_ins
from tests.kit.prerequisites import need, need_pulumi
from tests.kit.repository import ROOT
from tests.kit.tagged_copy import tagged_copy

VERSION = "1.2.3"
LANGUAGES = ("go", "java", "nodejs", "python")  # the generator for C# fetches Pulumi's logo: only a machine with the Internet can run it


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder that is gone afterwards: an installed plugin has 300 MB."""
    yield tmp_path
    shutil.rmtree(tmp_path)


@pytest.mark.stranger
def test_an_archive_is_installed_and_answers(place: Path) -> None:
    """It installs its own packages by their hashes; its schema has the tag's version, and SDKs of every language here are made from it."""
    pulumi = need_pulumi()
    need((ROOT / ".strangers/release.stamp").exists(), "what builds a release is not installed: run `make strangers`")
    tagged_copy(place / "work", f"v{VERSION}")
    (place / "work/.strangers").symlink_to(ROOT / ".strangers")
    home = place / "home"
    install_stand_ins(home)
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    own |= {"PULUMI_HOME": str(home), "PULUMI_BACKEND_URL": f"file://{place}", "PULUMI_SKIP_UPDATE_CHECK": "true", "VERSION": VERSION}

    def ran(*command: str) -> str:
        done = subprocess.run(command, cwd=place / "work", env=own, capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    made = [each for each in LANGUAGES if (Path(pulumi).resolve().parent / f"pulumi-language-{each}").exists()]
    old = "--old-file=.strangers/release.stamp"
    ran("make", old, "dist", "SBOM_CHECK=--no-validate")
    (archive,) = (place / "work/dist/plugins").glob("*-linux-amd64.tar.gz")
    ran(pulumi, "plugin", "install", "resource", "hubtrust", VERSION, "--file", str(archive))
    assert [each["version"] for each in json.loads(ran(pulumi, "plugin", "ls", "--json")) if each["name"] == "hubtrust"] == [VERSION]
    schema = json.loads(ran(pulumi, "package", "get-schema", f"hubtrust@{VERSION}"))
    assert (schema["name"], schema["version"]) == ("hubtrust", VERSION)
    assert "hubtrust:index:DeviceIdentity" in schema["resources"]

    # The plugin's folder of a clone says the same, by the clone's tag. It has the same packages, so that one environment is enough here.
    installed = home / f"plugins/resource-hubtrust-v{VERSION}/.venv"
    shutil.copytree(installed, place / "work/plugin/.venv", symlinks=True, copy_function=os.link)
    assert json.loads(ran(pulumi, "package", "get-schema", "./plugin"))["version"] == VERSION

    ran("make", old, "sdks", f"SDKS={' '.join(made)}")
    written = {each.name for each in (place / "work/dist/sdks").iterdir()}
    assert written == {f"hubtrust-sdk-{each}-v{VERSION}.tar.gz" for each in made}
    with tarfile.open(place / f"work/dist/sdks/hubtrust-sdk-nodejs-v{VERSION}.tar.gz") as sdk:
        described = sdk.extractfile("nodejs/package.json")
        assert described
        package = json.loads(described.read())
    assert package["version"] == VERSION
    where = "github://api.github.com/hubtrust/hubtrust"
    assert package["pulumi"] == {"resource": True, "name": "hubtrust", "version": VERSION, "server": where}
