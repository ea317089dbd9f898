"""A stack with one of everything that an inventory reads, deployed once to local Azure by the embedded engine."""

import base64
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from hubtrust.pki import issue
from hubtrust.pki.signers import KeyInMemory
from local_azure_iot import installation
from tests.kit.authorities import ec_key, name, pem_of, private_pem
from tests.kit.embedded_engine import engine
from tests.kit.local_azure import LocalAzure, local_azure
from tests.kit.repository import ROOT

PLANT = Path(__file__).parent / "plant"


@dataclass(frozen=True)
class Plant:
    """The deployed stack: its export, and the local Azure that it is on."""

    azure: LocalAzure
    exported: str
    environment: dict[str, str]


@pytest.fixture(scope="session")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """The program of the folder `plant`, after one run."""
    place = tmp_path_factory.mktemp("plant")
    folder = place / "program"
    shutil.copytree(PLANT, folder, ignore=shutil.ignore_patterns("__pycache__"))
    _give(folder / "given")
    (place / "state").mkdir()
    (folder / ".venv").symlink_to(sys.prefix)
    with local_azure(place, "--retry-after", "0") as azure:
        path = os.pathsep.join((str(ROOT / "sandbox" / "plugins" / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI", "AZURE_", "ARM_"))}
        environment = {
            **inherited,
            **installation.environment(azure.ready),
            "PATH": path,
            "PYTHONPATH": str(ROOT),
            "PULUMI_BACKEND_URL": f"file://{place / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "a trial",
            "PULUMI_HOME": str(place / "pulumi"),
            "NO_COLOR": "1",
        }
        for arguments in ("stack init", "config set azure-native:location westeurope", "up --yes --skip-preview"):
            _must(folder, environment, *arguments.split())
        yield Plant(azure, _must(folder, environment, "stack", "export"), environment)


def _must(folder: Path, environment: dict[str, str], *arguments: str) -> str:
    done = engine([*arguments, "--cwd", str(folder), "--stack", "dev"], environment)
    assert done.returncode == 0, f"{' '.join(arguments)}:\n{done.stdout}{done.stderr}"
    return done.stdout


def _give(folder: Path) -> None:
    """The files that the program reads: CAs, requests and device certificates of others. Their keys are of this run alone."""
    folder.mkdir()
    bought, _ = authority("Bought CA", days=40)
    (folder / "bought.pem").write_text(pem_of(bought.certificate))
    ovens, key = authority("Ovens CA", days=400)
    (folder / "ovens-ca.pem").write_text(pem_of(ovens.certificate))
    (folder / "ovens-ca.key").write_text(key)
    (folder / "ovens.csr").write_text("".join(_request(f"oven-{number}") for number in (1, 2, 3)))
    for device_id in ("saw-1", "saw-2"):
        (folder / f"{device_id}.pem").write_text(device_certificate(ovens, device_id, days=10))
    portal, _ = authority("Portal CA", days=3000)
    (folder / "portal.b64").write_text(base64.b64encode(pem_of(portal.certificate).encode()).decode())


def authority(subject: str, *, days: float, key: Any = None) -> tuple[issue.Issuer, str]:
    """A CA of others that ends in so many days, and its key, PEM."""
    key = key or ec_key()
    signer, now = KeyInMemory(key), datetime.now(UTC)
    validity = issue.Validity.lasting(timedelta(days=days), now=now)
    found = issue.root(signer, subject=name(subject), validity=validity, path_length=0, serial=x509.random_serial_number())
    return issue.Issuer(found, signer), private_pem(key)


def device_certificate(issuer: issue.Issuer, device_id: str, *, days: float) -> str:
    """A certificate of a device, PEM."""
    validity = issue.Validity.lasting(timedelta(days=days), now=datetime.now(UTC))
    serial = x509.random_serial_number()
    return pem_of(issue.device(issuer, device_id=device_id, public_key=ec_key().public_key(), validity=validity, serial=serial))


def _request(device_id: str) -> str:
    created = x509.CertificateSigningRequestBuilder().subject_name(name(device_id)).sign(ec_key(), hashes.SHA256())
    return created.public_bytes(serialization.Encoding.PEM).decode()
