"""Cloud-to-device messages over MQTT.

https://learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub, "Receiving cloud-to-device messages". A message at QoS 1 stays locked in
the device's queue until its PUBACK, and goes back there when the connection ends first. MQTT can't reject one.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import cycle
from typing import TYPE_CHECKING

from local_azure_iot.messaging import cloud_to_device
from local_azure_iot.messaging.cloud_to_device import LockLostError
from local_azure_iot.mqtt import property_bag, sent_packets

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.hub_registry.device_access import AdmittedIdentity
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.messaging.cloud_to_device import ReceivedMessage

_PACKET_IDS = 65_535  # MQTT 3.1.1, section 2.3.1


class DeviceBound:
    """The messages that a session was sent and has not acknowledged."""

    def __init__(self, azure: Azure, admitted: AdmittedIdentity, send: Callable[[bytes], None]) -> None:
        self._azure, self._admitted, self._send = azure, admitted, send
        self.filter = f"devices/{admitted.device}/messages/devicebound/#"
        self._ids = cycle(range(1, _PACKET_IDS + 1))
        self._locks: dict[int, str] = {}  # by packet id

    def listen(self, qos: int) -> Callable[[], None]:
        """Send every message that waits or comes, until the function that this returns is called."""
        unsubscribe = cloud_to_device.subscribe(self._azure, self._admitted.hub_key, self._admitted.device, lambda: self._deliver(qos))
        self._deliver(qos)

        def stop() -> None:
            unsubscribe()
            locks, self._locks = self._locks, {}
            for token in locks.values():
                with suppress(LockLostError):
                    cloud_to_device.abandon(self._azure, self._admitted.hub_key, self._admitted.device, token)

        return stop

    def acknowledge(self, packet_id: int) -> None:
        """The device has a message. An id that is not known says nothing."""
        self._complete(self._locks.pop(packet_id, ""))

    def _complete(self, token: str) -> None:
        with suppress(LockLostError):
            cloud_to_device.complete(self._azure, self._admitted.hub_key, self._admitted.device, token)

    def _reject(self, token: str) -> None:
        """MQTT can't carry the message, so that it would come back for ever: its sender is told that it was rejected (a guess)."""
        with suppress(LockLostError):
            cloud_to_device.reject(self._azure, self._admitted.hub_key, self._admitted.device, token)

    def _deliver(self, qos: int) -> None:
        while received := cloud_to_device.receive(self._azure, self._admitted.hub_key, self._admitted.device):
            packet_id = next(each for each in self._ids if each not in self._locks) if qos else 0
            topic = self.filter.removesuffix("#") + _properties(received)
            if len(topic) > sent_packets.LONGEST_TOPIC:  # all of it is ASCII
                self._reject(received.token)
                continue
            self._send(sent_packets.publish(topic, received.message.body, packet_id=packet_id, again=received.deliveries > 1))
            if qos:
                self._locks[packet_id] = received.token
            else:
                self._complete(received.token)


def _properties(received: ReceivedMessage) -> str:
    message = received.message
    asked = {} if message.ack == "none" else {"iothub-ack": message.ack}
    system = {"message-id": message.message_id, "to": received.to, **message.system}
    return property_bag.write(system, {**asked, **message.properties})
