"""docs/adopting.md, run as written: a hub from the portal is adopted, its routes kept, its CA proven, and then released."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_azure_iot import installation
from tests.kit.local_azure import Hub, LocalAzure, local_azure
from tests.kit.program import copied
from tests.kit.repository import ROOT
from tests.kit.root_authority import RootAuthority
from tests.kit.warm_start import warm_engine

_ROUTING = {
    "endpoints": {
        "eventHubs": [{"name": "history", "connectionString": "Endpoint=sb://h/;SharedAccessKeyName=k;SharedAccessKey=a2V5", "id": ""}]
    },
    "routes": [{"name": "to-history", "source": "DeviceMessages", "condition": "true", "endpointNames": ["history"], "isEnabled": True}],
}

_DATA_ROLE = "4fc6c259-987e-4a07-842e-c321cc9d413f"  # IoT Hub Data Contributor


@pytest.fixture
def azure(tmp_path: Path) -> Iterator[LocalAzure]:
    """Local Azure, with immediate deletions."""
    with local_azure(tmp_path, "--retry-after", "0") as found:
        yield found


@pytest.fixture
def authority() -> RootAuthority:
    """The CA of the hub from the portal."""
    return RootAuthority()


@pytest.fixture
def portal(azure: LocalAzure, authority: RootAuthority) -> Hub:
    """A hub with a route, a tag, SAS enabled, and a CA that was attested as verified."""
    group = f"/subscriptions/{azure.ready['subscription_id']}/resourcegroups/portal"
    azure.ask("PUT", group, json={"location": "westeurope"})
    hub = Hub(azure, f"{group.replace('resourcegroups', 'resourceGroups')}/providers/Microsoft.Devices/IotHubs/contoso-hub")
    body = {"location": "westeurope", "sku": {"name": "S2", "capacity": 2}, "tags": {"cost": "4711"}}
    azure.ask("PUT", hub.id, json={**body, "properties": {"routing": _ROUTING}})
    azure.until(lambda: azure.ask("GET", hub.id).json()["properties"].get("state") == "Active")
    hub.put("portal-ca", authority.pem, isVerified=True)
    return hub


class Shell:
    """The program in a folder, and a `pulumi` that is the embedded engine."""

    def __init__(self, folder: Path, azure: LocalAzure, state: Path) -> None:
        state.mkdir(exist_ok=True)
        self.folder = copied(folder, "stacks")
        tools = folder.parent / "tools"
        tools.mkdir(exist_ok=True)
        tool = tools / "pulumi"
        confirmed = 'case "$1" in up|destroy) set -- "$@" --yes --skip-preview;; esac'
        tool.write_text(f'#!/bin/bash\n{confirmed}\nexec {shlex.join(warm_engine())} "$@"\n')
        tool.chmod(0o755)
        path = f"{tools}:{ROOT / 'sandbox/plugins/bin'}:{Path(sys.executable).parent}:/usr/bin:/bin"
        own = {"PULUMI_BACKEND_URL": f"file://{state}", "PULUMI_CONFIG_PASSPHRASE": "x", "PULUMI_HOME": str(folder.parent / "home")}
        self.environment = {
            "PATH": path,
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            "NO_COLOR": "1",
            **own,
            **installation.environment(azure.ready),
        }

    def run(self, lines: str, *, fails: bool = False, **more: str) -> str:
        """Run shell lines; returns the output."""
        done = subprocess.run(
            ["bash", "-euc", lines], cwd=self.folder, env=self.environment | more, capture_output=True, text=True, check=False, timeout=300
        )
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done.stdout + done.stderr


def blocks() -> list[str]:
    """The page's blocks of commands, without those of the az CLI, which tests/docs runs with all others."""
    found = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "adopting.md").read_text(), re.DOTALL)
    return [block for block in found if "az iot" not in block]


