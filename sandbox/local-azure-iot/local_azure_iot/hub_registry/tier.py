"""What a hub's tier allows. The basic one has no modules, configurations, jobs, digital twins, direct methods, cloud-to-device messages.

Source: https://learn.microsoft.com/azure/iot-hub/iot-hub-scaling, "Choose your tier".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.hub_registry import errors
from local_azure_iot.microsoft_devices import hubs, lifecycle

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure

_COUNTED = 10_000  # devices that are counted each time


def require_standard(azure: Azure, hub_key: str) -> None:
    """Check that the hub is of the standard or free tier.

    Raises:
        RegistryError: It is of the basic tier.
    """
    hub = lifecycle.find(azure, hub_key, lifecycle.HUB)
    if hub is not None and str(hub["sku"]["name"]).upper().startswith("B"):
        raise errors.not_in_this_tier()


def require_room(azure: Azure, hub_key: str) -> None:
    """Check that a free hub may have another device. Counting a million of another tier at each would take too long.

    Raises:
        RegistryError: It has as many as it may.
    """
    hub = lifecycle.find(azure, hub_key, lifecycle.HUB)
    if (
        hub is not None
        and hubs.most_devices(hub) < _COUNTED
        and azure.store.count(lifecycle.DEVICE, f"{hub_key}/") >= hubs.most_devices(hub)
    ):
        raise errors.hub_full(hubs.most_devices(hub))
