"""The real program with an imported CA: a root in its file that has expired keeps no run from taking a stolen device off."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.test_adopting import _DATA_ROLE, Shell
from tests.kit.authorities import Forged, pem_of, private_pem
from tests.kit.hub_client import HubClient
from tests.kit.local_azure import LocalAzure, local_azure

NOW, DAY = datetime.now(UTC).replace(microsecond=0), timedelta(days=1)
SETTINGS = """
pulumi stack init plant
pulumi config set azure-native:location westeurope
pulumi config set existingHub "$HUB"
pulumi config set caSource import
pulumi config set caChainFile ca.pem
pulumi config set caKeyFile ca.key
pulumi config set devices 'press-{001..003}'
pulumi config set canary press-001
pulumi up --yes
"""


@pytest.fixture
def azure(tmp_path: Path) -> Iterator[LocalAzure]:
    """Local Azure, with immediate deletions."""
    with local_azure(tmp_path, "--retry-after", "0") as found:
        yield found


def test_a_stolen_device_is_taken_off(azure: LocalAzure, tmp_path: Path) -> None:
    """The CA is proven and a device below it connects; then a device leaves the roster, and the next run changes nothing."""
    root = Forged(subject="Quarry Root", start=NOW - 900 * DAY, end=NOW - DAY)
    issuing = Forged(subject="Quarry Issuing", issuer=root, start=NOW - 9 * DAY, end=NOW + 900 * DAY)
    hub = azure.hub()
    azure.grant(_DATA_ROLE, hub.id)
    shell = Shell(tmp_path / "program", azure, tmp_path / "state")
    (shell.folder / "ca.pem").write_text(pem_of(root.certificate, issuing.certificate), encoding="utf-8")
    (shell.folder / "ca.key").write_text(private_pem(issuing.key), encoding="utf-8")
    printed = shell.run(SETTINGS, HUB=hub.id)
    assert "'CN=Quarry Root'" in printed
    assert "it expired on" in printed
    outputs = shell.run("pulumi stack output trust\npulumi stack output connection")
    assert '"proof":"possession"' in outputs
    assert '"state":"connected"' in outputs
    printed = shell.run("pulumi config set devices 'press-{001..002}'\npulumi up --yes")
    assert "devices connect anyway, because nothing above the trusted certificate is judged" in printed
    client = HubClient(azure, hub)
    with client.http:
        found = [one["deviceId"] for page in client.query("SELECT deviceId FROM devices") for one in page]
    assert sorted(found) == ["press-001", "press-002"]
    shell.run("pulumi preview --refresh --expect-no-changes")
