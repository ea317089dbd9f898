"""Prod and a staging cloned from it, both deployed on one local Azure: neither accepts the other's devices, and each is destroyed alone."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from hubtrust.pki import issue
from hubtrust.pki.certificate import load_certificate
from local_azure_iot import installation
from tests.environments.conftest import variables
from tests.kit.authorities import ec_key, lasting, private_pem
from tests.kit.authorities import pem_of as pem
from tests.kit.hub_client import HubClient
from tests.kit.key_stores import Vault
from tests.kit.local_azure import Hub, LocalAzure, local_azure
from tests.kit.mqtt_device import Device
from tests.kit.prerequisites import need_pulumi
from tests.kit.program import copied
from tests.kit.provisioning_client import DATA_CONTRIBUTOR
from tests.kit.repository import ROOT
from tests.kit.warm_start import warm_engine

_PROVISIONING = "  hubtrust:provisioning: true\n  hubtrust:enrollmentGroups: [presses]\n"


@dataclass
class Press:
    """A device: its certificate and its key."""

    certificate: str
    key: str

    def files(self, folder: Path) -> tuple[Path, Path]:
        """For a TLS client."""
        (folder / "press.pem").write_text(self.certificate)
        (folder / "press.key").write_text(self.key)
        return folder / "press.pem", folder / "press.key"


@dataclass
class Place:
    """The program in its own folder, an engine, and the local Azure of both stacks."""

    folder: Path
    azure: LocalAzure
    engine: str
    environment: dict[str, str]
    printed: str = ""

    def pulumi(self, *arguments: str) -> int:
        """Run a command of the engine; returns the exit code."""
        command = [shutil.which("pulumi") or "pulumi"] if self.engine == "pulumi" else warm_engine()
        return self._run([*command, *arguments, "--non-interactive"])

    def make(self, *arguments: str) -> int:
        """`make environment`, as the Makefile calls it."""
        return self._run([sys.executable, "-m", "environments", *arguments, "--engine", self.engine])

    def printed_command(self) -> int:
        """The last line that `make environment` printed, as a user enters it, who then says yes to the preview."""
        command = self.printed.splitlines()[-1].strip()
        return self._run(["sh", "-c", f"{command} --yes --non-interactive"])

    def up(self, stack: str) -> None:
        """Deploy a stack with its policies; this must succeed."""
        pack = ("--policy-pack", "policies", "--policy-pack-config", f"policies/{stack}.json")
        assert self.pulumi("up", "--yes", "--skip-preview", "--stack", stack, *pack) == 0, self.printed

    def hub(self, stack: str) -> Hub:
        """A stack's hub."""
        assert self.pulumi("stack", "output", "--json", "--stack", stack) == 0, self.printed
        found = json.loads(self.printed)
        group = f"/subscriptions/{self.azure.ready['subscription_id']}/resourceGroups/{found['resourceGroupName']}"
        return Hub(self.azure, f"{group}/providers/Microsoft.Devices/IotHubs/{found['hubName']}")

    def device(self, stack: str) -> "Press":
        """`press-001`, signed in the vault by the key of the CA that a stack trusts; the state has no key."""
        assert self.pulumi("stack", "export", "--show-secrets", "--stack", stack) == 0, self.printed
        assert "PRIVATE KEY" not in self.printed
        resources = json.loads(self.printed)["deployment"]["resources"]
        trusted, *_ = (each for each in resources if each["type"].endswith(":VerifiedCertificate"))  # on the hub, and at the service
        signer = json.loads(trusted["inputs"]["signer"]["plaintext"])
        certificate, key = load_certificate(trusted["inputs"]["certificate"], what="the CA"), urlsplit(signer["key"])
        vault, public_key = Vault(self.azure, key.netloc.partition(".")[0]), certificate.public_key()
        assert isinstance(public_key, ec.EllipticCurvePublicKey)
        issuer = issue.Issuer(certificate, vault.signer(key.path.split("/")[2], public_key))
        own, validity = ec_key(), lasting(1, datetime.now(UTC)).within(issuer.certificate)
        return Press(
            pem(issue.device(issuer, device_id="press-001", public_key=own.public_key(), validity=validity, serial=1)), private_pem(own)
        )

    def changes(self) -> list[str]:
        """Calls that changed anything since the log was last cleared."""
        return [f"{call['method']} {call['path']}" for call in self.azure.control("GET", "/requests?mutating=1")]

    def forget(self) -> None:
        """Clear the log."""
        self.azure.control("DELETE", "/requests")

    def _run(self, command: list[str]) -> int:
        result = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        self.printed = result.stdout if result.returncode == 0 else result.stdout + result.stderr
        return result.returncode


