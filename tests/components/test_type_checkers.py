"""A user's program is clean under the strictest settings of both type checkers, which read the package as it is installed."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.language_server import language_server
from tests.kit.repository import ROOT
from tests.kit.user_programs import collect, mypy_settings

_WRONG = """import pulumi

from hubtrust import CertificateAuthority, Generate

ca = CertificateAuthority("plant", source=Generate(common_name=7))
pulumi.export("chain", ca.chains)
"""

# What an editor shows for the last word of each of these parts of a program.
_POINTED_AT = """import pulumi
import hubtrust

ca = hubtrust.CertificateAuthority("plant", source=hubtrust.Generate(common_name="Plant", key=hubtrust.KeyAlgorithm.EC_P256))
trusted = hubtrust.VerifiedCertificate("plant", service_id="", certificate="", name="plant", signer=hubtrust.signer_inputs.in_state(""))
roster = hubtrust.from_ids(["press-1"], tags={"site": "Ulm"})
pulumi.export("seen", [ca.chain, trusted.proof, roster.ids])
"""
_SHOWN = {
    "hubtrust.CertificateAuthority": "Declare the CA's keys and certificates.",
    ", source": "source: where the CA comes from",
    "Generate(common_name": "its certificates are called",
    "KeyAlgorithm.EC_P256": "NIST's P-256",
    "hubtrust.VerifiedCertificate": "verified by proof of possession",
    ", service_id": "service_id: ARM id of the IoT hub",
    ", name": "name: the beginning of the name on the service",
    "signer_inputs.in_state": "kept as an encrypted secret in the state",
    "hubtrust.from_ids": "Devices by their ids.",
    ", tags": "tags: tags of the twin of every device",
    "ca.chain": "PEM, the issuing certificate first",
    "trusted.proof": "How a verified certificate became so",
    "roster.ids": "The ids, sorted, each once.",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of a user's, with each program and one that is wrong on purpose: it shows that the package's types are seen."""
    (tmp_path / "wrong.py").write_text(_WRONG, encoding="utf-8")
    return tmp_path


def test_no_program_hides_anything_from_a_checker(tmp_path: Path) -> None:
    """No ignore, no cast: a user would have to copy them."""
    for program in collect(tmp_path):
        text = program.read_text(encoding="utf-8")
        assert not [word for word in ("type: ignore", "pyright:", "mypy:", "cast(") if word in text], program.name


@pytest.mark.stranger
def test_pyright_strict(folder: Path) -> None:
    """One language server for all files, as in an editor. It finds the documentation too, by way of the stub that names what is public."""
    programs = collect(folder)
    (folder / "pointed_at.py").write_text(_POINTED_AT, encoding="utf-8")
    with language_server(folder) as server:
        for program in programs:
            server.open(program)
        found = {program.stem: errors for program in programs if (errors := server.errors(program))}
        server.open(folder / "pointed_at.py")
        shown = {part: server.hover(folder / "pointed_at.py", _POINTED_AT.index(part) + len(part) - 1) for part in _SHOWN}
    assert {error.partition(":")[0] for error in found.pop("wrong")} == {"5", "6"}
    assert found == {}
    assert {part: text for part, text in shown.items() if _SHOWN[part] not in text} == {}


def test_mypy_strict(folder: Path) -> None:
    """One process for all files. What it knows of the SDKs is kept between runs."""
    programs = collect(folder)
    (folder / "mypy.ini").write_text(mypy_settings(programs), encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "--cache-dir", ROOT / ".cache" / "mypy-of-users", "--no-pretty"]
    done = subprocess.run([*command, *programs], cwd=folder, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert [line for line in lines if not line.startswith("wrong.py:")] == [], done.stderr
    assert {line.split(":")[1] for line in lines if ": error: " in line} == {"5", "6"}
