"""Pulumi's CLI makes an SDK of the schema for each language whose generator it has, and the one that is checked in is what it makes."""

import filecmp
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hubtrust.plugin.schema.checked_in import checked_in, of_version
from hubtrust.version import plugin_version
from tests.kit.prerequisites import need, need_pulumi
from tests.kit.repository import ROOT

SCHEMA = ROOT / "components/hubtrust/plugin/schema.json"


class _Logo(BaseHTTPRequestHandler):
    """The C# generator fetches a logo, by default from GitHub."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"\x89PNG\r\n\x1a\n")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def logo() -> Iterator[str]:
    """The URL of a logo on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Logo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/logo.png"
        server.shutdown()
        thread.join()


def _run(arguments: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PULUMI_HOME": os.fspath(home), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    done = subprocess.run(
        [need_pulumi(), "package", *arguments], cwd=home, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stderr.lower()
    return done


def _generate(schema: Path, language: str, home: Path) -> Path:
    """The SDK that the CLI makes."""
    need_pulumi()
    if not shutil.which(f"pulumi-language-{language}"):
        pytest.skip(f"pulumi-language-{language}, which generates this SDK, is not on PATH")
    _run(["gen-sdk", os.fspath(schema), "--language", language, "--out", os.fspath(home / "sdk")], home)
    return home / "sdk" / language


def _files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def test_the_cli_gets_the_schema_of_the_plugin(tmp_path: Path) -> None:
    """From the program that pip installs: all that is checked in, which the CLI reads and writes again, with the plugin's version."""
    program = Path(sys.executable).with_name("pulumi-resource-hubtrust")
    need(program.exists(), "the plugin's program is not installed: run `make up`")
    found, own = json.loads(_run(["get-schema", os.fspath(program)], tmp_path).stdout), checked_in()
    assert found["version"] == plugin_version()
    assert {kind: found[kind].keys() for kind in ("resources", "types", "functions")} == {
        kind: own[kind].keys() for kind in ("resources", "types", "functions")
    }
    assert (
        found["resources"]["hubtrust:index:TrustedHub"]["inputProperties"]
        == (own["resources"]["hubtrust:index:TrustedHub"]["inputProperties"])
    )


def test_the_typescript_sdk_is_what_the_cli_makes(tmp_path: Path) -> None:
    """Byte for byte, and nothing is left of resources that are no more."""
    made, here = _generate(SCHEMA, "nodejs", tmp_path), ROOT / "sdk/nodejs"
    listed = subprocess.run(["git", "ls-files", "-z", "."], cwd=here, capture_output=True, text=True, check=True).stdout
    names = {Path(name) for name in listed.split("\0") if name}
    assert names == _files(made), "run `make docs` with Pulumi's CLI on PATH"
    _, different, missing = filecmp.cmpfiles(made, here, [os.fspath(name) for name in names], shallow=False)
    assert not [*different, *missing], "run `make docs` with Pulumi's CLI on PATH"


@pytest.mark.parametrize(
    ("language", "file", "said"),
    [
        ("go", "hubtrust/trustedHub.go", "func NewTrustedHub("),
        ("dotnet", "TrustedHub.cs", "public TrustedHub(string name"),
        ("python", "pulumi_hubtrust/trusted_hub.py", "class TrustedHub("),
        ("java", "src/main/java/io/hubtrust/hubtrust/TrustedHub.java", "public class TrustedHub "),
    ],
)
def test_the_cli_makes_an_sdk(language: str, file: str, said: str, tmp_path: Path, logo: str) -> None:
    """For each language, of a schema with a version, as the plugin sends it."""
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps(json.loads(of_version("1.2.3")) | {"logoUrl": logo}), encoding="utf-8")
    assert said in (_generate(schema, language, tmp_path) / file).read_text(encoding="utf-8")
