"""What became of cloud-to-device messages, for senders that asked.

https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-c2d, "Message feedback".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.messaging import service_queue

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

SUCCESS, REJECTED, PURGED = "Success", "Rejected", "Purged"
_WANTED_BY_ACK = {"none": (), "positive": (True,), "negative": (False,), "full": (True, False)}


def add(azure: Azure, hub_key: str, message: Document, outcome: str) -> None:
    """Record what became of a message, if its sender asked for that."""
    if (outcome == SUCCESS) not in _WANTED_BY_ACK[message["ack"]]:
        return
    record = {
        "originalMessageId": message["id"],
        "description": outcome,
        "deviceGenerationId": message["generation"],
        "deviceId": message["device"],
        "enqueuedTimeUtc": f"{azure.clock.now().replace(tzinfo=None).isoformat(timespec='microseconds')}0Z",  # .NET's seven digits
        "statusCode": outcome,
    }
    service_queue.add(azure, hub_key, service_queue.FEEDBACK, record)
