"""Imports and exports of devices with Azurite as the blob store, and what is refused of them."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.kit.azurite import BlobStore, azurite
from tests.kit.hub_client import HubClient
from tests.kit.local_azure import LocalAzure

pytestmark = pytest.mark.stranger


@pytest.fixture(scope="module")
def blobs(azure: LocalAzure) -> Iterator[BlobStore]:
    """Azurite."""
    with azurite(azure.ready["ca_file"]) as found:
        yield found


def _run(registry: HubClient, **members: Any) -> dict[str, Any]:
    job = registry.ask("POST", "/jobs/create", json=members).raise_for_status().json()
    assert job["status"] == "enqueued"
    return _over(registry, job["jobId"])


def _over(registry: HubClient, job: str) -> dict[str, Any]:
    def found() -> dict[str, Any]:
        answer: dict[str, Any] = registry.ask("GET", f"/jobs/{job}").raise_for_status().json()
        return answer

    registry.azure.until(lambda: found()["status"] in {"completed", "failed", "cancelled"})
    return found()


def test_a_hub_moves_to_another_one(registry: HubClient, blobs: BlobStore) -> None:
    """All devices, modules and configurations with keys, twins and parents; a second import of the same changes nothing."""
    edge = registry.put("edge", capabilities={"iotEdge": True}, authentication={"type": "sas"})
    registry.put("leaf", deviceScope=edge["deviceScope"])
    registry.put("camera", deviceScope=edge["deviceScope"], status="disabled", statusReason="holiday")  # before its parent in the export
    registry.bulk(*({"id": f"d-{n:03}", "tags": {"n": n}} for n in range(99))).raise_for_status()
    registry.bulk(*({"id": f"e-{n:03}"} for n in range(99))).raise_for_status()
    desired = {"tags": {"hall": 3}, "properties": {"desired": {"speed": 2}}}
    registry.ask("PATCH", "/twins/leaf", json=desired).raise_for_status()
    registry.ask("PUT", "/devices/leaf/modules/camera", json={"deviceId": "leaf", "moduleId": "camera", "managedBy": "us"})
    registry.ask("PATCH", "/twins/leaf/modules/camera", json=desired).raise_for_status()
    configuration = {"id": "chill", "content": {"deviceContent": {"properties.desired.chill": 1}}, "targetCondition": "tags.hall = 3"}
    registry.ask("PUT", "/configurations/chill", json=configuration).raise_for_status()
    container = blobs.create_container("moved")
    done = _run(registry, type="export", outputBlobContainerUri=container, excludeKeysInExport=False, includeConfigurations=True)
    assert (done["status"], done["progress"], done["type"], done.get("failureReason")) == ("completed", 100, "export", None)
    lines = [json.loads(line) for line in blobs.read("moved/devices.txt").splitlines()]
    assert (len(lines), {line["id"] for line in lines if "moduleId" in line}) == (204, {"edge", "leaf"})
    assert next(line for line in lines if line["id"] == "edge")["authentication"]["symmetricKey"] == edge["authentication"]["symmetricKey"]
    other = HubClient(registry.azure, registry.azure.hub())
    with other.http:
        for _ in range(2):
            both = {"inputBlobContainerUri": container, "outputBlobContainerUri": container, "includeConfigurations": True}
            imported = _run(other, type="import", **both)
            assert (imported["status"], imported.get("failureReason")) == ("completed", None)
            assert other.ask("GET", "/statistics/devices").json()["totalDeviceCount"] == 201
            above, found = (other.ask("GET", f"/devices/{name}").json() for name in ("edge", "camera"))
            assert (found["status"], found["statusReason"], found["parentScopes"]) == ("disabled", "holiday", [above["deviceScope"]])
            assert above["authentication"]["symmetricKey"] == edge["authentication"]["symmetricKey"]
            for place in ("leaf", "leaf/modules/camera"):
                twin = other.ask("GET", f"/twins/{place}").json()
                assert (twin["tags"], twin["properties"]["desired"]["speed"]) == ({"hall": 3}, 2)
            assert other.ask("GET", "/configurations/chill").json()["targetCondition"] == "tags.hall = 3"
    listed = registry.ask("GET", "/jobs").json()
    assert [(job["jobId"], job["status"]) for job in listed] == [(done["jobId"], "completed")]
    shown = registry.ask("GET", f"/jobs/v2/{done['jobId']}").json()
    assert (shown["status"], registry.ask("DELETE", f"/jobs/{done['jobId']}").status_code) == ("unknown", 204)


def test_each_line_is_imported_by_its_mode(registry: HubClient, blobs: BlobStore) -> None:
    """What is refused is in importErrors.log; keys can be left out of an export."""
    registry.put("old", authentication={"type": "sas"})
    registry.put("gone")
    lines = [
        {"id": "new", "importMode": "create", "tags": {"a": 1}},
        {"id": "old", "importMode": "create"},
        {"id": "old", "importMode": "update", "status": "disabled", "authentication": {"type": "certificateAuthority"}},
        {"id": "none", "importMode": "update"},
        {"id": "old", "importMode": "createOrUpdateIfMatchETag", "eTag": "MTIz"},
        {"id": "old", "importMode": "updateTwin", "tags": {"b": 2}},
        {"id": "gone", "importMode": "delete"},
        {"id": "new", "moduleId": "camera", "importMode": "create"},
        {"id": "new", "moduleId": "none", "importMode": "delete"},
    ]
    container = blobs.create_container("lines")
    text = "\ufeff" + "\r\n".join(map(json.dumps, lines)) + "\n\nnonsense\n"
    blobs.put("lines/mine.txt", text.encode())
    done = _run(registry, type="import", inputBlobContainerUri=container, inputBlobName="mine.txt", outputBlobContainerUri=container)
    assert done["status"] == "completed"
    refused = [json.loads(line) for line in blobs.read("lines/importErrors.log").splitlines()]
    assert [(each["deviceId"], each["errorCode"]) for each in refused] == [
        ("old", 409001), ("none", 404001), ("old", 412001), ("new", 404010), (None, 400006),
    ]  # fmt: skip
    assert [each["deviceId"] for each in registry.ask("GET", "/devices").json()] == ["new", "old"]
    twin = registry.ask("GET", "/twins/old").json()
    assert (twin["status"], twin["authenticationType"], twin["tags"]) == ("disabled", "certificateAuthority", {"b": 2})
    assert [each["moduleId"] for each in registry.ask("GET", "/devices/new/modules").json()] == ["camera"]
    _run(registry, type="export", outputBlobContainerUri=container, outputBlobName="without.txt", excludeKeysInExport=True)
    exported = [json.loads(line) for line in blobs.read("lines/without.txt").splitlines()]
    assert [line["authentication"]["symmetricKey"]["primaryKey"] for line in exported] == [None] * 3


def test_a_store_that_refuses(registry: HubClient, blobs: BlobStore) -> None:
    """The job fails with the store's own code, and never tells the signature."""
    container = blobs.create_container("empty")
    missing = _run(registry, type="import", inputBlobContainerUri=container, outputBlobContainerUri=container)
    assert (missing["status"], "404 BlobNotFound" in missing["failureReason"]) == ("failed", True)
    wrong = container.replace("sig=", "sig=x")
    denied = _run(registry, type="export", outputBlobContainerUri=wrong)
    assert (denied["status"], "403" in denied["failureReason"], "sig=" in denied["failureReason"]) == ("failed", True, False)
    nowhere = _run(registry, type="export", outputBlobContainerUri="http://127.0.0.1:9/account/container?sig=a")
    assert nowhere["status"] == "failed"
    with _redirecting(container) as elsewhere:
        redirected = _run(registry, type="export", outputBlobContainerUri=elsewhere)
    assert (redirected["status"], "302" in redirected["failureReason"]) == ("failed", True)


