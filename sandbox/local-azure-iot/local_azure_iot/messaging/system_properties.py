"""What the properties of a message that are not the application's own are called in each protocol.

Names: https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-construct; HTTPS's headers: the device clients of Microsoft
(`CustomHeaderConstants` in github.com/Azure/azure-iot-sdk-csharp, `http.ts` in azure-iot-sdk-node).
"""

from __future__ import annotations

# As `Event.system` and `Message.system` have them, which is how AMQP names them: each with its header in HTTPS.
HEADERS = {
    "message-id": "iothub-messageid",
    "correlation-id": "iothub-correlationid",
    "user-id": "iothub-userid",
    "content-type": "iothub-contenttype",
    "content-encoding": "iothub-contentencoding",
    "creation-time": "iothub-creationtimeutc",
    "iothub-message-schema": "iothub-messageschema",
    "iothub-interface-id": "iothub-interface-id",
    "dt-subject": "dt-subject",
}
BY_HEADER = {header: name for name, header in HEADERS.items()}
APPLICATION = "iothub-app-"  # the beginning of a header with one of the application's own properties
