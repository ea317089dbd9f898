"""The variables of `env`: added to what a shell has, the same when they are printed twice."""

import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local_azure_iot import installation
from tests.kit.local_azure import LocalAzure
from tests.kit.prerequisites import need


@pytest.fixture
def ready(tmp_path: Path) -> dict[str, Any]:
    """A ready file's content, in a folder whose name has a space."""
    folder = tmp_path / "my folder"
    files = {name: str(folder / file) for name, file in (("ca_file", "ca.pem"), ("bundle_file", "bundle.pem"), ("java_file", "bundle.p12"))}
    identity = dict.fromkeys(("tenant_id", "client_id", "client_secret", "subscription_id"), "some")
    return files | identity | {"proxy": "http://127.0.0.1:8080", "az_folder": str(folder / "az")}


def test_javas_own_options_stay(ready: dict[str, Any]) -> None:
    """A shell's options for Java are kept, also those with spaces; ours of an earlier local Azure are replaced."""
    first = installation.environment(ready, {"JAVA_TOOL_OPTIONS": '-Xmx1g "-Dname=two words"'})["JAVA_TOOL_OPTIONS"]
    second = installation.environment(ready | {"proxy": "http://127.0.0.1:9090"}, {"JAVA_TOOL_OPTIONS": first})["JAVA_TOOL_OPTIONS"]

    assert shlex.split(first)[:3] == ["-Xmx1g", "-Dname=two words", "-Dhttps.proxyHost=127.0.0.1"]
    assert second == first.replace("8080", "9090")
    assert installation.environment(ready, {"JAVA_TOOL_OPTIONS": "-Xmx1g '"})["JAVA_TOOL_OPTIONS"].startswith("-Dhttps.proxyHost")


@pytest.mark.parametrize(("own", "extensions"), [
    ({"HOME": "/home/me"}, "/home/me/.azure/cliextensions"),
    ({"HOME": "/home/me", "AZURE_CONFIG_DIR": "/etc/az"}, "/etc/az/cliextensions"),
    ({"HOME": "/home/me", "AZURE_EXTENSION_DIR": "/opt/extensions"}, "/opt/extensions"),
])  # fmt: skip
def test_the_az_cli_finds_its_extensions(ready: dict[str, Any], own: dict[str, str], extensions: str) -> None:
    """Logins are apart from the user's, extensions are the user's; also if the variables are set already."""
    once = installation.environment(ready, own)
    twice = installation.environment(ready, own | once)

    assert once["AZURE_CONFIG_DIR"] == ready["az_folder"]
    assert once["AZURE_EXTENSION_DIR"] == twice["AZURE_EXTENSION_DIR"] == extensions


def test_java_reads_the_trust_store(process: LocalAzure) -> None:
    """Java's own keytool finds the CA in it, and the public roots."""
    need(shutil.which("keytool"), "Java is not installed; `apt-get install default-jdk-headless` installs it")
    words = ("-list", "-keystore", process.ready["java_file"], "-storepass", "changeit")
    listed = subprocess.run(["keytool", *words], env={}, capture_output=True, text=True, check=True, timeout=120).stdout

    assert listed.count("trustedCertEntry") > 100