@contextmanager
def _redirecting(target: str) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(302)
            self.send_header("Location", target)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on the tests' output."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/account/container?sig=a"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("members", "status", "code"), [
    ({"type": "backup"}, 400, "ArgumentInvalid"),
    ({"type": "export"}, 400, "BlobContainerValidationError"),
    ({"type": "export", "outputBlobContainerUri": "https://127.0.0.1/account/container"}, 400, "BlobContainerValidationError"),
    ({"type": "export", "outputBlobContainerUri": "file:///etc?sig=a"}, 400, "BlobContainerValidationError"),
    ({"type": "export", "outputBlobContainerUri": "http://h:x/c?sig=a"}, 400, "BlobContainerValidationError"),
    ({"type": "export", "outputBlobContainerUri": "https://h/?sig=a"}, 400, "BlobContainerValidationError"),
    ({"type": "import", "outputBlobContainerUri": "https://h/c?sig=a"}, 400, "BlobContainerValidationError"),
    ({"type": "export", "outputBlobContainerUri": "https://h/c", "storageAuthenticationType": "identityBased"}, 501, "NotImplemented"),
    ({"type": "export", "outputBlobContainerUri": 7}, 400, "IotHubFormatError"),
])  # fmt: skip
def test_an_invalid_transfer(registry: HubClient, members: dict[str, Any], status: int, code: str) -> None:
    """Refused at once; access by the hub's identity is named."""
    answer = registry.ask("POST", "/jobs/create", json=members)
    assert (answer.status_code, answer.headers["iothub-errorcode"]) == (status, code)
    assert status != 501 or "identityBased" in answer.json()["Message"]
    assert registry.ask("GET", "/jobs").json() == []


def test_the_same_at_resource_manager(registry: HubClient, blobs: BlobStore) -> None:
    """`exportDevices` and `importDevices`, in ARM's words; the jobs are those of the hub's own endpoint."""
    registry.bulk({"id": "a"}, {"id": "b"}).raise_for_status()
    container, hub, azure = blobs.create_container("arm"), registry.hub.id, registry.azure
    job = azure.ask("POST", f"{hub}/exportDevices", json={"exportBlobContainerUri": container, "excludeKeys": True}).json()
    assert (job["type"], job["status"], job["startTimeUtc"].endswith("GMT")) == ("export", "enqueued", True)
    azure.until(lambda: azure.ask("GET", f"{hub}/jobs/{job['jobId']}").json()["status"] == "completed")
    registry.ask("DELETE", "/devices/a", headers={"If-Match": "*"}).raise_for_status()
    both = {"inputBlobContainerUri": container, "outputBlobContainerUri": container}
    again = azure.ask("POST", f"{hub}/importDevices", json=both).json()
    assert _over(registry, again["jobId"])["status"] == "completed"
    assert [each["deviceId"] for each in registry.ask("GET", "/devices").json()] == ["a", "b"]
    assert [each["type"] for each in azure.ask("GET", f"{hub}/jobs").json()["value"]] == ["export", "import"]
    for body, status in (({"exportBlobContainerUri": "https://h/c"}, 400), ({"authenticationType": "identityBased"}, 501)):
        url = azure.url(f"{hub}/exportDevices")
        refused = azure.http.post(url, headers=azure.token, json={"excludeKeys": True, **body})
        assert (refused.status_code, "message" in refused.text) == (status, True)
