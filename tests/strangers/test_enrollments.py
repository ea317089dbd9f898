"""Third-party clients of a provisioning service, unmodified: enrollments one by one, in bulk and in queries; and a device that is curl."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.device_certificates import Party
from tests.kit.hub_client import HubClient
from tests.kit.local_azure import LocalAzure
from tests.kit.prerequisites import need
from tests.kit.provisioning_client import GLOBAL, ProvisioningClient
from tests.kit.repository import ROOT

pytestmark = pytest.mark.stranger

_DRIVERS = Path(__file__).parent / "drivers"
_PYTHON = ROOT / ".strangers" / "previews" / "bin" / "python"
_NODE = ROOT / ".strangers" / "node" / "node_modules"
_READER = "10745317-c249-44a1-a5ce-3a4353c0bbd8"

# https://learn.microsoft.com/azure/iot-dps/how-to-use-custom-allocation-policies and iot-dps-https-x-509-support, word for word but for
# the names of files and of the device.
REGISTER = """
curl -L -i -X PUT -H 'Content-Type: application/json' -H 'Content-Encoding: utf-8' -d '{"registrationId": "press-001"}' \
  --cert chain.pem --key key.pem \
  "https://$HOST/$SCOPE/registrations/press-001/register?api-version=2019-03-31"
"""
POLL = """
curl -L -i -X GET -H 'Content-Type: application/json' -H 'Content-Encoding: utf-8' --cert chain.pem --key key.pem \
  "https://$HOST/$SCOPE/registrations/press-001/operations/$OPERATION?api-version=2019-03-31"
"""
SEND = """
curl -i -X POST -H 'Content-Type: application/json' -d '{"temperature": 30}' --cert chain.pem --key key.pem \
  "https://$HUB/devices/press-001/messages/events?api-version=2021-04-12"
"""


@pytest.fixture
def service(azure: LocalAzure, environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The environment of `env`, with a new service's connection string, and the file of a CA."""
    made = azure.hub("provisioningServices")
    azure.grant(_READER, made.id)
    (policy,) = azure.ask("POST", f"{made.id}/listkeys").json()["value"]
    host = f"{made.id.rpartition('/')[2]}.azure-devices-provisioning.net"
    (tmp_path / "ca.pem").write_text(Party("Line 7").pem)
    return {
        **environment,
        "DPS": f"HostName={host};SharedAccessKeyName={policy['keyName']};SharedAccessKey={policy['primaryKey']}",
        "CHAIN": str(tmp_path / "ca.pem"),
    }


def _said(command: list[str | Path], environment: dict[str, str]) -> object:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_python_client(service: dict[str, str]) -> None:
    """azure-iot-deviceprovisioning: by key and by Entra token. Its recorded traffic is what local Azure is held to elsewhere."""
    need(_PYTHON.exists(), "azure-iot-deviceprovisioning is not installed; `make strangers` installs it")
    assert _said([_PYTHON, _DRIVERS / "azure_iot_deviceprovisioning.py"], service) == {
        "subject": "CN=Line 7",
        "again": [409, 409202],
        "changed": ["disabled", True],
        "stale": [412, 412001],
        "registrations": [],
        "unregistered": [404, 404201],
        "bulk": {"errors": [], "isSuccessful": True},
        "bulkAgain": {
            "errors": [{"registrationId": "press-000", "errorCode": 409201, "errorStatus": "Enrollment already exists."}],
            "isSuccessful": False,
        },
        "pages": [10, 10, 5],
        "mechanism": ["primaryKey", "secondaryKey"],
        "state": "unassigned",
        "gone": [404, 404201],
        "byToken": ["line-7"],
        "notAllowed": [401, 401002],
    }


def test_the_node_client(service: dict[str, str]) -> None:
    """azure-iot-provisioning-service, through the proxy of the environment."""
    need(
        _NODE.exists() and shutil.which("node"),
        "the Node package azure-iot-provisioning-service is not installed; `make strangers` installs it",
    )
    assert _said(["node", _DRIVERS / "azure_iot_provisioning_service.js"], {**service, "NODE_PATH": str(_NODE)}) == {
        "subject": "CN=Line 7",
        "again": ["DeviceAlreadyExistsError", 409202],
        "changed": ["disabled", True],
        "mechanism": "x509",
        "registrations": [0],
        "created": "press.two",
        "state": "unassigned",
        "unregistered": ["Error", 404201],
        "bulk": True,
        "pages": [6, 5],
        "keys": 2,
        "gone": ["Error", 404201],
        "groups": [0],
    }


@pytest.fixture(scope="module")
def operator(azure: LocalAzure) -> Iterator[ProvisioningClient]:
    """The operator of a provisioning service with a hub."""
    found = ProvisioningClient(azure, azure.hub("provisioningServices"))
    hub = HubClient(azure, azure.hub())
    found.link(hub)
    yield found
    hub.http.close()
    found.http.close()


def _curl(command: str, folder: Path, environment: dict[str, str], **names: str) -> tuple[str, dict[str, str], dict[str, object]]:
    """Status line, headers and JSON of what curl prints with -i; what the proxy said comes before."""
    need(shutil.which("curl"), "curl is not installed")
    line = ["bash", "-c", command]
    done = subprocess.run(line, cwd=folder, env={**environment, **names}, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    *_, head, body = done.stdout.replace("\r\n", "\n").split("\n\n")
    first, *lines = head.splitlines()
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return first, headers, json.loads(body) if body.strip() else {}


@pytest.mark.parametrize("own", [False, True])
def test_a_device_enrols_by_curl_and_publishes(
    operator: ProvisioningClient, environment: dict[str, str], tmp_path: Path, *, own: bool
) -> None:
    """At the name that all devices use, and at the service's own; without an enrollment it reads why not."""
    root = Party(f"Trial root {own}")
    operator.service.put(f"root-{own}", root.pem, isVerified=True)
    leaf = root.device("press-001")
    leaf.files(tmp_path, root)
    names = {"HOST": operator.host if own else GLOBAL, "SCOPE": operator.id_scope}
    first, _, body = _curl(REGISTER, tmp_path, environment, **names)
    assert (first.split()[1], body["errorCode"], body["message"]) == ("401", 401002, "Unauthorized")
    operator.put_group("line", root)
    first, headers, body = _curl(REGISTER, tmp_path, environment, **names)
    assert (first.split()[1], headers["retry-after"], body["status"]) == ("202", "0", "assigning")
    assert headers["location"] == f"https://{names['HOST']}/{operator.id_scope}/registrations/press-001/register"
    while body["status"] == "assigning":
        first, _, body = _curl(POLL, tmp_path, environment, OPERATION=str(body["operationId"]), **names)
    state = body["registrationState"]
    assert isinstance(state, dict)
    assert (first.split()[1], state["status"], state["deviceId"]) == ("200", "assigned", "press-001")
    assert _curl(SEND, tmp_path, environment, HUB=state["assignedHub"])[0].split()[1] == "204"
    (message,) = operator.azure.control("GET", "/messages?device=press-001")[-1:]
    assert message["host"] == state["assignedHub"]
    said = operator.azure.control("GET", "/registrations?device=press-001")
    assert [each["outcome"] for each in said][-3:] == ["refused", "assigning", "assigned"]
    operator.ask("DELETE", "/enrollmentGroups/line").raise_for_status()
