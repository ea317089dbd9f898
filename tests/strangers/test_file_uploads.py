"""Devices over HTTPS, and uploads into Azurite: Microsoft's Node and Python device SDKs, unmodified."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.kit.azurite import BlobStore, azurite
from tests.kit.hub_client import HubClient
from tests.kit.local_azure import LocalAzure
from tests.kit.prerequisites import need
from tests.kit.repository import ROOT

pytestmark = pytest.mark.stranger
_DRIVERS = Path(__file__).parent / "drivers"
_NODE = ROOT / ".strangers" / "node" / "node_modules"
_PYTHON = ROOT / ".strangers" / "device" / "bin" / "python"


@pytest.fixture(scope="module")
def store(azure: LocalAzure) -> Iterator[BlobStore]:
    """A blob store with the container `files`."""
    with azurite(azure.ready["ca_file"]) as found:
        found.create_container("files")
        yield found


@pytest.fixture
def registry(azure: LocalAzure, store: BlobStore) -> Iterator[HubClient]:
    """A hub that uploads into the store, and its device `press-001`, which connects by key."""
    found = HubClient(azure, azure.hub())
    endpoint = {"connectionString": store.connection_string, "containerName": "files"}
    found.hub.set_properties(storageEndpoints={"$default": endpoint}, enableFileUploadNotifications=True)
    with found.http:
        yield found


def connection_string(registry: HubClient) -> str:
    """That of a new device."""
    created = registry.put("press-001", authentication={"type": "sas"})
    return f"HostName={registry.host};DeviceId=press-001;SharedAccessKey={created['authentication']['symmetricKey']['primaryKey']}"


def run(command: list[Any], **environment: str) -> dict[str, Any]:
    """The JSON line of a driver that must succeed."""
    done = subprocess.run(
        list(map(str, command)), env={"PATH": os.environ["PATH"], **environment}, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def notification(registry: HubClient) -> dict[str, Any]:
    """The oldest notification of an upload, completed."""
    answer = registry.ask("GET", "/messages/serviceBound/filenotifications").raise_for_status()
    token = answer.headers["etag"].strip('"')
    registry.ask("DELETE", f"/messages/serviceBound/filenotifications/{token}").raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def test_node_over_https(registry: HubClient, store: BlobStore, azure: LocalAzure) -> None:
    """An event with properties, a batch, a cloud-to-device message that is completed, an upload."""
    need(
        shutil.which("node") and (_NODE / "azure-iot-device-http").exists(), "azure-iot-device-http is not installed; run `make strangers`"
    )
    device = connection_string(registry)
    wanted = {
        "host": registry.host,
        "device": "press-001",
        "payload": base64.b64encode(b"to you").decode(),
        "messageId": "7",
        "ack": "full",
    }
    azure.control("POST", "/messages", wanted | {"properties": {"colour": "red"}})
    answer = run(
        ["node", _DRIVERS / "azure_iot_device_http.js"],
        DEVICE=device, NODE_PATH=str(_NODE), NODE_EXTRA_CA_CERTS=azure.ready["ca_file"],
        GLOBAL_AGENT_HTTPS_PROXY=azure.ready["proxy"], GLOBAL_AGENT_NO_PROXY="127.0.0.1",
    )  # fmt: skip
    assert answer["received"] == {
        "data": "to you", "id": "7", "properties": [{"key": "iothub-app-colour", "value": "red"}], "error": None,
    }  # fmt: skip
    sent = azure.control("GET", "/messages?device=press-001&payload=1")
    events = [each for each in sent if each["host"] == registry.host]
    assert [base64.b64decode(each["payload"]) for each in events] == [b"from azure-iot-device-http", b"one", b"two"]
    assert events[0]["properties"] == {"temperatureAlert": "true"}
    assert events[0]["system"] == {"message-id": "m1", "content-type": "application/json"}
    assert store.read("files/press-001/folder/file.txt") == b"a file"
    told = notification(registry)
    assert {name: told[name] for name in ("deviceId", "blobName", "blobSizeInBytes")} == {
        "deviceId": "press-001", "blobName": "press-001/folder/file.txt", "blobSizeInBytes": 6,
    }  # fmt: skip
    feedback = registry.ask("GET", "/messages/serviceBound/feedback").json()
    assert [(each["originalMessageId"], each["statusCode"]) for each in feedback] == [("7", "Success")]


def test_python_uploads(registry: HubClient, store: BlobStore, azure: LocalAzure) -> None:
    need(_PYTHON.exists(), "azure-iot-device is not installed; run `make strangers`")
    proxy = urlsplit(azure.ready["proxy"])
    answer = run(
        [_PYTHON, _DRIVERS / "azure_iot_device_upload.py"],
        DEVICE=connection_string(registry), CA=azure.ready["ca_file"], PROXY_HOST=str(proxy.hostname), PROXY_PORT=str(proxy.port),
    )  # fmt: skip
    assert answer == {"blob": "press-001/report.txt"}
    assert store.read("files/press-001/report.txt") == b"a report"
    assert notification(registry)["blobUri"] == f"{store.endpoint}/files/press-001/report.txt"
