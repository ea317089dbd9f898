"""Error answers of provisioning services, in their own envelope."""

from __future__ import annotations

from local_azure_iot.wire import Moment, Reply, ServiceError


class ProvisioningError(ServiceError):
    """An error answer in a provisioning service's envelope: `{errorCode, trackingId, message, timestampUtc}`."""

    def __init__(self, status: int, number: int, message: str) -> None:
        super().__init__(message)
        self.status, self.number, self.message = status, number, message

    def reply(self, moment: Moment) -> Reply:
        """The HTTP answer."""
        body = {
            "errorCode": self.number,
            "trackingId": moment.correlation,
            "message": self.message,
            "timestampUtc": f"{moment.now:%Y-%m-%dT%H:%M:%S.%f}Z",
        }
        return Reply(status=self.status, body=body)
