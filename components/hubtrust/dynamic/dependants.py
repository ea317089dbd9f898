"""Who depends on a certificate authority that is about to go: enabled devices of the same stack that show a CA's certificate.

Nothing in Azure tells which authority a device showed last, so that each of them may.
"""

import os

from hubtrust.azure import clouds
from hubtrust.azure.client import Patience
from hubtrust.azure.errors import DeniedError
from hubtrust.azure.login import login
from hubtrust.azure.registry import Registry
from hubtrust.dynamic.hub_inputs import hub_host
from hubtrust.dynamic.lifecycle import Properties, say

_DENIED = 2.0  # seconds: a token that ended meanwhile is refused as a missing role is, and only another try tells them apart


def enabled_devices(properties: Properties) -> int | None:
    """How many there are on the hub of ``properties`` (hubId, hostName, cloud), by the tag of their stack (devicesOf).

    None when this login may not read the registry: then it has made no devices either. The index lags for devices that were deleted
    a moment ago, so that the number may be too high, never too low by more than a second or two.

    Raises:
        AzureError: the hub does not answer.
    """
    cloud = clouds.named(str(properties.get("cloud") or clouds.PUBLIC.name))
    patience = Patience(deadline=60.0, denied=_DENIED, missing=0.0)
    with Registry(hub_host(properties), cloud, login(cloud, os.environ), patience, say) as registry:
        try:
            found = list(registry.owned({"stack": str(properties["devicesOf"])}))
        except DeniedError:
            return None
    return sum(twin.registration.enabled and twin.authentication == "certificateAuthority" for twin in found)
