"""Each example runs as its reader would run it, twice, and the second time changes nothing."""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from local_azure_iot import installation
from tests.kit.authorities import hierarchy, name, private_pem
from tests.kit.authorities import pem_of as pem
from tests.kit.embedded_engine import engine
from tests.kit.local_azure import LocalAzure, local_azure
from tests.kit.repository import ROOT

Run = Callable[..., str]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAzure]:
    """One local Azure for all examples, with immediate deletions."""
    with local_azure(tmp_path_factory.mktemp("azure"), "--retry-after", "0") as found:
        yield found


@pytest.fixture
def azure(shared: LocalAzure) -> LocalAzure:
    """It, and nothing in it: some examples have a name in common."""
    shared.control("POST", "/reset")
    return shared


@pytest.fixture
def run(azure: LocalAzure, tmp_path: Path) -> Run:
    """Runs the embedded engine on a copy of an example, in this process: that is cheaper."""
    environment = {
        **os.environ,
        **installation.environment(azure.ready),
        "PYTHONPATH": str(ROOT),
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "a trial",
        "PULUMI_HOME": str(tmp_path / "pulumi"),
        "NO_COLOR": "1",
    }
    (tmp_path / "state").mkdir()

    def on_copy(folder: Path, *arguments: str, **more: str) -> str:
        done = engine([*arguments, "--cwd", str(folder), "--stack", "dev"], {**environment, **more})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return on_copy


def _copy(name: str, place: Path) -> Path:
    folder = place / "examples" / name
    shutil.copytree(ROOT / "examples" / name, folder, ignore=shutil.ignore_patterns("Pulumi.*.yaml"))
    (place / ".venv").symlink_to(sys.prefix)
    return folder


def _up(run: Run, folder: Path, *flags: str, **more: str) -> dict[str, Any]:
    if not list(folder.glob("Pulumi.dev.yaml")):
        run(folder, "stack", "init")
        run(folder, "config", "set", "azure-native:location", "westeurope")
    run(folder, "up", "--yes", "--skip-preview", *flags, **more)
    found: dict[str, Any] = json.loads(run(folder, "stack", "output", "--json"))
    return found


def _twice(run: Run, folder: Path, **more: str) -> dict[str, Any]:
    _up(run, folder, **more)
    return _up(run, folder, "--expect-no-changes", **more)


def test_hello(run: Run, tmp_path: Path) -> None:
    """A dynamic provider, a tls key and a resource group."""
    outputs = _twice(run, _copy("hello", tmp_path))
    assert outputs["greeting"].startswith("Hello, hello")
    assert outputs["publicKey"].startswith("-----BEGIN PUBLIC KEY-----")


@pytest.mark.usefixtures("azure")
def test_the_program_in_the_readme(run: Run, tmp_path: Path) -> None:
    """A CA verified by possession, and a device with a chain under it."""
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    folder = _copy("single-hub", tmp_path)  # for its Pulumi.yaml
    (folder / "__main__.py").write_text(program)
    outputs = _twice(run, folder)
    assert [each["proof"] for each in outputs["trust"]] == ["possession"]
    device, *issuers = x509.load_pem_x509_certificates(outputs["chain"].encode())
    assert device.subject == name("press-001")
    assert [issuer.subject.rfc4514_string() for issuer in issuers] == ["CN=Contoso Plant issuing CA", "CN=Contoso Plant root CA"]


def test_single_hub(run: Run, tmp_path: Path) -> None:
    """A hub of our own trusts a CA of our own, proven; it is protected, the certificate is not."""
    folder = _copy("single-hub", tmp_path)
    assert [each["proof"] for each in _twice(run, folder)["trust"]] == ["possession"]
    found = json.loads(run(folder, "stack", "export"))["deployment"]["resources"]
    protected = {resource["type"].rpartition(":")[2] for resource in found if resource.get("protect")}
    assert protected == {"ResourceGroup", "IotHubResource", "HubOwner"}


def test_imported_ca(run: Run, tmp_path: Path) -> None:
    """A chain from one file and its key from another: proven; the key is not in the state unencrypted."""
    folder = _copy("imported-ca", tmp_path)
    key = ec.generate_private_key(ec.SECP256R1())
    created = hierarchy([ec.generate_private_key(ec.SECP256R1()), key])
    (folder / "ca.pem").write_text(pem(*created.up))
    (tmp_path / "ca.key").write_text(private_pem(key))
    outputs = _twice(run, folder, CA_KEY_FILE=str(tmp_path / "ca.key"))
    assert [each["proof"] for each in outputs["trust"]] == ["possession"]
    assert "PRIVATE KEY" not in "".join(file.read_text() for file in (tmp_path / "state").rglob("*.json"))


def test_imported_ca_waits_for_an_offline_proof(run: Run, tmp_path: Path) -> None:
    """Without the key `up` succeeds and waits: a drift check shows a difference, and the code is the same in each run."""
    folder = _copy("imported-ca", tmp_path)
    (folder / "ca.pem").write_text(pem(*hierarchy().up))
    first = _up(run, folder)["trust"][0]
    assert (first["state"], first["verified"], len(first["code"])) == ("waiting", False, 48)
    assert _up(run, folder)["trust"][0] == first


def test_existing_hub(run: Run, azure: LocalAzure, tmp_path: Path) -> None:
    """Only the certificate is created on a hub that somebody else owns; destroy keeps the hub."""
    hub = azure.hub()
    folder = _copy("existing-hub", tmp_path)
    run(folder, "stack", "init")
    run(folder, "config", "set", "hubId", hub.id)
    outputs = _twice(run, folder)
    assert hub.verified() == {outputs["trust"][0]["name"]: True}
    run(folder, "destroy", "--yes", "--skip-preview")
    assert hub.verified() == {}


@pytest.mark.usefixtures("azure")
def test_devices(run: Run, tmp_path: Path) -> None:
    """A fleet from a file, one press by its own request, a canary that connects; the second run changes nothing."""
    folder = _copy("devices", tmp_path)
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(name("press-001")).sign(key, hashes.SHA256())
    (folder / "press-001.csr").write_bytes(request.public_bytes(serialization.Encoding.PEM))
    outputs = _twice(run, folder)
    assert outputs["devices"].items() >= {"count": 3, "enabled": 2}.items()
    assert outputs["connection"]["chain"] == "canary < Contoso Plant issuing CA < Contoso Plant root CA"
    chain = x509.load_pem_x509_certificates(outputs["pressChain"].encode())
    assert (chain[0].public_key(), len(chain)) == (key.public_key(), 3)


@pytest.mark.usefixtures("azure")
def test_own_program(run: Run, tmp_path: Path) -> None:
    """The package beside a team's own hub and inside its own component: proven, a device connected, and a key that only a secret shows."""
    folder = _copy("own-program", tmp_path)
    outputs = _twice(run, folder)
    assert [each["proof"] for each in outputs["trust"]] == ["possession"]
    assert outputs["connection"].items() >= {"state": "connected", "device": "line-1-canary"}.items()
    assert (outputs["gatewayKey"], outputs["gatewayChain"].count("BEGIN CERTIFICATE")) == ("[secret]", 3)
