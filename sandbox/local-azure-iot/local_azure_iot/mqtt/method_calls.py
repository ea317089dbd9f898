"""Direct methods over MQTT: calls go to the device by one topic, and its answers come by another.

https://learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub, "Respond to a direct method".
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from local_azure_iot.messaging import methods
from local_azure_iot.mqtt import sent_packets
from local_azure_iot.mqtt.packets import ProtocolBreachError

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.hub_registry.device_access import AdmittedIdentity
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.messaging.methods import Invocation
    from local_azure_iot.mqtt.packets import Publish

CALLS = "$iothub/methods/POST/#"
_ANSWERS = "$iothub/methods/res/"
_ANSWER = re.compile(re.escape(_ANSWERS) + r"(-?[0-9]{1,9})/\?\$rid=([^&]+)")


class MethodCalls:
    """The calls that a session has got and not answered."""

    def __init__(self, azure: Azure, admitted: AdmittedIdentity, send: Callable[[bytes], None]) -> None:
        self._azure, self._admitted, self._send = azure, admitted, send
        self._open: dict[str, Invocation] = {}

    @staticmethod
    def takes(topic: str) -> bool:
        """Whether a topic is for the answer to a call."""
        return topic.startswith(_ANSWERS)

    def listen(self) -> Callable[[], None]:
        """Send every call, until the function that this returns is called."""
        return methods.serve(self._azure, self._admitted.hub_key, self._admitted.device, self._admitted.module, self._call)

    def _call(self, invocation: Invocation) -> None:
        self._open = {key: each for key, each in self._open.items() if not each.over}
        self._open[invocation.request_id] = invocation
        topic = f"$iothub/methods/POST/{quote(invocation.name, safe='')}/?$rid={invocation.request_id}"
        self._send(sent_packets.publish(topic, invocation.payload))

    def answer(self, publish: Publish) -> None:
        """Pass an answer on. One that nobody waits for any more goes nowhere.

        Raises:
            ProtocolBreachError: Its status is not an integer, or its payload not JSON or too large (that this ends the session is a guess).
        """
        found = _ANSWER.fullmatch(publish.topic)
        if found is None:
            raise ProtocolBreachError(f"an answer to a method at '{publish.topic[:200]}', which lacks an integer as status, or a '$rid'")
        if len(publish.payload) > methods.MAX_PAYLOAD:
            raise ProtocolBreachError(f"an answer to a method of {len(publish.payload)} bytes; {methods.MAX_PAYLOAD} are allowed")
        try:
            json.loads(publish.payload or b"null")
        except (ValueError, RecursionError) as error:
            raise ProtocolBreachError(f"an answer to a method that is not JSON: {error}") from error
        invocation = self._open.pop(unquote(found[2]), None)
        if invocation:
            invocation.answer(int(found[1]), publish.payload)