@pytest.fixture(params=["embedded", "pulumi"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """For each available engine; prod's stack exists, with a secret of its own, and is not deployed."""
    if request.param == "pulumi":
        need_pulumi()
    folder = copied(tmp_path / "program", "stacks/Pulumi.prod.yaml", "policies", "environments")
    with local_azure(tmp_path, "--retry-after", "0") as azure:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "AZURE_", "ARM_"))}
        path = os.pathsep.join((str(ROOT / "sandbox/plugins/bin"), str(Path(sys.executable).parent), os.environ["PATH"]))
        environment = {**inherited, **installation.environment(azure.ready), **variables(tmp_path), "PATH": path, "PYTHONPATH": str(ROOT)}
        created = Place(folder, azure, request.param, environment)
        (folder / "policies/staging.json").unlink()  # it is made from prod's
        settings = folder / "stacks/Pulumi.prod.yaml"
        settings.write_text(settings.read_text() + "  hubtrust:operators: [deployer]\n  hubtrust:devices: press-001\n" + _PROVISIONING)
        azure.grant(DATA_CONTRIBUTOR)  # no operator is named
        prod = json.loads((folder / "policies/prod.json").read_text())
        prod["shared-keys-off"]["serviceKeys"] = True  # the provisioning service is linked to the hub by a key
        (folder / "policies/prod.json").write_text(json.dumps(prod))
        assert created.pulumi("stack", "init", "prod") == 0, created.printed
        assert created.pulumi("config", "set", "--secret", "other:token", "hunter2", "--stack", "prod") == 0, created.printed
        yield created


def is_let_in(device: Press, hub: Hub, folder: Path) -> bool:
    """Whether the hub takes the device's CONNECT, over TLS and MQTT."""
    client = HubClient(hub.azure, hub, authorization="none")
    with Device(client, device, folder) as line:  # type: ignore[arg-type] # as much of a Party as it asks for
        code = line.connect("press-001")
    client.http.close()
    assert code in {0, 5}
    return code == 0


def test_two_environments_share_nothing(place: Place, tmp_path: Path) -> None:
    """Staging is cloned from the deployed prod; each refuses the other's device; prod can't be destroyed; destroying staging keeps prod."""
    place.up("prod")
    chosen = ("protect=false", "localAuth=true", "minTlsVersion='1.0'", "caRootDays=4000", "caIssuingDays=2000", "devices=press-001")
    assert place.make("prod", "staging", *(word for each in chosen for word in ("--set", each))) == 0, place.printed
    assert "hubtrust-prod -> hubtrust-staging" in place.printed
    assert "hunter2" not in place.printed
    loosened = {line.split()[1] for line in place.printed.splitlines() if line.split()[:1] == ["loosened"]}
    assert loosened == {"hub-protected", "shared-keys-off", "tls-minimum", "authority-lifetime"}
    known = json.loads((place.folder / "policies/staging.json").read_text())["authority-not-shared"]["elsewhere"]["prod"]
    assert len(known["trusts"]) == 1
    assert known.keys() - {"trusts"}, "prod has a root and an issuing CA, and trusts one of them: the other is known too"
    assert place.printed_command() == 0, place.printed
    prods = ("--policy-pack", "policies", "--policy-pack-config", "policies/prod.json")
    assert place.pulumi("preview", "--stack", "staging", *prods) != 0, "prod's own policies take no such stack"
    assert {rule for rule in [*loosened, "required-tags", "authority-not-shared"] if rule in place.printed} == {*loosened, "required-tags"}
    settings = (place.folder / "stacks/Pulumi.staging.yaml").read_text()
    assert "token" not in settings
    assert "encryptionsalt" in settings

    prod, staging = place.hub("prod"), place.hub("staging")
    for stack, own, other in (("prod", prod, staging), ("staging", staging, prod)):
        device = place.device(stack)
        assert is_let_in(device, own, tmp_path)
        assert not is_let_in(device, other, tmp_path), "both hubs have a press-001, and each knows its own by the CA"

    before = prod.certificates()
    place.forget()
    assert place.pulumi("destroy", "--yes", "--stack", "prod") != 0
    assert "protect" in place.printed
    assert place.changes() == []

    assert place.pulumi("destroy", "--yes", "--stack", "staging") == 0, place.printed
    assert place.changes() != []
    assert [call for call in place.changes() if prod.id.lower() in call.lower()] == []
    assert prod.certificates() == before
