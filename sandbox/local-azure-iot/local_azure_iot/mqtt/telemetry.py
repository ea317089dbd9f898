"""What a device or module tells its back end: events, and its will."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.messaging import events
from local_azure_iot.messaging.events import Event
from local_azure_iot.mqtt import property_bag
from local_azure_iot.mqtt.packets import ProtocolBreachError

if TYPE_CHECKING:
    from local_azure_iot.hub_registry.device_access import AdmittedIdentity
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.mqtt.packets import Publish


class Telemetry:
    """The topic of one session's events: `devices/{device}[/modules/{module}]/messages/events/{properties}`."""

    def __init__(self, azure: Azure, admitted: AdmittedIdentity) -> None:
        self._azure, self._admitted = azure, admitted
        of_module = f"/modules/{admitted.module}" if admitted.module else ""
        self._topic = f"devices/{admitted.device}{of_module}/messages/events"

    def takes(self, topic: str) -> bool:
        """Whether a topic is this session's for events."""
        return topic == self._topic or topic.startswith((f"{self._topic}/", f"{self._topic}?"))

    def record(self, publish: Publish) -> None:
        """Take an event.

        Raises:
            ProtocolBreachError: It is too large.
        """
        event = self._event(publish, {})
        if event.size > events.MAX_BODY:
            raise ProtocolBreachError(f"a message of {event.size} bytes; {events.MAX_BODY} are allowed")
        events.record(self._azure, self._admitted.hub_key, event)

    def record_will(self, will: Publish) -> None:
        """Take the will of a session that ended without a DISCONNECT. One for another topic, or too large, goes nowhere (a guess)."""
        event = self._event(will, {"iothub-MessageType": "Will"})
        if self.takes(will.topic) and event.size <= events.MAX_BODY:
            events.record(self._azure, self._admitted.hub_key, event)

    def _event(self, publish: Publish, more: dict[str, str]) -> Event:
        system, properties = property_bag.read(publish.topic[len(self._topic) :].removeprefix("/"))
        retained = {"mqtt-retain": "true"} if publish.retain else {}
        return Event(
            device=self._admitted.device,
            module=self._admitted.module,
            body=publish.payload,
            system=system,
            properties={**properties, **retained, **more},
            topic=publish.topic,
            qos=publish.qos,
            authentication=self._admitted.authentication(),
            generation=self._admitted.generation,
        )
