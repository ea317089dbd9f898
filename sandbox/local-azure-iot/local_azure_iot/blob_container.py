"""A container of blobs as a hub uses it: by a URI with a shared access signature, on Azure Storage or on Azurite.

https://learn.microsoft.com/rest/api/storageservices/put-blob, /get-blob and /get-blob-properties. These calls block: run them in a thread.
"""

from __future__ import annotations

import shutil
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import IO, TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

from local_azure_iot import outgoing

if TYPE_CHECKING:
    from datetime import datetime
    from email.message import Message
    from pathlib import Path

_VERSION = "2019-12-12"
_SECONDS = 60.0  # until a store that says nothing is given up
_IN_MEMORY = 1024 * 1024  # bytes of a blob; the rest is on disk


class ContainerError(Exception):
    """The container's URI can't be used, or its store refuses a blob. The message names neither signature nor account key."""


@dataclass(frozen=True)
class BlobProperties:
    """What a store says of a blob."""

    size: int  # bytes
    modified: datetime


@dataclass(frozen=True)
class BlobContainer:
    """One container. ``trusted`` has certificates that its store may have beside the machine's own roots."""

    uri: str
    trusted: Path | None = None

    def check(self) -> None:
        """Check that the URI names a container and has a signature.

        Raises:
            ContainerError: It does not.
        """
        try:
            parts = urlsplit(self.uri)
            port_is_valid = parts.port is None or parts.port > 0
        except ValueError as error:
            raise ContainerError(f"the container's URI is invalid: {error}") from error
        if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_valid or not parts.path.strip("/"):
            raise ContainerError("the container's URI must be http or https, with a host and a container")
        if not parse_qs(parts.query).get("sig"):
            raise ContainerError("the container's URI has no shared access signature (sig=…)")

    def write(self, name: str, content: IO[bytes]) -> None:
        """Write a block blob from where ``content`` begins.

        Raises:
            ContainerError: The store refuses it, or can't be reached.
        """
        size = content.seek(0, 2)
        content.seek(0)
        headers = {"x-ms-blob-type": "BlockBlob", "Content-Length": str(size), "Content-Type": "application/octet-stream"}
        with self._ask("PUT", name, headers, content):
            pass

    def read(self, name: str) -> IO[bytes]:
        """The content of a blob, as a file that its reader closes.

        Raises:
            ContainerError: There is no such blob, the store refuses it, or can't be reached.
        """
        found = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - its reader closes it
        with self._ask("GET", name, {}, None) as answer:
            shutil.copyfileobj(answer, found)
        found.seek(0)
        return found

    def properties(self, name: str) -> BlobProperties:
        """The size of a blob, and when it was written last.

        Raises:
            ContainerError: There is no such blob, the store refuses it, can't be reached, or says neither.
        """
        with self._ask("HEAD", name, {}, None) as answer:
            headers: Message = answer.headers  # type: ignore[attr-defined]  # urllib's answer to HTTP has them
        try:
            return BlobProperties(int(headers["Content-Length"]), parsedate_to_datetime(headers["Last-Modified"]))
        except (TypeError, ValueError) as error:
            raise ContainerError(f"HEAD {name}: the store says neither the blob's size nor when it was written") from error

    def _ask(self, method: str, name: str, headers: dict[str, str], content: IO[bytes] | None) -> IO[bytes]:
        parts = urlsplit(self.uri)
        url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/{quote(name)}?{parts.query}"
        request = urllib.request.Request(url, data=content, headers={"x-ms-version": _VERSION, **headers}, method=method)  # noqa: S310 - checked
        where = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/{name}"
        try:
            return outgoing.opener(self.trusted).open(request, timeout=_SECONDS)  # type: ignore[no-any-return]  # typeshed: Any
        except urllib.error.HTTPError as error:
            code = error.headers.get("x-ms-error-code") or error.reason
            error.close()
            raise ContainerError(f"{method} {where}: {error.code} {code}") from error
        except (OSError, ValueError) as error:
            raise ContainerError(f"{method} {where}: {error}") from error
