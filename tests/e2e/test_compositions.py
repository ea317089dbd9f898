"""The compositions of examples/, each as its reader would run it, on each engine that is installed: the second run changes nothing."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from local_azure_iot import installation
from tests.kit.embedded_engine import PATIENCE, engine
from tests.kit.hub_client import HubClient, data_token
from tests.kit.local_azure import Hub, LocalAzure, local_azure
from tests.kit.prerequisites import need_pulumi
from tests.kit.repository import ROOT


@dataclass
class Stacks:
    """Stacks side by side on one backend and one local Azure; `dev` is the name of each."""

    engine: str
    place: Path
    variables: Mapping[str, str] = field(repr=False)

    def run(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the engine on the project in ``folder``."""
        command = [*arguments, "--cwd", str(folder), "--stack", "dev"]
        if self.engine == "embedded":
            return engine(command, self.variables)
        return subprocess.run(
            ["pulumi", *command, "--non-interactive"], env=self.variables, capture_output=True, text=True, check=False, timeout=PATIENCE
        )

    def add(self, example: str, **config: str) -> Path:
        """Copy an example, create its stack and set its configuration; returns the project's folder."""
        folder = self.place / "examples" / example
        shutil.copytree(ROOT / "examples" / example, folder, ignore=shutil.ignore_patterns("Pulumi.*.yaml", "__pycache__"))
        self.must(folder, "stack", "init")
        self.set(folder, **{"azure-native:location": "westeurope"}, **config)
        return folder

    def set(self, folder: Path, **config: str) -> None:
        """Set keys of the configuration."""
        for key, value in config.items():
            self.must(folder, "config", "set", key, value)

    def must(self, folder: Path, *arguments: str) -> str:
        """Run a command that must succeed; returns what it prints."""
        done = self.run(folder, *arguments)
        assert done.returncode == 0, f"{folder.name} {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def up(self, folder: Path, *flags: str) -> dict[str, Any]:
        """Deploy it; returns the outputs."""
        self.must(folder, "up", "--yes", "--skip-preview", *flags)
        found: dict[str, Any] = json.loads(self.must(folder, "stack", "output", "--json"))
        return found

    def twice(self, folder: Path) -> dict[str, Any]:
        """Deploy it; a preview of a second run, which refreshes as `up` does, changes nothing."""
        outputs = self.up(folder)
        self.must(folder, "preview", "--expect-no-changes")
        return outputs

    def fails(self, folder: Path, *arguments: str) -> list[str]:
        """The lines with errors of a run that fails."""
        done = self.run(folder, *arguments)
        said = done.stdout + done.stderr
        assert done.returncode != 0, said
        # Pulumi's CLI interrupts a program that still waits for a resource, and shows where it was: docs/compositions.md, "To run one".
        assert "Traceback" not in said or (self.engine == "pulumi" and "KeyboardInterrupt" in said), said
        return [line.strip() for line in said.splitlines() if "error:" in line]


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAzure]:
    """One local Azure for all stacks, with immediate deletions."""
    with local_azure(tmp_path_factory.mktemp("azure"), "--retry-after", "0") as found:
        yield found


