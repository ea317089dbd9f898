"""The storage account of a hub's owner: what its connection string says, and signatures for one blob.

https://learn.microsoft.com/rest/api/storageservices/create-service-sas.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from datetime import datetime

_VERSION = "2018-03-28"  # of the storage protocol: that of the signatures in Microsoft's documentation of file uploads


class StorageError(Exception):
    """The storage account can't be used, or the blob of an upload is not there; the message says why."""


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

    def sign(self, container: str, blob: str, *, permissions: str, expires: datetime) -> str:
        """A shared access signature for one blob, as the query of its URL."""
        end = f"{expires.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        # permissions, start, end, resource, identifier, addresses, protocol, version, and five headers of the answer
        text = f"{permissions}\n\n{end}\n/blob/{self.name}/{container}/{blob}\n\n\n\n{_VERSION}\n\n\n\n\n"
        digest = base64.b64encode(hmac.new(self.key, text.encode(), hashlib.sha256).digest()).decode()
        return f"sv={_VERSION}&sr=b&sig={quote(digest, safe='')}&se={quote(end, safe='')}&sp={permissions}"


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
