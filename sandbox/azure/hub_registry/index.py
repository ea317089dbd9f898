"""The index that queries read: a hub's devices in the order of their ids, as they were before recent writes while the index lags.

Azure's index lags the registry by seconds, and deleted devices were seen to linger. The setting `query_lag_seconds` does the same: every
write keeps the device's earlier state, and queries see that state until the lag has passed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.azure.microsoft_devices.lifecycle import DEVICE, DEVICE_SHADOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.azure.local_azure import Azure
    from sandbox.azure.store import Document

_CHUNK = 500


def written(azure: Azure, key: str, before: Document | None) -> None:
    """A device is about to be written or removed; `before` is what it was, None for a new one."""
    if not azure.settings.query_lag_seconds:
        return
    until = (azure.clock.now() + timedelta(seconds=azure.settings.query_lag_seconds)).isoformat()
    shadow = azure.store.get(DEVICE_SHADOW, key)
    if shadow and _lasts(azure, shadow):
        before = shadow["body"]  # the index has not caught up with the write before this one either
    azure.store.put(DEVICE_SHADOW, key, {"key": key, "until": until, "body": before})


def devices(azure: Azure, prefix: str, after: str = "") -> Iterator[Document]:
    """The devices under `prefix` whose keys come after `prefix + after`, as the index sees them, in the order of their keys."""
    lagging = {shadow["key"]: shadow["body"] for shadow in azure.store.list(DEVICE_SHADOW, prefix) if _lasts(azure, shadow)}
    waiting = sorted((each for each in lagging if each > prefix + after), reverse=True)
    while rows := azure.store.page(DEVICE, prefix, prefix + after, _CHUNK):
        for key, body in rows:
            while waiting and waiting[-1] < key:
                yield from _there(lagging[waiting.pop()])
            if waiting and waiting[-1] == key:
                yield from _there(lagging[waiting.pop()])
            else:
                yield body
        after = rows[-1][0].removeprefix(prefix)
    for key in reversed(waiting):
        yield from _there(lagging[key])


def _there(body: Document | None) -> Iterator[Document]:
    if body is not None:
        yield body


def _lasts(azure: Azure, shadow: Document) -> bool:
    return datetime.fromisoformat(shadow["until"]) > azure.clock.now()
