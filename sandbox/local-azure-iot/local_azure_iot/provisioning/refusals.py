"""Why a device is not registered: what it is told, and the true reason, which only the control port's log has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.provisioning import errors

if TYPE_CHECKING:
    from local_azure_iot.provisioning.errors import ProvisioningError

# What Azure tells devices in an error 401002; the texts were seen in issues of Microsoft's clients, the causes are partly ours.
UNAUTHORIZED = "Unauthorized"  # github.com/Azure/azure-iot-sdk-csharp/issues/1010
NO_CA = "CA certificate not found."  # github.com/Azure/azure-iot-sdk-c/issues/1900
OTHER_SIGNER = "Signing certificate info did not match chain elements."  # github.com/Azure/iotedge/issues/2739
INVALID = "Invalid certificate."  # github.com/Azure/iotedge/issues/6675
# What a registration says that failed.
CUSTOM_ALLOCATION, NO_HUB, HUB_REFUSED = 400207, 400208, 400209
INTERNAL = 500001  # a guess


class RefusedError(Exception):
    """The device is refused: it gets an error answer, and no registration."""

    def __init__(self, told: str, reason: str) -> None:
        super().__init__(reason)
        self.error: ProvisioningError = errors.unauthorized(told)


class FailedError(Exception):
    """The device is let in, and can't be assigned to a hub: its registration says so. ``told`` is the registration's `errorMessage`."""

    def __init__(self, number: int, told: str, reason: str = "") -> None:
        super().__init__(reason or told)
        self.number, self.told = number, told
