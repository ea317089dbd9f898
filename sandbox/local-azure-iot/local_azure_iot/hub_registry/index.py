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

_CHUNK = 500


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
    previous_by_key = {shadow["key"]: shadow["body"] for shadow in azure.store.list(DEVICE_SHADOW, prefix) if _is_current(azure, shadow)}
    pending_keys = sorted((each for each in previous_by_key if each > prefix + after), reverse=True)
    while rows := azure.store.page(DEVICE, prefix, prefix + after, _CHUNK):
        for key, body in rows:
            while pending_keys and pending_keys[-1] < key:
                yield from _if_exists(previous_by_key[pending_keys.pop()])
            if pending_keys and pending_keys[-1] == key:
                yield from _if_exists(previous_by_key[pending_keys.pop()])
            else:
                yield body
        after = rows[-1][0].removeprefix(prefix)
    for key in reversed(pending_keys):
        yield from _if_exists(previous_by_key[key])


def _if_exists(body: Document | None) -> Iterator[Document]:
    if body is not None:
        yield body


def _is_current(azure: Azure, shadow: Document) -> bool:
    return datetime.fromisoformat(shadow["until"]) > azure.clock.now()
