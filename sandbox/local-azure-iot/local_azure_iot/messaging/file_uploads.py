"""Uploads of files: a device gets a signature for one blob, uploads it, and reports; the back end is told.

https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-file-upload.
"""

from __future__ import annotations

import asyncio
import base64
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from local_azure_iot import durations
from local_azure_iot.blob_container import BlobContainer, BlobProperties, ContainerError
from local_azure_iot.messaging import service_queue, storage_account
from local_azure_iot.messaging.addresses import address
from local_azure_iot.messaging.service_queue import FILE_NOTIFICATIONS
from local_azure_iot.messaging.storage_account import StorageError
from local_azure_iot.microsoft_devices import lifecycle

if TYPE_CHECKING:
    from pathlib import Path

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

MOST_OPEN = 10  # uploads of one device (learn.microsoft.com/azure/iot-hub/iot-hub-devguide-quotas-throttling)
MAX_NAME = 1024  # characters of a blob's name, in Azure Storage
_DEFAULT_SECONDS = 3600.0  # how long a signature is valid, where the hub's storage endpoint doesn't say


class TooManyUploadsError(Exception):
    """The device has as many uploads open as it may."""


class UnknownUploadError(Exception):
    """The device has no open upload with this correlation id."""


@dataclass(frozen=True)
class Upload:
    """Where a device may put its file. With `https://` before it, the members from the second on are the blob's URL."""

    correlation: str
    authority: str
    container: str
    blob: str  # begins with the device's id and a slash
    signature: str  # the query of the URL


def begin(azure: Azure, hub_key: str, device: str, name: str) -> Upload:
    """Open an upload.

    Raises:
        StorageError: The hub has no storage account, or one that can't be used.
        TooManyUploadsError: MOST_OPEN are open.
    """
    hub = azure.store.get(lifecycle.HUB.document, hub_key) or {"properties": {}}
    endpoint = (hub["properties"].get("storageEndpoints") or {}).get("$default") or {}
    text, container = endpoint.get("connectionString"), endpoint.get("containerName")
    if not text or not container:
        raise StorageError(
            "the hub has no storage account for uploads; set connectionString and containerName of storageEndpoints.$default"
        )
    account = storage_account.read_connection_string(text)
    now = azure.clock.now()
    prefix, expires = (
        f"{address(hub_key, device)}/",
        now + timedelta(seconds=durations.seconds(endpoint.get("sasTtlAsIso8601"), _DEFAULT_SECONDS)),
    )
    with azure.store.transaction():
        for opened in azure.store.list(lifecycle.FILE_UPLOAD, prefix):
            if datetime.fromisoformat(opened["expires"]) <= now:
                azure.store.delete(lifecycle.FILE_UPLOAD, f"{prefix}{opened['correlation']}")
        if azure.store.count(lifecycle.FILE_UPLOAD, prefix) >= MOST_OPEN:
            raise TooManyUploadsError(device)
        correlation = base64.urlsafe_b64encode(f"{now:%Y%m%d%H%M}_{uuid.uuid4()}".encode()).decode().rstrip("=")
        blob = f"{device}/{name}"
        stored = {
            "correlation": correlation, "container": container, "blob": blob, "expires": expires.isoformat(), "connection": text
        }  # fmt: skip
        azure.store.put(lifecycle.FILE_UPLOAD, f"{prefix}{correlation}", stored)
    return Upload(correlation, account.authority, container, blob, account.sign(container, blob, permissions="rw", expires=expires))


def find(azure: Azure, hub_key: str, device: str, correlation: str) -> Document:
    """An open upload.

    Raises:
        UnknownUploadError: There is none with this correlation id, or its time is over.
    """
    found = azure.store.get(lifecycle.FILE_UPLOAD, f"{address(hub_key, device)}/{correlation}")
    if found is None or datetime.fromisoformat(found["expires"]) <= azure.clock.now():
        raise UnknownUploadError(correlation)
    return found


async def finish(azure: Azure, hub_key: str, device: str, upload: Document, *, success: bool) -> None:
    """Close an upload. If it succeeded its blob must be there, and the back end is told. Not within a transaction.

    Raises:
        StorageError: The blob of an upload that succeeded is not there, or the storage account gives no answer: the upload stays open.
    """
    blob = await asyncio.to_thread(_blob, upload, azure.trusted_file) if success else None
    with azure.store.transaction():
        azure.store.delete(lifecycle.FILE_UPLOAD, f"{address(hub_key, device)}/{upload['correlation']}")
        hub = azure.store.get(lifecycle.HUB.document, hub_key)
        if blob is None or hub is None or hub["properties"].get("enableFileUploadNotifications") is not True:
            return
        account = storage_account.read_connection_string(upload["connection"])
        record = {
            "deviceId": device,
            "blobUri": f"{account.endpoint}/{upload['container']}/{quote(upload['blob'])}",
            "blobName": upload["blob"],
            "lastUpdatedTime": f"{blob.modified:%Y-%m-%dT%H:%M:%S}+00:00",
            "blobSizeInBytes": blob.size,
            "enqueuedTimeUtc": f"{azure.clock.now().replace(tzinfo=None).isoformat(timespec='microseconds')}0Z",  # .NET's seven digits
        }
        service_queue.add(azure, hub_key, FILE_NOTIFICATIONS, record)


def _blob(upload: Document, trusted: Path | None) -> BlobProperties:
    account = storage_account.read_connection_string(upload["connection"])
    # By the machine's time: the storage account knows no other.
    end = datetime.now().astimezone() + timedelta(minutes=5)
    signature = account.sign(upload["container"], upload["blob"], permissions="r", expires=end)
    try:
        return BlobContainer(f"{account.endpoint}/{upload['container']}?{signature}", trusted).properties(upload["blob"])
    except ContainerError as error:
        raise StorageError(f"the hub can't find the uploaded file: {error}") from error
