"""Applies configurations to all devices and modules of a hub, after one was written or deleted: in chunks, in the background.

Azure evaluates configurations every few minutes
(https://learn.microsoft.com/azure/iot-hub/iot-hub-automatic-device-management-cli, "Introduction to automatic device management").
Here the first chunk belongs to the request itself: it costs no more than a bulk call, and whoever tests with a small hub finds the
configuration applied once the request is answered. The rest waits for nobody, and nobody waits for it.

A pass says how far its hub is: it is committed with the chunk that it counts, so that a killed process goes on where it was. It names no
configuration, because each chunk applies those that the hub has then; a write while it goes on sends it back to the beginning.
Twins that are written meanwhile see the configurations of that moment at once (`configuration_targets`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.hub_registry import configuration_targets
from local_azure_iot.microsoft_devices.lifecycle import CONFIGURATION_PROGRESS, DEVICE, MODULE

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure

CHUNK = 100  # devices or modules in one transaction, which takes some ten milliseconds
_ORDER = (DEVICE, MODULE)
_MANY = 1_000_000  # hubs; more than there are


def begin(azure: Azure, hub_key: str) -> bool:
    """Look at every device and module of a hub again: at the first ones now, within the open transaction, and at the others later.

    Whether that was all of them.
    """
    azure.store.put(CONFIGURATION_PROGRESS, _key(hub_key), {"kind": DEVICE, "after": ""})
    if not _chunk(azure, hub_key):
        return True
    _go_on(azure, hub_key)
    return False


def resume(azure: Azure) -> None:
    """Go on with what a restart ended."""
    for key, _ in azure.store.page(CONFIGURATION_PROGRESS, "", "", _MANY):
        _go_on(azure, key.rpartition("/")[0])


def _go_on(azure: Azure, hub_key: str) -> None:
    # A pass that fails stays where it is, for the next write of a configuration or the next start.
    azure.background.begin_chunks(f"configurations {hub_key}", azure.store, lambda: _chunk(azure, hub_key))


def _chunk(azure: Azure, hub_key: str) -> bool:
    """Do what comes next. Whether there is more: not once the hub was deleted either."""
    place = azure.store.get(CONFIGURATION_PROGRESS, _key(hub_key))
    if place is None:
        return False
    room = CHUNK
    for kind in _ORDER[_ORDER.index(place["kind"]) :]:
        rows = azure.store.page(kind, f"{hub_key}/", place["after"] if kind == place["kind"] else "", room)
        configuration_targets.look(azure, hub_key, kind, rows)
        room -= len(rows)
        if not room:
            azure.store.put(CONFIGURATION_PROGRESS, _key(hub_key), {"kind": kind, "after": rows[-1][0]})
            return True
    azure.store.delete(CONFIGURATION_PROGRESS, _key(hub_key))
    return False


def _key(hub_key: str) -> str:
    return f"{hub_key}/all"
