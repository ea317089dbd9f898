"""The messages of a connected device and the hub's answers: telemetry, its twin, subscriptions.

Source: https://learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from local_azure_iot.hub_registry import identities, twins
from local_azure_iot.hub_registry.errors import RegistryError
from local_azure_iot.messaging import events
from local_azure_iot.messaging.events import Event
from local_azure_iot.mqtt import packets
from local_azure_iot.mqtt.packets import MalformedPacketError, PacketType

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.hub_registry.device_access import AdmittedIdentity
    from local_azure_iot.mqtt.packets import Packet, Publish
    from local_azure_iot.mqtt.plane import Plane

_MAX_MESSAGE = 256 * 1024  # bytes
_REFUSED = 0x80
_TWIN_ANSWERS = "$iothub/twin/res/"


class ProtocolBreachError(Exception):
    """A message for which a hub closes the connection."""


class Topics:
    """The topics of one device's session."""

    def __init__(self, plane: Plane, admitted: AdmittedIdentity) -> None:
        self._plane, self._azure, self._admitted = plane, plane.azure, admitted
        self._events = f"devices/{admitted.device}/messages/events"
        self._subscribed: set[str] = set()
        self._known = (
            f"devices/{admitted.device}/messages/devicebound/#",
            "$iothub/methods/POST/#",
            "$iothub/twin/res/#",
            "$iothub/twin/PATCH/properties/desired/#",
        )

    def serve(self, packet: Packet) -> list[bytes]:
        """Answer one packet.

        Raises:
            ProtocolBreachError: The connection must end.
            MalformedPacketError: The packet is malformed or not allowed here.
        """
        if packet.kind == PacketType.PUBLISH:
            return self._publish(packets.read_publish(packet))
        if packet.kind == PacketType.SUBSCRIBE:
            packet_id, filters = packets.read_subscribe(packet)
            granted = [min(qos, 1) if topic in self._known else _REFUSED for topic, qos in filters]
            self._subscribed |= {topic for topic, _ in filters if topic in self._known}
            return [packets.suback(packet_id, granted)]
        if packet.kind == PacketType.UNSUBSCRIBE:
            packet_id, topics = packets.read_unsubscribe(packet)
            self._subscribed -= set(topics)
            return [packets.unsuback(packet_id)]
        if packet.kind == PacketType.PUBACK:
            return []
        raise MalformedPacketError(f"a packet of type {packet.kind}")

    def _publish(self, publish: Publish) -> list[bytes]:
        if publish.qos > 1:
            raise ProtocolBreachError("a message at QoS 2, which a hub does not support")
        if len(publish.payload) > _MAX_MESSAGE:
            raise ProtocolBreachError(f"a message of {len(publish.payload)} bytes; {_MAX_MESSAGE} are allowed")
        acknowledged = [packets.puback(publish.packet_id)] if publish.qos else []
        path, _, query = publish.topic.partition("?")
        if path.rstrip("/") == self._events or publish.topic.startswith(f"{self._events}/"):
            self._telemetry(publish)
            return acknowledged
        answers: dict[str, Callable[[bytes], tuple[int, dict[str, Any] | None, str]]] = {
            "$iothub/twin/GET/": lambda _: self._twin(),
            "$iothub/twin/PATCH/properties/reported/": self._report,
        }
        if path not in answers:
            raise ProtocolBreachError(f"a message to '{publish.topic[:200]}', which is not this device's to use")
        status, body, more = answers[path](publish.payload)
        request = parse_qs(query).get("$rid", [""])[0]
        if "$iothub/twin/res/#" not in self._subscribed:
            return acknowledged
        payload = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        return [*acknowledged, packets.publish(f"{_TWIN_ANSWERS}{status}/?$rid={request}{more}", payload)]

    def _telemetry(self, publish: Publish) -> None:
        event = Event(
            device=self._admitted.device,
            body=publish.payload,
            topic=publish.topic,
            qos=publish.qos,
            generation=self._admitted.generation,
            authentication=self._admitted.authentication(),
        )
        events.record(self._azure, self._admitted.hub_key, event)

    def _twin(self) -> tuple[int, dict[str, Any] | None, str]:
        found = identities.require(self._azure, self._admitted.hub_key, self._admitted.device)
        parts = {name: found["twin"][name] for name in ("desired", "reported")}
        return 200, {name: {**part["values"], "$version": part["version"]} for name, part in parts.items()}, ""

    def _report(self, payload: bytes) -> tuple[int, dict[str, Any] | None, str]:
        try:
            patch = json.loads(payload)
        except ValueError:
            return 400, None, ""
        if not isinstance(patch, dict):
            return 400, None, ""
        with self._azure.store.transaction():
            found = identities.require(self._azure, self._admitted.hub_key, self._admitted.device)
            before = {**found, "twin": dict(found["twin"])}
            try:
                reported = twins.patched_part("reported", found["twin"]["reported"], patch, self._azure.clock.now())
            except RegistryError:
                return 400, None, ""
            found["twin"] |= {"reported": reported, "version": found["twin"]["version"] + 1}
            identities.save(self._azure, self._admitted.hub_key, found, before)
        return 204, None, f"&$version={reported['version']}"
