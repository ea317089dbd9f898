"""Error answers of provisioning services, in their own envelope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot.wire import Moment, Reply, ServiceError

if TYPE_CHECKING:
    from datetime import datetime


class ProvisioningError(ServiceError):
    """An error answer in a provisioning service's envelope: `{errorCode, trackingId, message, timestampUtc}`."""

    def __init__(self, status: int, number: int, message: str) -> None:
        super().__init__(message)
        self.status, self.number, self.message = status, number, message

    def reply(self, moment: Moment) -> Reply:
        """The HTTP answer."""
        return Reply(status=self.status, body=self.envelope(moment.now, moment.correlation))

    def envelope(self, now: datetime, tracking_id: str) -> dict[str, Any]:
        """The body, which devices get by MQTT too."""
        return {
            "errorCode": self.number,
            "trackingId": tracking_id,
            "message": self.message,
            "timestampUtc": f"{now:%Y-%m-%dT%H:%M:%S.%f}Z",
        }
