"""A project with a deployed stack. The embedded engine runs once: the tests of settings need only its answers."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from environments.engine import Engine
from policies.rules.certificate import Certificate
from tests.kit.authorities import Hierarchy, hierarchy
from tests.kit.repository import ROOT

SERVICE = "/subscriptions/s/resourceGroups/hubtrust-prod1a2b/providers/Microsoft.Devices/provisioningServices/hubtrust-dps1a"
HUB = "/subscriptions/s/resourceGroups/hubtrust-prod1a2b/providers/Microsoft.Devices/IotHubs/hubtrust-prod3c4d"


@dataclass(frozen=True)
class Remembered(Engine):
    """The real engine's answers, recorded once."""

    answers: dict[str, Any] = field(default_factory=dict)

    def stacks(self) -> set[str]:
        """The recorded answer."""
        return set(self.answers["stacks"])

    def resources(self, stack: str) -> list[dict[str, Any]]:
        """The recorded answer for each stack."""
        found: list[dict[str, Any]] = self.answers[stack]
        return found


@dataclass
class Project:
    """A folder with settings, and the CA that its stack `prod` trusts."""

    folder: Path
    engine: Engine
    authority: Hierarchy

    def write(self, stack: str, **settings: Any) -> None:
        """A stack's settings: keys of the project."""
        lines = [f"  hubtrust:{name}: {json.dumps(value)}" for name, value in settings.items()]
        (self.folder / f"stacks/Pulumi.{stack}.yaml").write_text("config:\n  azure-native:location: westeurope\n" + "\n".join(lines) + "\n")

    def policies(self, stack: str, settings: Mapping[str, Any]) -> None:
        """An environment's policy settings."""
        folder = self.folder / "policies"
        folder.mkdir(exist_ok=True)
        (folder / f"{stack}.json").write_text(json.dumps(settings))


def run(folder: Path, *arguments: str, environment: dict[str, str]) -> str:
    """A command of the embedded engine that must succeed."""
    command = [sys.executable, "-m", "sandbox.engine", *arguments, "--cwd", str(folder), "--non-interactive"]
    env = {**os.environ, **environment, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def variables(folder: Path) -> dict[str, str]:
    """A separate backend and passphrase."""
    (folder / "state").mkdir(exist_ok=True)
    found = {"PULUMI_BACKEND_URL": f"file://{folder / 'state'}", "PULUMI_CONFIG_PASSPHRASE": "a trial", "PULUMI_HOME": str(folder / "home")}
    return found | {"PULUMI_SKIP_UPDATE_CHECK": "true", "NO_COLOR": "1"}


@pytest.fixture(scope="session")
def authority() -> Hierarchy:
    """The CA of the deployed stack."""
    return hierarchy()


@pytest.fixture(scope="session")
def answers(tmp_path_factory: pytest.TempPathFactory, authority: Hierarchy) -> dict[str, Any]:
    """The embedded engine's answers for a stack with a hub and a trusted CA, and for an empty one."""
    folder = tmp_path_factory.mktemp("known")
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    (folder / "stacks").mkdir()
    (folder / ".venv").symlink_to(sys.prefix)
    environment = variables(folder)
    for stack in ("prod", "empty"):
        run(folder, "stack", "init", stack, environment=environment)
    state = json.loads(run(folder, "stack", "export", "--stack", "prod", environment=environment))
    state["deployment"]["resources"] = _resources(authority.issuing.certificate)
    (folder / "state.json").write_text(json.dumps(state))
    run(folder, "stack", "import", "--stack", "prod", "--file", str(folder / "state.json"), environment=environment)
    names = [each["name"] for each in json.loads(run(folder, "stack", "ls", "--json", environment=environment))]
    exported = {
        stack: json.loads(run(folder, "stack", "export", "--stack", stack, environment=environment))["deployment"].get("resources") or []
        for stack in ("prod", "empty")
    }
    return {"stacks": names, **exported}


@pytest.fixture
def project(tmp_path: Path, answers: dict[str, Any], authority: Hierarchy) -> Project:
    """A fresh folder with prod's settings."""
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    (tmp_path / "stacks").mkdir()
    created = Project(tmp_path, Remembered(tmp_path, ("pulumi",), answers), authority)
    created.write("prod", name="hubtrust-prod", caName="hubtrust prod")
    created.write("empty")
    return created


def _resources(certificate: x509.Certificate) -> list[dict[str, Any]]:
    def one(token: str, name: str, outputs: dict[str, Any]) -> dict[str, Any]:
        return {"urn": f"urn:pulumi:prod::hubtrust::{token}::{name}", "custom": True, "id": name, "type": token, "outputs": outputs}

    trusted = {"serviceId": HUB, "keyThumbprint": Certificate(certificate.public_bytes(serialization.Encoding.DER)).thumbprints()["key"]}
    return [
        one("azure-native:resources:ResourceGroup", "group", {"name": "hubtrust-prod1a2b"}),
        one("azure-native:iothub:IotHubResource", "hub", {"name": "hubtrust-prod3c4d"}),
        one("azure-native:deviceprovisioningservices:IotDpsResource", "dps", {"name": "hubtrust-dps1a"}),
        one("pulumi-python:dynamic/hubtrust:VerifiedCertificate", "trust-dps", {**trusted, "serviceId": SERVICE}),
        one("pulumi-python:dynamic/hubtrust:VerifiedCertificate", "trust", trusted),
    ]
