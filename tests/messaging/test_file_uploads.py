"""Uploads of files as far as no storage account is needed; with one: tests/strangers/test_file_uploads.py."""

import base64
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from local_azure_iot.messaging import storage_account
from local_azure_iot.messaging.storage_account import StorageError
from tests.local_azure.in_process import Answer
from tests.messaging.conftest import HubState
from tests.messaging.test_device_endpoint import DEVICE, ask

KEY = base64.b64encode(b"key of nobody").decode()
ACCOUNT = f"DefaultEndpointsProtocol=https;AccountName=store;AccountKey={KEY};EndpointSuffix=core.windows.net"


def connect(hub: HubState, text: str = ACCOUNT, **members: str) -> None:
    """Give the hub a storage account."""
    hub.set(storageEndpoints={"$default": {"connectionString": text, "containerName": "files", **members}})


def begin(hub: HubState, name: Any = "a/b.jpg") -> Answer:
    return ask(hub, "POST", f"{DEVICE}/files", body({"blobName": name}))


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_a_device_gets_a_signature_for_one_blob(hub: HubState) -> None:
    connect(hub, sasTtlAsIso8601="PT5M")
    answer = begin(hub).json()
    assert {name: answer[name] for name in ("hostName", "containerName", "blobName")} == {
        "hostName": "store.blob.core.windows.net",
        "containerName": "files",
        "blobName": f"{DEVICE}/a/b.jpg",
    }
    signature = {name: value[0] for name, value in parse_qs(answer["sasToken"].removeprefix("?")).items()}
    assert (signature["sr"], signature["sp"]) == ("b", "rw")
    assert signature["se"] == f"{hub.azure.clock.now() + timedelta(minutes=5):%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize("name", ["", "/", "a//b", "../b", "a/.", "x" * 1025, None, 7])
def test_a_blobs_name(hub: HubState, name: Any) -> None:
    connect(hub)
    assert begin(hub, name).status == 400


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the hub has no storage account"),
        ("AccountName=store", "needs AccountName and AccountKey"),
        ("AccountName=store;AccountKey=%", "is not base64"),
        (f"AccountName=store;AccountKey={KEY};BlobEndpoint=file:///etc/passwd", "is not the URL of a server"),
    ],
)
def test_a_storage_account_that_is_none(hub: HubState, text: str, said: str) -> None:
    connect(hub, text)
    answer = begin(hub)
    assert (answer.status, answer.headers["iothub-errorcode"]) == (400, "InvalidStorageEndpoint")
    assert said in answer.json()["Message"]


def test_ten_uploads_are_open_at_most_and_none_outlasts_its_signature(hub: HubState) -> None:
    connect(hub)
    opened = [begin(hub).json()["correlationId"] for _ in range(10)]
    assert len(set(opened)) == 10
    assert begin(hub).headers["iothub-errorcode"] == "DeviceMaximumActiveFileUploadLimitExceeded"
    failed = {"correlationId": opened[0], "isSuccess": False, "statusCode": -1, "statusDescription": "lost"}
    assert ask(hub, "POST", f"{DEVICE}/files/notifications", body(failed)).status == 204
    assert ask(hub, "POST", f"{DEVICE}/files/notifications", body(failed)).status == 400
    assert ask(hub, "POST", f"{DEVICE}/files/notifications/{opened[1]}", body({"isSuccess": False})).status == 204
    assert begin(hub).status == 200
    hub.azure.clock.advance(3600)
    assert ask(hub, "POST", f"{DEVICE}/files/notifications", body(failed | {"correlationId": opened[2]})).status == 400
    assert [begin(hub).status for _ in range(10)] == [200] * 10


def test_an_upload_whose_blob_nobody_can_see_stays_open(hub: HubState) -> None:
    connect(hub, f"AccountName=store;AccountKey={KEY};BlobEndpoint=https://127.0.0.1:1/store")
    opened = begin(hub).json()
    assert opened["hostName"] == "127.0.0.1:1/store"
    done = {"correlationId": opened["correlationId"], "isSuccess": True, "statusCode": 200}
    for _ in range(2):
        answer = ask(hub, "POST", f"{DEVICE}/files/notifications", body(done))
        assert (answer.status, answer.headers["iothub-errorcode"]) == (400, "InvalidStorageEndpointOrBlob")
        assert "the hub can't find the uploaded file: HEAD https://127.0.0.1:1/store/files/press-001/a/b.jpg" in answer.json()["Message"]


def test_a_connection_string_without_a_name_says_so() -> None:
    with pytest.raises(StorageError, match="AccountName"):
        storage_account.read_connection_string("UseDevelopmentStorage=true")
