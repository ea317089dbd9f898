"""What a hub does with the storage account of its owner: it signs for one blob, and looks whether that blob is there.

https://learn.microsoft.com/rest/api/storageservices/create-service-sas and …/get-blob-properties. Two requests need no client library.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from pathlib import Path

_VERSION = "2018-03-28"  # of the storage protocol: that of the signatures in Microsoft's documentation of file uploads
_SECONDS = 10.0  # until a storage account has to answer


class StorageError(Exception):
    """The storage account can't be used, or what is asked of it is not there; the message says why."""


@dataclass(frozen=True)
class StorageAccount:
    """An account, as a connection string names it."""

    name: str
    key: bytes
    endpoint: str  # of its blobs: https://account.blob.core.windows.net, or with the account in the path, as Azurite has it

    @property
    def authority(self) -> str:
        """The endpoint without its scheme: what a device puts between `https://` and the container."""
        return self.endpoint.partition("://")[2]

    def url(self, container: str, blob: str) -> str:
        """The URL of a blob, without a signature."""
        return f"{self.endpoint}/{container}/{quote(blob)}"

    def sign(self, container: str, blob: str, *, permissions: str, expires: datetime) -> str:
        """A shared access signature for one blob, as the query of its URL."""
        end = f"{expires.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        # permissions, start, end, resource, identifier, addresses, protocol, version, and five headers of the answer
        text = f"{permissions}\n\n{end}\n/blob/{self.name}/{container}/{blob}\n\n\n\n{_VERSION}\n\n\n\n\n"
        digest = base64.b64encode(hmac.new(self.key, text.encode(), hashlib.sha256).digest()).decode()
        return f"sv={_VERSION}&sr=b&sig={quote(digest, safe='')}&se={quote(end, safe='')}&sp={permissions}"


@dataclass(frozen=True)
class BlobProperties:
    """What a storage account says of a blob."""

    size: int  # bytes
    modified: datetime


def read_connection_string(text: str) -> StorageAccount:
    """Read a storage account's connection string.

    https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string.

    Raises:
        StorageError: It lacks the account's name or key, or its key is not base64.
    """
    members = {name.strip().lower(): value.strip() for name, _, value in (part.partition("=") for part in text.split(";"))}
    name, key = members.get("accountname", ""), members.get("accountkey", "")
    if not name or not key:
        raise StorageError("the connection string of the hub's storage account needs AccountName and AccountKey")
    try:
        secret = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError) as error:
        raise StorageError(f"the AccountKey of the storage account '{name}' is not base64") from error
    protocol = members.get("defaultendpointsprotocol", "https")
    endpoint = members.get("blobendpoint") or f"{protocol}://{name}.blob.{members.get('endpointsuffix', 'core.windows.net')}"
    parts = urlsplit(endpoint)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise StorageError(f"the BlobEndpoint '{endpoint[:200]}' of the storage account '{name}' is not the URL of a server")
    return StorageAccount(name, secret, endpoint.rstrip("/"))


async def blob_properties(url: str, trusted: Path | None) -> BlobProperties:
    """Ask for a blob, by its URL with a signature. ``trusted`` has the certificates of servers to trust; None: the machine's.

    Raises:
        StorageError: It is not there, or the storage account gives no answer.
    """
    return await asyncio.to_thread(_blob_properties, url, trusted)


def _blob_properties(url: str, trusted: Path | None) -> BlobProperties:
    bare = url.partition("?")[0]
    context = ssl.create_default_context(cafile=str(trusted) if trusted else None)
    # Past the proxy of the environment, which may be local Azure's own.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    request = urllib.request.Request(url, method="HEAD", headers={"x-ms-version": _VERSION})  # noqa: S310 - http or https, as was checked
    try:
        with opener.open(request, timeout=_SECONDS) as answer:
            headers = answer.headers
            return BlobProperties(int(headers["Content-Length"] or 0), parsedate_to_datetime(headers["Last-Modified"]))
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == HTTPStatus.NOT_FOUND:
            raise StorageError(f"there is no blob {bare}; upload it before the upload is reported as a success") from error
        raise StorageError(f"the storage account refused to show the blob {bare}: {error.code} {error.reason}") from error
    except (OSError, ValueError, TypeError) as error:
        raise StorageError(f"the storage account gives no answer about {bare}: {error}") from error
