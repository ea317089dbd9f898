"""A session's twin: what the device reads and reports, and what it is told of.

https://learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub, "Retrieving a device twin's properties" and the two sections after it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import device_twin
from local_azure_iot.hub_registry.errors import RegistryError
from local_azure_iot.messaging import twin_notifications
from local_azure_iot.mqtt import sent_packets
from local_azure_iot.mqtt.packets import ProtocolBreachError

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.hub_registry.device_access import AdmittedIdentity
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.mqtt.packets import Publish

RESPONSES = "$iothub/twin/res/#"
CHANGES = "$iothub/twin/PATCH/properties/desired/#"
_GET, _PATCH = "$iothub/twin/GET/", "$iothub/twin/PATCH/properties/reported/"
_WRITER = json.JSONEncoder(separators=(",", ":"))


class Twin:
    """Answers requests for the twin, and tells of desired properties that changed."""

    def __init__(self, azure: Azure, admitted: AdmittedIdentity, send: Callable[[bytes], None]) -> None:
        self._azure, self._admitted, self._send = azure, admitted, send

    @staticmethod
    def takes(topic: str) -> bool:
        """Whether a topic is a request for the twin."""
        return topic.partition("?")[0] in {_GET, _PATCH}

    def answer(self, publish: Publish) -> tuple[str, bytes]:
        """Do what a message asks for; returns the topic and the payload of the answer.

        The topic has the request's `$rid` as the device wrote it, and the new `$version` of what it reported.

        Raises:
            ProtocolBreachError: The device or module was deleted a moment ago, or the `$rid` leaves no room in the topic of the answer.
        """
        try:
            return self._answer(publish)
        except RegistryError as error:
            raise ProtocolBreachError(str(error)) from error

    def _answer(self, publish: Publish) -> tuple[str, bytes]:
        path, _, query = publish.topic.partition("?")
        asked = dict(part.partition("=")[::2] for part in query.split("&"))
        version = ""
        if path == _GET:
            status, payload = 200, _WRITER.encode(device_twin.read(self._azure, self._admitted)).encode()
        else:
            status, reported = device_twin.report(self._azure, self._admitted, publish.payload, asked.get("$version"))
            payload, version = b"", f"&$version={reported}" if reported else ""
        topic = f"$iothub/twin/res/{status}/?$rid={asked.get('$rid', '')}{version}"
        if len(topic.encode()) > sent_packets.LONGEST_TOPIC:
            raise ProtocolBreachError("a request for the twin whose '$rid' is too long for the topic of the answer")
        return topic, payload

    def listen(self) -> Callable[[], None]:
        """Send every change of the desired properties, until the function that this returns is called."""
        return twin_notifications.subscribe(
            self._azure, self._admitted.hub_key, self._admitted.device, self._admitted.module, self._changed
        )

    def _changed(self, patch: dict[str, Any]) -> None:
        topic = f"$iothub/twin/PATCH/properties/desired/?$version={patch['$version']}"
        self._send(sent_packets.publish(topic, _WRITER.encode(patch).encode()))
