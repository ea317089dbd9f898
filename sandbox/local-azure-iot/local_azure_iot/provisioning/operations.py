"""The dialogue with a device that registers: what each protocol translates into its own packets.

A registration is answered at once with the id of an operation; the device asks for its outcome. Source of statuses and bodies:
https://learn.microsoft.com/rest/api/iot-dps/device/runtime-registration, and what devices were answered in public issues.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_azure_iot.provisioning.errors import ProvisioningError

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.provisioning.registrants import Registrant


@dataclass(frozen=True)
class Dialogue:
    """One answer to a device: an HTTP status, JSON, and after how many seconds to ask again (None: not at all)."""

    status: int
    body: dict[str, Any]
    retry_after: int | None = None


def register(azure: Azure, registrant: Registrant, body: bytes) -> Dialogue:
    """Begin to register a device; ``body`` is JSON, or empty."""
    del registrant, body
    return _refused(azure, ProvisioningError(401, 401002, "Unauthorized"))


def status(azure: Azure, registrant: Registrant, operation_id: str) -> Dialogue:
    """How far the device's registration is that was begun as this operation."""
    del registrant
    return _refused(azure, ProvisioningError(404, 404000, f"There is no operation '{operation_id[:200]}'."))


def _refused(azure: Azure, error: ProvisioningError) -> Dialogue:
    return Dialogue(error.status, error.envelope(azure.clock.now(), str(uuid.uuid4())))
