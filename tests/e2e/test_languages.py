"""Programs in other languages, on Pulumi's own CLI: each ends with a device connected, and the second run changes nothing."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from tests.kit.local_azure import LocalAzure, local_azure
from tests.kit.other_languages import Clone, lend_packages, need_language
from tests.kit.repository import ROOT

_RUNTIMES = {"yaml": "yaml", "typescript": "nodejs", "go": "go"}
_FOLDER = "../../plugin"


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAzure]:
    """One local Azure for all programs, with immediate deletions."""
    with local_azure(tmp_path_factory.mktemp("azure"), "--retry-after", "0") as found:
        yield found


@pytest.fixture(scope="module")
def clone(azure: LocalAzure, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone of the repository; the plugin's virtual environment is made by the first `pulumi package add`, once."""
    need_language("yaml")
    return Clone.create(tmp_path_factory.mktemp("clone"), azure)


def _groups(azure: LocalAzure) -> list[str]:
    found = azure.ask("GET", f"/subscriptions/{azure.ready['subscription_id']}/resourceGroups").json()["value"]
    return [one["name"] for one in found]


@pytest.mark.parametrize("example", list(_RUNTIMES))
def test_a_program_in_another_language(clone: Clone, azure: LocalAzure, example: str) -> None:
    """`package add` of the plugin's folder, up, nothing to do, the CA's next generation, nothing to do, and all of it is gone."""
    need_language(_RUNTIMES[example])
    before = _groups(azure)
    project = clone.example(example)
    project.must("package", "add", _FOLDER)
    first = project.up()
    assert [one["proof"] for one in first["trust"]] == ["possession"]
    assert first["connection"].items() >= {"device": "canary", "state": "connected"}.items()
    assert x509.load_pem_x509_certificates(first["chain"].encode())[0].subject.rfc4514_string() == "CN=robot-001"
    assert first["key"] == "[secret]"
    assert "PRIVATE KEY" not in project.must("stack", "export"), "keys are secrets, also where the program does not say so"

    project.must("config", "set", "generation", "2")
    project.must("config", "set", "keepPrevious", "true")
    second = project.up()
    assert [one["proof"] for one in second["trust"]] == ["possession", "possession"]
    assert second["trust"][1]["thumbprint"] == first["trust"][0]["thumbprint"]
    assert second["connection"]["state"] == "connected"
    assert second["chain"] != first["chain"], "the device has a certificate of the new CA"

    project.must("destroy", "--yes", "--skip-preview")
    assert _groups(azure) == before


@pytest.mark.parametrize("language", ["yaml", "typescript", "python"])
def test_a_template(clone: Clone, language: str) -> None:
    """`pulumi new` of its folder answers its own questions; then what it says next, and a device is connected."""
    need_language(_RUNTIMES.get(language, language))
    project = clone.new(f"azure-iot-trust-{language}")
    written = "".join(file.read_text() for file in project.folder.iterdir() if file.is_file())
    assert "${PROJECT}" not in written
    assert "${DESCRIPTION}" not in written
    assert "press-{001..003}" in written
    if language == "python":
        assert "requirements.txt" in project.said
        requirements = project.folder / "requirements.txt"
        requirements.write_text(f"{requirements.read_text()}hubtrust @ file://{clone.place}\n")
        lend_packages(project.folder / ".venv")
        project.must("install")
    else:
        assert "pulumi package add" in project.said
        project.must("package", "add", str(clone.plugin))
    if language == "yaml":
        assert "rename trust.yaml to Main.yaml" in project.must("preview")
        (project.folder / "trust.yaml").rename(project.folder / "Main.yaml")
    outputs = project.up()
    assert [one["proof"] for one in outputs["trust"]] == ["possession"]
    assert outputs["connection"]["state"] == "connected"
    assert "protected" in project.fails("destroy", "--yes", "--skip-preview")
    project.must("config", "set", "protect", "false")
    project.must("up", "--yes", "--skip-preview")
    project.must("destroy", "--yes", "--skip-preview")


def test_what_a_broken_plugin_says(clone: Clone, tmp_path: Path) -> None:
    """Without any Python, without its environment, and with one that has no packages: what is shown is in the page that says what to do."""
    page = (ROOT / "docs" / "languages.md").read_text(encoding="utf-8")
    broken = Clone(tmp_path, {**clone.variables, "PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}"}, clone.azure)
    (tmp_path / "state").mkdir()
    shutil.copytree(clone.plugin, broken.plugin, ignore=shutil.ignore_patterns(".venv"))
    (tmp_path / "components").symlink_to(clone.place / "components")
    (tmp_path / "requirements").symlink_to(clone.place / "requirements")
    project = broken.example("yaml")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("pulumi", "pulumi-language-yaml", "pulumi-language-python"):
        found = shutil.which(name)
        assert found
        (programs / name).symlink_to(found)

    without_python = project.fails("package", "add", _FOLDER, PATH=str(programs))
    without_environment = project.fails("preview")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", broken.plugin / ".venv"], check=True)
    without_packages = project.fails("preview")

    for said, fragments in (
        (without_python, ['failed to locate any of ["python3" "python"] on your PATH']),
        (without_environment, ["fork/exec ", "/plugin/.venv/bin/python: no such file or directory"]),
        (without_packages, ["hubtrust: the plugin's Python ", " has no package ", "run `pulumi package add "]),
    ):
        assert all(fragment in said for fragment in fragments), said
        assert "Traceback" not in said
        assert fragments[0] in page
