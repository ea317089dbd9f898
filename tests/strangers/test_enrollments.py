"""Third-party clients of a provisioning service's service API, unmodified: enrollments one by one and in bulk, queries, registrations."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.kit.device_certificates import Party
from tests.kit.local_azure import LocalAzure
from tests.kit.prerequisites import need
from tests.kit.repository import ROOT

pytestmark = pytest.mark.stranger

_DRIVERS = Path(__file__).parent / "drivers"
_PYTHON = ROOT / ".strangers" / "previews" / "bin" / "python"
_NODE = ROOT / ".strangers" / "node" / "node_modules"
_READER = "10745317-c249-44a1-a5ce-3a4353c0bbd8"


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
