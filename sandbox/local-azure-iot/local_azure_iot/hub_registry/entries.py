"""What device and module identities have in common: their keys in the store, etags, generations and times."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from local_azure_iot.messaging.addresses import address

if TYPE_CHECKING:
    from datetime import datetime

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

ZERO_DATE = "0001-01-01T00:00:00"  # how the registry writes a time that is not set: .NET's default date
_TICKS_1970 = 621_355_968_000_000_000  # .NET counts tenths of a microsecond since the year 1


def store_key(hub_key: str, device_id: str) -> str:
    """The store key of a device; `hub_key` is its hub's."""
    return address(hub_key, device_id)


def matches(if_match: str, device: Document) -> bool:
    """Whether an If-Match holds for an identity: `*` or its etag, in quotes or bare."""
    return if_match.strip().strip('"') in {"*", etag(device)}


def etag(device: Document) -> str:
    """Base64 of a decimal counter that grows by one with every write."""
    return base64.b64encode(str(device["etag"]).encode()).decode()


def new_generation(azure: Azure) -> str:
    """What tells an identity from an earlier one with the same id."""
    return str(_TICKS_1970 + int(azure.clock.timestamp() * 10_000_000))


def format_time(moment: datetime | str | None, *, zone: bool) -> str:
    """A time as the registry writes it; the zero date for None."""
    text = ZERO_DATE if moment is None else str(moment).replace(" ", "T").removesuffix("+00:00")
    return f"{text}Z" if zone else text
