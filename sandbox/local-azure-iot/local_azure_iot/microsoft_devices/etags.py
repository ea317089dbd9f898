"""Etags as Azure writes them: row versions of hubs, Cosmos etags of certificates."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure

_ROWVERSION = "rowversion"


def new_rowversion_etag(azure: Azure) -> str:
    """A new hub etag such as `AAAADIA2a7Y=`: a number that only grows, as eight big-endian bytes in base64."""
    value = azure.store.next_number(_ROWVERSION, start=0xC8036A000, by=1 + secrets.randbelow(64))
    return base64.b64encode(value.to_bytes(8, "big")).decode()


def new_cosmos_etag(azure: Azure) -> str:
    """A new certificate etag: base64 of `"6702d3ca-0000-0700-0000-65205ca50000"`, quotes included; the last group holds the time."""
    serial = azure.store.next_number("cosmos", start=secrets.randbelow(1 << 24))
    seconds = int(azure.clock.timestamp()) & 0xFFFFFFFF
    return base64.b64encode(f'"{serial & 0xFFFFFFFF:08x}-0000-0700-0000-{seconds:08x}0000"'.encode()).decode()


def matches(if_match: str | None, etag: str) -> bool:
    """Whether an If-Match holds: `*`, the etag, or the etag in quotes (newer SDKs quote it, RFC 9110, 8.8.3)."""
    return if_match is not None and (if_match.strip() == "*" or etag in {if_match.strip(), if_match.strip().strip('"')})
