"""The az CLI's extension azure-iot, unmodified, where it is installed. No package registry has it, so CI has it not: the skip says so.

Tried with extension 0.25.0 in az 2.67 (it does not load in az 2.91). HUBTRUST_AZ names that az, AZURE_EXTENSION_DIR the extension's folder.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from string import Template

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
# At the provisioning service $dps, to which $hub is linked.
_AT, _KEYS = "-g $group --dps-name $dps", "--auth-type key"
_ENTRA, _TAGS = "--auth-type login", """'{"site": "a"}'"""
_GROUP_KEY = f'"$(az iot dps enrollment-group show {_AT} --eid by-key --keys --query attestation.symmetricKey.primaryKey -o tsv)"'
_ENROLLMENTS = {
    "dps create": ("az iot dps create -n $dps -g $group -l westus", "idScope"),
    "dps linked-hub create": ('az iot dps linked-hub create -g $group --dps-name $dps --connection-string "$HUB" -l westus', "$hub"),
    "dps certificate create": (f"az iot dps certificate create {_AT} -n root -p root.pem --verified true", '"isVerified": true'),
    "dps connection-string show": ("az iot dps connection-string show -n $dps -g $group", "HostName=$dps.azure-devices-provisioning.net"),
    "enrollment-group create --ca-name": (f"az iot dps enrollment-group create {_AT} --eid by-name --cn root", '"primary": "root"'),
    "enrollment-group create --cp": (
        f"az iot dps enrollment-group create {_AT} --eid line-7 --cp root.pem --ap hashed --ih $host --initial-twin-tags {_TAGS}",
        '"site": "a"',
    ),
    "enrollment-group update": (f"az iot dps enrollment-group update {_AT} --eid line-7 --ps disabled --rp never {_KEYS}", '"disabled"'),
    "enrollment-group update --scp": (f"az iot dps enrollment-group update {_AT} --eid line-7 --rc --scp root.pem", "sha256Thumbprint"),
    "enrollment-group update --ca-name": (f"az iot dps enrollment-group update {_AT} --eid line-7 --cn root", '"primary": "root"'),
    "enrollment-group create by key": (f"az iot dps enrollment-group create {_AT} --eid by-key", "primaryKey"),
    "enrollment-group show --keys": (f"az iot dps enrollment-group show {_AT} --eid by-key --keys", "primaryKey"),
    "enrollment-group compute-device-key": (
        f"az iot dps enrollment-group compute-device-key {_AT} --eid by-key --registration-id press-002", "=",
    ),
    "enrollment-group list": (f"az iot dps enrollment-group list {_AT}", "by-name"),
    "enrollment-group registration list": (f"az iot dps enrollment-group registration list {_AT} --eid line-7", "[]"),
    "enrollment create": (
        f"az iot dps enrollment create {_AT} --eid press-001 --at x509 --cp chain.pem --device-id press.one --info '{{\"made\": 2026}}'",
        '"made": 2026',
    ),
    "enrollment update": (f"az iot dps enrollment update {_AT} --eid press-001 --ps disabled", '"disabled"'),
    "enrollment update --rc": (
        f"az iot dps enrollment update {_AT} --eid press-001 --ps enabled --scp chain.pem --rc", '"primary": null',
    ),
    "device registration create": (
        f"az iot device registration create {_AT} --registration-id press-001 --cp chain.pem --kp key.pem", "press.one",
    ),
    "device registration create by key": (
        f"az iot device registration create {_AT} --registration-id press-004 --group-id by-key --compute-key --symmetric-key {_GROUP_KEY}",
        "assigned",
    ),
    "enrollment-group registration show": (f"az iot dps enrollment-group registration show {_AT} --registration-id press-004", "$host"),
    "enrollment-group registration list, one": (f"az iot dps enrollment-group registration list {_AT} --eid by-key", "press-004"),
    "enrollment registration delete": (f"az iot dps enrollment registration delete {_AT} --eid press-001", ""),
    "enrollment create by key": (f"az iot dps enrollment create {_AT} --eid press-002 --at symmetrickey", "primaryKey"),
    "enrollment create by tpm": (f"az iot dps enrollment create {_AT} --eid press-003 --at tpm --ek AToAAQALAAMAsgAg", "AToAAQALAAMAsgAg"),
    "enrollment show --keys": (f"az iot dps enrollment show {_AT} --eid press-002 --keys", "primaryKey"),
    "enrollment list": (f"az iot dps enrollment list {_AT}", "press-003"),
    "role assignment create": (
        'az role assignment create --assignee "$AZURE_CLIENT_ID" --role dfce44e4-17b7-4bd1-a6d1-04996ec95633 --scope "$scope"',
        "dfce44e4-17b7-4bd1-a6d1-04996ec95633",
    ),
    "enrollment list --auth-type login": (f"az iot dps enrollment list {_AT} {_ENTRA}", "press-003"),
    "enrollment delete": (f"az iot dps enrollment delete {_AT} --eid press-003 {_ENTRA}", ""),
    "enrollment-group delete": (f"az iot dps enrollment-group delete {_AT} --eid line-7", ""),
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


def _names(made: Bench) -> dict[str, str]:
    where = made.hub.hub.id.split("/")
    dps = f"{where[-1]}-dps"
    scope = "/".join([*where[:-2], "provisioningServices", dps])
    return {"hub": where[-1], "group": where[4], "host": made.hub.host, "dps": dps, "scope": scope}


def _run(made: Bench, line: str) -> str:
    path = f"{Path(_AZ).parent}{os.pathsep}{os.environ['PATH']}"
    environment = made.environment | {"PATH": path, "AZURE_EXTENSION_DIR": _EXTENSIONS} | _names(made) | preload()
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


@pytest.mark.parametrize("lines", [_LINES, _ENROLLMENTS], ids=["hub", "enrollments"])
def test_the_commands_of_the_extension(found: Bench, lines: dict[str, tuple[str, str]]) -> None:
    """One after the other: what each prints, or what it says where it fails."""
    failed = {}
    for name, (line, expected) in lines.items():
        try:
            printed = _run(found, line)
        except AssertionError as error:
            failed[name] = str(error)[-700:]
            continue
        if Template(expected).safe_substitute(_names(found)) not in printed:
            failed[name] = printed[-300:]
    assert not failed, json.dumps(failed, indent=1)
