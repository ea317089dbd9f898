"""The model that a device or module says it implements when it connects: `modelId` of its twin.

https://learn.microsoft.com/azure/iot/concepts-developer-guide-device, "Model ID announcement". A connection that announces none leaves the
twin without one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.hub_registry import identities, modules

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure


def announce(azure: Azure, hub_key: str, device: str, module: str, model: str) -> None:
    """Record the model of a device, or of its module, that connects."""
    found = modules.find(azure, hub_key, device, module) if module else identities.find(azure, hub_key, device)
    if found is None or found.get("modelId", "") == model:
        return
    before = dict(found)
    found["modelId"] = model
    if module:
        modules.save(azure, hub_key, found)
    else:
        identities.save(azure, hub_key, found, before)
