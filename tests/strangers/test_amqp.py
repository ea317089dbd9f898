"""Clients of Microsoft's that speak AMQP, unmodified: azure-eventhub and azure-iot-hub. Devices' are in test_samples.py."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_azure_iot import installation
from local_azure_iot.amqp import availability
from tests.kit.azures_ports import named_local_azure, preload
from tests.kit.http_device import device_signature
from tests.kit.hub_client import HubClient
from tests.kit.local_azure import LocalAzure
from tests.kit.prerequisites import need
from tests.kit.repository import ROOT

pytestmark = pytest.mark.stranger

_PYTHON = ROOT / ".strangers" / "amqp" / "bin" / "python"
_DRIVERS = Path(__file__).parent / "drivers"


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAzure]:
    """Local Azure with a hosts file: uamqp knows no proxy."""
    need(availability.available(), availability.MISSING)
    need(_PYTHON.exists(), "azure-eventhub and azure-iot-hub are not installed; `make strangers` installs them")
    with named_local_azure(tmp_path_factory.mktemp("azure")) as found:
        yield found


@pytest.fixture
def registry(azure: LocalAzure) -> Iterator[HubClient]:
    """A hub with a device that connects by key."""
    found = HubClient(azure, azure.hub())
    found.put("press-001", authentication={"type": "sas"})
    yield found
    found.http.close()


def _ran(registry: HubClient, folder: Path, driver: str, *arguments: str, hosts: bool = True) -> list[dict[str, Any]]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **installation.environment(registry.azure.ready, {"HOME": str(folder)})}
    command = [_PYTHON, _DRIVERS / driver, *arguments]
    environment |= preload() if hosts else {}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def _device_key(registry: HubClient) -> str:
    return str(registry.ask("GET", "/devices/press-001").json()["authentication"]["symmetricKey"]["primaryKey"])


def _headers(registry: HubClient) -> dict[str, str]:
    return {"Authorization": device_signature(registry.host, "devices/press-001", _device_key(registry))}


@pytest.mark.parametrize("way", ["tls", "websocket"])
def test_azure_eventhub(registry: HubClient, tmp_path: Path, way: str) -> None:
    """Over TLS with a hosts file, and over WebSockets through the proxy: the event hub, and what the device sent."""
    for number in range(3):
        body = f"{way} {number}".encode()
        registry.ask("POST", "/devices/press-001/messages/events", headers=_headers(registry), content=body).raise_for_status()
    events = registry.azure.ask("GET", registry.hub.id).json()["properties"]["eventHubEndpoints"]["events"]
    policy = f"SharedAccessKeyName=service;SharedAccessKey={registry.key('service')}"
    place = f"Endpoint={events['endpoint']};{policy};EntityPath={events['path']}"
    hub, *found = _ran(registry, tmp_path, "azure_eventhub.py", place, "3", way, hosts=way == "tls")
    assert (hub["eventhub_name"], hub["partition_ids"]) == (events["path"], ["0", "1", "2", "3"])
    assert [each["body"] for each in found] == [f"{way} {number}" for number in range(3)]
    assert {each["device"] for each in found} == {"press-001"}


def test_azure_iot_hub(registry: HubClient, tmp_path: Path) -> None:
    """A cloud-to-device message reaches the device; one to a device that does not exist is refused."""
    found = _ran(registry, tmp_path, "azure_iot_hub.py", registry.connection_string("service"), "press-001", "press-404")
    assert found == [{"device": "press-001", "taken": True}, {"device": "press-404", "taken": False}]
    received = registry.ask("GET", "/devices/press-001/messages/devicebound", headers=_headers(registry))
    assert (received.content, received.headers["iothub-messageid"], received.headers["iothub-app-speed"]) == (b"start", "m1", "3")