@pytest.fixture(scope="module", params=["embedded", "pulumi"])
def stacks(request: pytest.FixtureRequest, azure: LocalAzure, tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    """A backend for the stacks of all tests."""
    if request.param == "pulumi":
        need_pulumi()
    place = tmp_path_factory.mktemp("stacks")
    (place / "state").mkdir()
    (place / ".venv").symlink_to(sys.prefix)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI")}
    path = os.pathsep.join((str(ROOT / "sandbox" / "plugins" / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]))
    variables = {
        **inherited,
        **installation.environment(azure.ready),
        "PATH": path,
        "PYTHONPATH": str(ROOT),
        "PULUMI_BACKEND_URL": f"file://{place / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "a trial",
        "PULUMI_HOME": str(place / "pulumi"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "NO_COLOR": "1",
    }
    return Stacks(str(request.param), place, variables)


def _proofs(trust: list[dict[str, Any]]) -> list[str]:
    return [one["proof"] for one in trust]


def test_a_declared_hub_and_one_of_another_stack(stacks: Stacks, azure: LocalAzure) -> None:
    """A hub of the program, then a second stack's CA on it by its id alone; each stack owns its certificate."""
    declared = stacks.twice(stacks.add("declared-hub"))
    assert _proofs(declared["trust"]) == ["possession"]
    referenced = stacks.add("referenced-hub", hubStack="organization/declared-hub/dev")
    outputs = stacks.twice(referenced)
    certificates = azure.ask("GET", f"{declared['hubId']}/certificates").json()["value"]
    assert {one["name"] for one in certificates if one["properties"]["isVerified"]} == {
        declared["trust"][0]["name"],
        outputs["trust"][0]["name"],
    }
    stacks.must(referenced, "destroy", "--yes", "--skip-preview")
    assert [one["name"] for one in azure.ask("GET", f"{declared['hubId']}/certificates").json()["value"]] == [declared["trust"][0]["name"]]


def test_two_hubs_and_two_authorities(stacks: Stacks) -> None:
    """One CA is proven on each of two hubs by a proof of its own, and two CAs on one hub."""
    hubs = stacks.twice(stacks.add("two-hubs"))
    assert _proofs(hubs["west"] + hubs["north"]) == ["possession", "possession"]
    assert hubs["west"][0]["thumbprint"] == hubs["north"][0]["thumbprint"]
    authorities = stacks.twice(stacks.add("two-authorities"))
    assert _proofs(authorities["trust"]) == ["possession", "possession"]
    assert len({one["thumbprint"] for one in authorities["trust"]}) == 2


def test_two_teams(stacks: Stacks) -> None:
    """The chain goes to the hub's team, the code comes back, and then the proof: four runs, and then nothing changes."""
    authority = stacks.add("two-teams/authority")
    first = stacks.up(authority)
    assert first.get("proof") is None
    hub = stacks.add("two-teams/hub", authorityStack="organization/two-teams-authority/dev")
    waiting = stacks.up(hub)
    assert (waiting["trust"][0]["state"], len(waiting["code"])) == ("waiting", 48)
    stacks.set(authority, hubStack="organization/two-teams-hub/dev")
    assert "BEGIN CERTIFICATE" in stacks.up(authority)["proof"]
    proven = stacks.up(hub)
    assert (proven["trust"][0]["state"], proven["trust"][0]["proof"], proven.get("code")) == ("verified", "possession", None)
    for folder in (authority, hub):
        stacks.must(folder, "preview", "--expect-no-changes")
    assert "PRIVATE KEY" not in stacks.must(hub, "stack", "export", "--show-secrets"), "the key never leaves the CA's stack"


def test_a_provisioning_service_of_another_team(stacks: Stacks, azure: LocalAzure) -> None:
    """Our CA is proven there alone, a device below it enrols and connects to their hub, and what is ours goes without theirs."""
    theirs = stacks.up(stacks.add("provisioning/services"))
    folder = stacks.add("provisioning/devices", servicesStack="organization/provisioning-services/dev")
    ours = stacks.twice(folder)
    assert _proofs(ours["trust"]) == ["possession"]
    assert ours["enrollment"]["state"] == "connected"
    assert azure.ask("GET", f"{theirs['hubId']}/certificates").json()["value"] == []
    stacks.must(folder, "destroy", "--yes", "--skip-preview")
    assert azure.ask("GET", f"{theirs['serviceId']}/certificates").json()["value"] == []
    (link,) = azure.ask("GET", theirs["serviceId"]).json()["properties"]["iotHubs"]
    assert link["name"].partition(".")[0] == theirs["hubId"].rpartition("/")[2]


def test_a_private_hub(stacks: Stacks, azure: LocalAzure) -> None:
    """Private, routed, with an identity; the CA's keys are in a vault of the same `up`, its proof goes through Resource Manager alone."""
    azure.control("DELETE", "/requests")
    folder = stacks.add("private-hub")
    assert len((folder / "__main__.py").read_text().splitlines()) <= 25
    outputs = stacks.twice(folder)
    assert _proofs(outputs["trust"]) == ["possession"]
    assert outputs["connection"]["state"] == "not checked"
    assert "public network access is disabled" in outputs["connection"]["reason"]
    asked = {call["host"] for call in azure.control("GET", "/requests")}
    assert not any(host.endswith(".azure-devices.net") for host in asked), asked
    (hub,) = [
        one
        for one in json.loads(stacks.must(folder, "stack", "export"))["deployment"]["resources"]
        if one["type"].endswith("IotHubResource")
    ]
    found = azure.ask("GET", hub["id"]).json()
    assert (found["properties"]["publicNetworkAccess"], found["identity"]["type"]) == ("Disabled", "SystemAssigned")
    assert [route["name"] for route in found["properties"]["routing"]["routes"]] == ["presses"]
    assert "PRIVATE KEY" not in stacks.must(folder, "stack", "export", "--show-secrets"), "the keys are in the vault"


def test_edge(stacks: Stacks, azure: LocalAzure) -> None:
    """A device below an IoT Edge gateway, and a module of it with a certificate for both ids; a secret reaches the twin, not the state."""
    folder = stacks.add("edge")
    stacks.must(folder, "config", "set", "--secret", "wifiKey", "a-secret-of-the-plant")
    outputs = stacks.twice(folder)
    scope = outputs["gatewayScope"]
    assert scope.startswith("ms-azure-iot-edge://gateway-")
    subjects = [
        x509.load_pem_x509_certificates(outputs[one].encode())[0].subject.rfc4514_string() for one in ("cameraChain", "analysisChain")
    ]
    assert subjects == ["CN=camera-01", "CN=gateway/analysis"]
    state = "".join(file.read_text() for file in (stacks.place / "state").rglob("*.json") if "/edge/" in str(file))
    assert "camera-01" in state
    assert "a-secret-of-the-plant" not in state
    registry = HubClient(azure, Hub(azure, outputs["hubId"]), data_token(azure))
    with registry.http:
        camera = registry.ask("GET", "/twins/camera-01").raise_for_status().json()
        module = registry.ask("GET", "/twins/gateway/modules/analysis").raise_for_status().json()
    assert (camera["parentScopes"], camera["tags"]["gateway"]) == ([scope], "gateway")
    assert camera["properties"]["desired"]["wifi"] == {"key": "a-secret-of-the-plant"}
    assert module["tags"]["model"] == 4


_HEAD = """import pulumi
from hubtrust import CertificateAuthority, Generate, TrustedHub

other = pulumi.StackReference("organization/declared-hub/dev")
plant = CertificateAuthority("plant", source=Generate(common_name="Plant"))
"""
_ELSEWHERE = "/subscriptions/00000000-0000-0000-0000-000000000007/resourceGroups/g/providers/Microsoft.Devices/IotHubs/hub-7"
# The command, the last line of the program, and what its error says. Other wrong values: tests/components.
_BAD = (
    (
        "preview",
        'TrustedHub("t", hub=other.get_output("hubID"), authorities=[plant])',
        "it is None, as the output of a stack that does not",
    ),
    ("preview", 'plant.prove("hub", other.get_output("hubId"))', "is not a verification code .48 hex digits.; give the output `code`"),
    (
        "up",
        f'TrustedHub("t", hub="{_ELSEWHERE}", authorities=[plant])',
        "SubscriptionNotFound: .*; check the subscription id and the tenant",
    ),
)
_AT_ONCE = ("--yes", "--skip-preview")


def test_bad_compositions(stacks: Stacks, azure: LocalAzure) -> None:
    """Each ends in one true line; and so does a hub that its own team has deleted: this team's next run says what is gone."""
    declared = stacks.place / "examples" / "declared-hub"
    hub_id = stacks.up(declared if declared.exists() else stacks.add("declared-hub"))["hubId"]
    folder = stacks.place / "bad"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: bad\nruntime: python\n")
    (folder / "__main__.py").write_text(_HEAD)
    stacks.must(folder, "stack", "init")
    stacks.set(folder, **{"azure-native:location": "westeurope"})
    for verb, line, fact in _BAD:
        (folder / "__main__.py").write_text(f"{_HEAD}{line}\n")
        errors = stacks.fails(folder, verb, *(_AT_ONCE if verb == "up" else ()))
        assert any(re.search(fact, error) for error in errors), (line, errors)
    (folder / "__main__.py").write_text(f'{_HEAD}TrustedHub("t", hub=other.get_output("hubId"), authorities=[plant])\n')
    stacks.up(folder)
    Hub(azure, hub_id).delete_hub()
    errors = stacks.fails(folder, "up", *_AT_ONCE, "--refresh")
    assert any(re.search(f"certificate .* on IoT hub '{hub_id.rpartition('/')[2]}': Azure answers 404 404002", line) for line in errors), (
        errors
    )
    stacks.must(folder, "destroy", *_AT_ONCE)
