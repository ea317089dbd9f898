"""A twin as its device or module reads it and reports to it, whichever protocol it speaks.

https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-device-twins, "Device operations".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import identities, modules, twins
from local_azure_iot.hub_registry.errors import RegistryError

if TYPE_CHECKING:
    from local_azure_iot.hub_registry.device_access import AdmittedIdentity
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document


def read(azure: Azure, admitted: AdmittedIdentity) -> dict[str, Any]:
    """The desired and the reported properties, each with its `$version`.

    Raises:
        RegistryError: The device or module was deleted a moment ago.
    """
    twin = _identity(azure, admitted)["twin"]
    parts = {name: twin[name] for name in ("desired", "reported")}
    return {name: {**part["values"], "$version": part["version"]} for name, part in parts.items()}


def report(azure: Azure, admitted: AdmittedIdentity, payload: bytes, version: str | None) -> tuple[int, int | None]:
    """Merge a patch into the reported properties: the status as of HTTP, and their new version.

    A ``version`` in the request that is not the present one: 412 (a guess).

    Raises:
        RegistryError: The device or module was deleted a moment ago.
    """
    try:
        patch = json.loads(payload)
    except (ValueError, RecursionError):
        return 400, None
    if not isinstance(patch, dict):
        return 400, None
    with azure.store.transaction():
        found = _identity(azure, admitted)
        if version not in {None, "", str(found["twin"]["reported"]["version"])}:
            return 412, None
        before = {**found, "twin": dict(found["twin"])}
        try:
            reported = twins.patched_part("reported", found["twin"]["reported"], patch, azure.clock.now())
        except RegistryError:
            return 400, None
        found["twin"] |= {"reported": reported, "version": found["twin"]["version"] + 1}
        if admitted.module:
            modules.save(azure, admitted.hub_key, found)
        else:
            identities.save(azure, admitted.hub_key, found, before)
    return 204, int(reported["version"])


def _identity(azure: Azure, admitted: AdmittedIdentity) -> Document:
    """The device, or the module, which exists as long as its session does."""
    if admitted.module:
        return modules.require(azure, admitted.hub_key, admitted.device, admitted.module)
    return identities.require(azure, admitted.hub_key, admitted.device)
