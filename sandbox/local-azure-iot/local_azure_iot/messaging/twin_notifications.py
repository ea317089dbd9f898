"""Tells connected devices and modules that their desired properties were changed.

https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-device-twins, "Device operations": a session gets the change, not the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot.messaging.addresses import address

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.local_azure import Azure

_TOPIC = "desired"


def desired_changed(azure: Azure, hub_key: str, device: str, module: str, patch: dict[str, Any], version: int) -> None:
    """Once the open transaction is committed, tell the sessions of a device, or of its module, which desired properties changed.

    ``patch`` has the members that changed, null for one that was removed, without `$version`.
    """
    key = address(hub_key, device, module)
    azure.store.after_commit(lambda: azure.listeners.tell(_TOPIC, key, {**patch, "$version": version}))


def subscribe(azure: Azure, hub_key: str, device: str, module: str, listener: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
    """Call ``listener`` with each change, `$version` in it, until the function that this returns is called."""
    return azure.listeners.add(_TOPIC, address(hub_key, device, module), listener)


def change(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The patch that makes ``after`` of ``before``: what a session is told when the properties were replaced (a guess)."""
    patch: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        old = before.get(name)
        if isinstance(value, dict) and isinstance(old, dict):
            inner = change(old, value)
            if inner:
                patch[name] = inner
        elif name not in before or old != value or type(old) is not type(value):
            patch[name] = value
    return patch