def test_the_commands_of_the_adopting_page_work(azure: LocalAzure, portal: Hub, authority: RootAuthority, tmp_path: Path) -> None:
    """Declared, previewed, adopted: proven, and nothing else changed; a second stack is refused; renamed; then released."""
    declare, adopt, prove, release = blocks()
    before = azure.ask("GET", portal.id).json()
    shell = Shell(tmp_path / "program", azure, tmp_path / "state")
    (shell.folder / "ca.pem").write_text(authority.pem)
    (shell.folder / "ca.key").write_text(authority.private_pem)
    shell.run(declare, HUB=portal.id)
    assert azure.ask("GET", portal.id).json() == before
    printed = shell.run(adopt)
    assert "adopted: routes to-history, endpoints history" in printed
    assert '"proof":"key-held"' in printed
    assert '"name":"portal-ca"' in printed
    _kept(azure, portal, before)

    shell.run("pulumi preview --refresh --expect-no-changes")
    tls = shell.run("pulumi config set minTlsVersion 1.2\npulumi preview", fails=True)
    assert "IoT hub 'contoso-hub': its minTlsVersion is not set, and 1.2 is declared" in tls
    assert "Traceback" not in tls
    shell.run("pulumi config rm minTlsVersion")
    etag = portal.certificates()["portal-ca"]["etag"]
    assert f"set reprove to '{etag}'" in printed
    azure.grant(_DATA_ROLE, portal.id)  # somebody gave the deployer the role that the stack declares now
    roles = _roles(azure, portal)
    settings = "pulumi config set --path 'tags[0]' owner=plant\npulumi config set --path 'operators[0]' deployer\n"
    assert "has the role IoT Hub Data Contributor already; it is taken as it is" in shell.run(settings + prove, ETAG=etag)
    assert '"proof":"possession"' in shell.run("pulumi stack output trust")
    _kept(azure, portal, before)
    assert azure.ask("GET", portal.id).json()["tags"]["owner"] == "plant"

    other = declare.replace("init plant", "init other").replace("portal-ca", "theirs")
    second = shell.run(f"{other}pulumi preview", fails=True, HUB=portal.id)
    assert "it belongs to stack 'organization/hubtrust/plant' by its tag 'hubtrust'; release it from that stack first" in second
    assert "Traceback" not in second

    shell.run("pulumi stack select plant")
    _rename(shell, "plant", "renamed")
    shell.run("pulumi config rm operators\npulumi up")
    assert _roles(azure, portal) == roles
    shell.run(release)
    assert azure.ask("GET", portal.id).json()["tags"]["hubtrust"].startswith("organization/hubtrust/renamed ")
    _kept(azure, portal, before)
    assert portal.verified() == {"portal-ca": True}


def _roles(azure: LocalAzure, hub: Hub) -> list[Any]:
    url = f"{hub.id}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01&$filter=atScope()"
    return [one for one in azure.http.get(url, headers=azure.token).json()["value"] if one["properties"]["scope"] == hub.id]


def _rename(shell: Shell, old: str, new: str) -> None:
    """As `pulumi stack rename` does it: every URN, and nothing in inputs and outputs."""
    exported = shell.run("pulumi stack export --show-secrets").replace(f"urn:pulumi:{old}::", f"urn:pulumi:{new}::")
    (shell.folder / "renamed.json").write_text(exported)
    settings = (shell.folder / f"stacks/Pulumi.{old}.yaml").read_text().splitlines()
    shell.run(f"pulumi stack init {new}")
    salt = [line for line in (shell.folder / f"stacks/Pulumi.{new}.yaml").read_text().splitlines() if line.startswith("encryptionsalt")]
    kept = [line for line in settings if not line.startswith("encryptionsalt")]
    (shell.folder / f"stacks/Pulumi.{new}.yaml").write_text("\n".join([*kept, *salt, ""]))
    shell.run("pulumi stack import --file renamed.json")


def _kept(azure: LocalAzure, hub: Hub, before: dict[str, Any]) -> None:
    after = azure.ask("GET", hub.id).json()
    # Azure forgets these at an update that declares the endpoint anew, whoever sends it.
    for answer in (before, after):
        answer["properties"]["eventHubEndpoints"]["events"].pop("partitionIds", None)
    assert {name: after[name] for name in ("properties", "sku", "location")} == {
        name: before[name] for name in ("properties", "sku", "location")
    }
    assert after["tags"].items() >= before["tags"].items()
    assert hub.verified() == {"portal-ca": True}
