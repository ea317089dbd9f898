r"""Errors of messages, direct methods and file uploads: one constructor for each.

From 2016-11-14 on their envelope has the older form as a text within it, as recordings and issues show:
`{"Message":"{\"errorCode\":412002,\"trackingId\":\"…\",\"message\":\"PreconditionFailed\",\"timestampUtc\":\"…\"}","ExceptionMessage":""}`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry.errors import RegistryError
from local_azure_iot.wire import Reply

if TYPE_CHECKING:
    from local_azure_iot.wire import Moment

_FLAT_UNTIL = "2016-02-03"  # the last api-version that was recorded with the plain envelope


class MessageError(RegistryError):
    """An error with the older form within the envelope."""

    info: dict[str, Any] | None = None

    def reply(self, moment: Moment) -> Reply:
        """The HTTP answer."""
        tracking = f"{moment.correlation.replace('-', '')}-G:4-TimeStamp:{moment.now:%m/%d/%Y %H:%M:%S}"
        inner: dict[str, Any] = {"errorCode": self.number, "trackingId": tracking, "message": self.message}
        if self.info is not None:
            inner["info"] = self.info
        inner["timestampUtc"] = f"{moment.now.replace(tzinfo=None).isoformat()}Z"
        body = {"Message": json.dumps(inner, separators=(",", ":")), "ExceptionMessage": ""}
        return Reply(status=self.status, body=body, headers={"iothub-errorcode": self.name, **self.headers})


def lock_lost(version: str) -> RegistryError:
    """The message is not locked by this token (any more). Recorded, in both envelopes."""
    kind = RegistryError if version <= _FLAT_UNTIL else MessageError
    return kind(412, 412002, "DeviceMessageLockLost", "PreconditionFailed")


def device_not_online(seconds: float) -> RegistryError:
    """The device is not connected or takes no calls. The answer is one of Azure's, in github.com/Azure/iotedge/issues/98."""
    error = MessageError(404, 404103, "DeviceNotOnline", "Timed out waiting for device to connect.")
    error.info = {"timeout": f"{int(seconds) // 3600:02}:{int(seconds) // 60 % 60:02}:{int(seconds) % 60:02}"}
    return error


def no_answer() -> RegistryError:
    """The device did not answer in time. The answer is one of Azure's, in github.com/Azure/azure-iot-sdk-java/issues/640."""
    error = MessageError(504, 504101, "GatewayTimeout", "Timed out waiting for the response from device.")
    error.info = {}
    return error


def device_disconnected() -> RegistryError:
    """The device's connection ended before it answered.

    The words are Azure's (github.com/Azure/azure-iot-sdk-csharp/issues/317), its number is documented; that they belong together: a guess.
    """
    error = MessageError(404, 404104, "DeviceConnectionClosedRemotely", "Device unavailable")
    error.info = {}
    return error


def message_too_large(size: int, most: int) -> RegistryError:
    """A message, or the payload of a method. The number is documented."""
    return MessageError(413, 413001, "MessageTooLarge", f"The message has {size} bytes; at most {most} are allowed.")


def queue_full(most: int) -> RegistryError:
    """The device has as many messages waiting as it may. The number is documented."""
    return MessageError(403, 403004, "DeviceMaximumQueueDepthExceeded", f"At most {most} messages may wait for a device.")


def too_many_uploads(most: int) -> RegistryError:
    """The device has as many uploads open as it may. The number is documented."""
    return MessageError(403, 403006, "DeviceMaximumActiveFileUploadLimitExceeded", f"At most {most} uploads of a device may be open.")


def no_storage(reason: str) -> RegistryError:
    """The hub has no storage account for uploads, or can't use the one that it has. The number is Azure's, the reason local Azure's."""
    return MessageError(400, 400022, "InvalidStorageEndpoint", reason)


def blob_not_found(reason: str) -> RegistryError:
    """The file is not where it should be. The name is Azure's (github.com/Azure/azure-iot-sdk-node/issues/1153), the number a guess."""
    return MessageError(400, 400023, "InvalidStorageEndpointOrBlob", reason)


def upload_not_found(correlation: str) -> RegistryError:
    """No upload of this device is open under this correlation id. The code is a guess."""
    return MessageError(400, 400004, "ArgumentInvalid", f"No upload of this device is open with the correlation id '{correlation[:200]}'.")
