"""How long a hub keeps events, messages and notifications, and how often it delivers them: the ranges of these properties.

https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-c2d, "Cloud-to-device configuration options";
https://learn.microsoft.com/azure/iot-hub/iot-hub-configure-file-upload; the specification of Microsoft.Devices has those of
`maxDeliveryCount`. What Azure answers to a value outside its range is a guess.
"""

from __future__ import annotations

from typing import Any

from local_azure_iot import durations
from local_azure_iot.microsoft_devices import errors
from local_azure_iot.microsoft_devices.errors import Service

_MINUTE, _DAY = 60, 86_400
_COUNTS = {"maxDeliveryCount": (1, 100), "retentionTimeInDays": (1, 7)}
_DURATIONS = {  # in seconds
    "defaultTtlAsIso8601": (_MINUTE, 2 * _DAY),
    "ttlAsIso8601": (_MINUTE, 2 * _DAY),
    "sasTtlAsIso8601": (_MINUTE, 2 * _DAY),
    "lockDurationAsIso8601": (5, 300),
}


def check(properties: dict[str, Any]) -> None:
    """Check the ranges of a hub's properties, wherever they have one of these members. Null is a member that is left out.

    Raises:
        DevicesError: A value is outside its range, or no duration in ISO 8601.
    """
    for name in ("eventHubEndpoints", "cloudToDevice", "messagingEndpoints", "storageEndpoints"):
        _check(name, properties.get(name) or {})


def _check(path: str, members: dict[str, Any]) -> None:
    for name, value in members.items():
        where = f"{path}.{name}"
        if isinstance(value, dict):
            _check(where, value)
        elif value is not None and name in _COUNTS:
            low, high = _COUNTS[name]
            if not low <= value <= high:
                _refuse(f"{where} {value} is not between {low} and {high}.")
        elif value is not None and name in _DURATIONS:
            low, high = _DURATIONS[name]
            if not low <= durations.seconds(value, -1) <= high:
                _refuse(f"{where} '{value}' is not a duration (ISO 8601) between {low} and {high} seconds.")


def _refuse(reason: str) -> None:
    raise errors.body_invalid(reason, Service.HUB)
