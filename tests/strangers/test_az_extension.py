"""The az CLI's extension azure-iot, unmodified, where it is installed. No package registry has it, so CI has it not: the skip says so.

Tried with extension 0.25.0 in az 2.67 (it does not load in az 2.91). HUBTRUST_AZ names that az, AZURE_EXTENSION_DIR the extension's folder.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.azures_ports import named_local_azure, preload
from tests.kit.local_azure import LocalAzure
from tests.strangers.samples import Bench, bench

pytestmark = pytest.mark.stranger

_AZ = os.environ.get("HUBTRUST_AZ", "")
_EXTENSIONS = os.environ.get("AZURE_EXTENSION_DIR", "")
_REASON = (
    "the az extension azure-iot is in no package registry (`az extension add` fetches it from a server of its own); to run this test, "
    "set AZURE_EXTENSION_DIR to the folder with it, and HUBTRUST_AZ to an az that loads it"
)
# Each line may use $hub, a device's id is press-001; `{}` in what is expected is a part of what the command prints.
_LINES = {
    "device-identity create": ("az iot hub device-identity create -n $hub -d press-001 --am x509_ca", "certificateAuthority"),
    "device-identity create --edge-enabled": ("az iot hub device-identity create -n $hub -d gateway --ee", "gateway"),
    "device-identity renew-key": ("az iot hub device-identity renew-key -n $hub -d gateway --kt both", "primaryKey"),
    "device-identity parent set": ("az iot hub device-identity parent set -n $hub -d press-001 --pd gateway", ""),
    "device-identity children list": ("az iot hub device-identity children list -n $hub -d gateway", "press-001"),
    "device-twin update": ("az iot hub device-twin update -n $hub -d press-001 --tags '{\"line\": 7}'", '"line": 7'),
    "query": ('az iot hub query -n $hub -q "SELECT deviceId FROM devices WHERE tags.line = 7"', "press-001"),
    "module-identity create": ("az iot hub module-identity create -n $hub -d gateway -m camera", "camera"),
    "module-twin show": ("az iot hub module-twin show -n $hub -d gateway -m camera", "camera"),
    "configuration list": ("az iot hub configuration list -n $hub", "[]"),
    "device send-d2c-message": ("az iot device send-d2c-message -n $hub -d gateway --data hello", ""),
    "c2d-message send": ("az iot device c2d-message send -n $hub -d gateway --data go", ""),
    "c2d-message receive": ("az iot device c2d-message receive -n $hub -d gateway --complete", "go"),
    "device simulate --protocol http": ("az iot device simulate -n $hub -d gateway --mc 1 --mi 1 --protocol http", ""),
    "device simulate": ("az iot device simulate -n $hub -d gateway --mc 1 --mi 1", ""),
    "monitor-events": ("az iot hub monitor-events -n $hub --timeout 5 --yes --et 1000", "hello"),
    "job list": ("az iot hub job list -n $hub", "[]"),
    "message-route test": ("az iot hub message-route test -n $hub -g $group --source-type DeviceMessages", ""),
    "certificate root-authority show": ("az iot hub certificate root-authority show -n $hub -g $group", "enableRootCertificateV2"),
    "state export": ("az iot hub state export -n $hub -g $group -f state.json -r", ""),
    "show-quota-metrics": ("az iot hub show-quota-metrics -n $hub -g $group", "TotalMessages"),
}  # fmt: skip


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAzure]:
    """With names, for monitor-events, whose uamqp knows no proxy."""
    if not (_AZ and (Path(_EXTENSIONS) / "azure-iot").is_dir()):
        pytest.skip(_REASON)
    with named_local_azure(tmp_path_factory.mktemp("azure"), "--retry-after", "0") as found:
        yield found


@pytest.fixture(scope="module")
def found(azure: LocalAzure, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A hub, and az logged in."""
    made = bench(azure, tmp_path_factory.mktemp("az"))
    _run(made, 'az login --service-principal -u "$AZURE_CLIENT_ID" -p "$AZURE_CLIENT_SECRET" --tenant "$AZURE_TENANT_ID"')
    return made


def _run(made: Bench, line: str) -> str:
    path = f"{Path(_AZ).parent}{os.pathsep}{os.environ['PATH']}"
    where = made.hub.hub.id.split("/")
    own = {"PATH": path, "AZURE_EXTENSION_DIR": _EXTENSIONS, "hub": where[-1], "group": where[4]}
    environment = made.environment | own | preload()
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=made.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_commands_of_the_extension(found: Bench) -> None:
    """One after the other: what each prints, or what it says where it fails."""
    failed = {}
    for name, (line, expected) in _LINES.items():
        try:
            printed = _run(found, line)
        except AssertionError as error:
            failed[name] = str(error)[-700:]
            continue
        if expected not in printed:
            failed[name] = printed[-300:]
    assert not failed, json.dumps(failed, indent=1)
