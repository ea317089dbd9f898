"""What hubs of the basic tier lack: modules, configurations, jobs, digital twins, direct methods, cloud-to-device messages.

Source: https://learn.microsoft.com/azure/iot-hub/iot-hub-scaling, "Choose your tier".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.hub_registry import errors
from local_azure_iot.microsoft_devices import lifecycle

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure


def require_standard(azure: Azure, hub_key: str) -> None:
    """Check that the hub is of the standard or free tier.

    Raises:
        RegistryError: It is of the basic tier.
    """
    hub = lifecycle.find(azure, hub_key, lifecycle.HUB)
    if hub is not None and str(hub["sku"]["name"]).upper().startswith("B"):
        raise errors.not_in_this_tier()
