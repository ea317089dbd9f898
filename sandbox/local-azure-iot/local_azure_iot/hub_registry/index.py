"""The index that queries read: a hub's devices in the order of their ids, as they were before recent writes while the index lags.

Azure's index lags the registry by seconds, and deleted devices were seen to linger. The setting `query_lag_seconds` does the same: every
write keeps the device's earlier state, and queries see that state until the lag has passed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from local_azure_iot.microsoft_devices.lifecycle import DEVICE, DEVICE_SHADOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document


def keep_previous(azure: Azure, key: str, before: Document | None) -> None:
    """Keep what queries see of a device that is about to be written or deleted; `before` is the device until now, None for a new one."""
    if not azure.settings.query_lag_seconds:
        return
    until = (azure.clock.now() + timedelta(seconds=azure.settings.query_lag_seconds)).isoformat()
    shadow = azure.store.get(DEVICE_SHADOW, key)
    if shadow and _is_current(azure, shadow):
        before = shadow["body"]  # the index has not caught up with the write before this one either
    azure.store.put(DEVICE_SHADOW, key, {"key": key, "until": until, "body": before})


def devices(azure: Azure, prefix: str, after: str = "") -> Iterator[Document]:
    """The devices under `prefix` whose keys come after `prefix + after`, as the index sees them, in the order of their keys."""
    shadows = azure.store.documents(DEVICE_SHADOW, prefix, prefix + after)
    place, shadow = next(shadows, ("", None))
    for key, body in azure.store.documents(DEVICE, prefix, prefix + after):
        while shadow is not None and place < key:  # of a device that is deleted
            yield from _previous(azure, shadow)
            place, shadow = next(shadows, ("", None))
        if shadow is not None and place == key and _is_current(azure, shadow):
            yield from _previous(azure, shadow)
        else:
            yield body
        if shadow is not None and place == key:
            place, shadow = next(shadows, ("", None))
    while shadow is not None:
        yield from _previous(azure, shadow)
        _, shadow = next(shadows, ("", None))


def _previous(azure: Azure, shadow: Document) -> Iterator[Document]:
    if shadow["body"] is not None and _is_current(azure, shadow):
        yield shadow["body"]


def _is_current(azure: Azure, shadow: Document) -> bool:
    return datetime.fromisoformat(shadow["until"]) > azure.clock.now()
