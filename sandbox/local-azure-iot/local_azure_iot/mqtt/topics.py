"""The topics of a connected device or module: which ones it may use, and who answers.

Source: https://learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub. A hub is no broker: there are these topics and no others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.hub_registry import tier
from local_azure_iot.hub_registry.errors import RegistryError
from local_azure_iot.mqtt import method_calls, packets, sent_packets, twin
from local_azure_iot.mqtt.device_bound import DeviceBound
from local_azure_iot.mqtt.method_calls import MethodCalls
from local_azure_iot.mqtt.packets import MalformedPacketError, PacketType, ProtocolBreachError
from local_azure_iot.mqtt.telemetry import Telemetry
from local_azure_iot.mqtt.twin import Twin

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.hub_registry.device_access import AdmittedIdentity
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.mqtt.packets import Packet, Publish
    from local_azure_iot.mqtt.subscriptions import Subscriptions

    Stop = Callable[[], None]

_REFUSED = 0x80


class Topics:
    """The topics of one session. What is to be sent goes to ``send``, answers and what comes later alike."""

    def __init__(self, azure: Azure, admitted: AdmittedIdentity, subscriptions: Subscriptions, send: Callable[[bytes], None]) -> None:
        self._subscriptions, self._send = subscriptions, send
        self._telemetry = Telemetry(azure, admitted)
        self._twin = Twin(azure, admitted, send)
        self._calls = MethodCalls(azure, admitted, send)
        self._messages = DeviceBound(azure, admitted, send)
        self._listening: dict[str, Stop] = {}
        # What begins with a subscription to each filter that there is.
        self._known: dict[str, Callable[[int], Stop | None]] = {
            method_calls.CALLS: lambda _: self._calls.listen(),
            twin.RESPONSES: lambda _: None,
            twin.CHANGES: lambda _: self._twin.listen(),
        }
        if admitted.module:
            of_module = f"devices/{admitted.device}/modules/{admitted.module}/"
            self._known |= dict.fromkeys((f"{of_module}#", f"{of_module}inputs/#"), lambda _: None)  # a hub routes nothing to modules
        else:
            self._known[self._messages.filter] = self._messages.listen
        self._basic = False
        try:
            tier.require_standard(azure, admitted.hub_key)
        except RegistryError:  # twins, methods and cloud-to-device messages are the standard tier's
            self._known, self._basic = {}, True

    def resume(self) -> None:
        """Go on with the subscriptions that the session has from before."""
        for each, qos in self._subscriptions.granted.items():
            self._listen(each, qos)

    def close(self, will: Publish | None) -> None:
        """The connection has ended: send nothing more. ``will``: what is to be told of a session that ended without a DISCONNECT."""
        for stop in self._listening.values():
            stop()
        self._listening.clear()
        if will:
            self._telemetry.record_will(will)

    def serve(self, packet: Packet) -> None:
        """Serve one packet.

        Raises:
            ProtocolBreachError: The connection must end.
            MalformedPacketError: The packet is malformed or not allowed here.
        """
        if packet.kind == PacketType.PUBLISH:
            self._publish(packets.read_publish(packet))
        elif packet.kind == PacketType.SUBSCRIBE:
            self._subscribe(*packets.read_subscribe(packet))
        elif packet.kind == PacketType.UNSUBSCRIBE:
            self._unsubscribe(*packets.read_unsubscribe(packet))
        elif packet.kind == PacketType.PUBACK:
            self._messages.acknowledge(packets.read_puback(packet))
        else:
            raise MalformedPacketError(f"a packet of type {packet.kind}")

    def _subscribe(self, packet_id: int, filters: list[tuple[str, int]]) -> None:
        granted = {each: min(qos, 1) for each, qos in filters if each in self._known}
        self._send(sent_packets.suback(packet_id, [granted.get(each, _REFUSED) for each, _ in filters]))
        self._subscriptions.add(granted)
        for each, qos in granted.items():
            self._listen(each, qos)

    def _listen(self, each: str, qos: int) -> None:
        self._stop(each)
        begin = self._known.get(each)
        stop = begin(qos) if begin else None
        if stop:
            self._listening[each] = stop

    def _unsubscribe(self, packet_id: int, filters: list[str]) -> None:
        for each in filters:
            self._stop(each)
        self._subscriptions.remove(filters)
        self._send(sent_packets.unsuback(packet_id))

    def _stop(self, each: str) -> None:
        stop = self._listening.pop(each, None)
        if stop:
            stop()

    def _publish(self, publish: Publish) -> None:
        if publish.qos > 1:
            raise ProtocolBreachError("a message at QoS 2, which a hub does not support")
        answer: tuple[str, bytes] | None = None
        if self._telemetry.takes(publish.topic):
            self._telemetry.record(publish)
        elif self._basic:
            raise ProtocolBreachError(f"a message to '{publish.topic[:200]}', which hubs of the basic tier do not have")
        elif Twin.takes(publish.topic):
            answer = self._twin.answer(publish)
        elif MethodCalls.takes(publish.topic):
            self._calls.answer(publish)
        else:
            raise ProtocolBreachError(f"a message to '{publish.topic[:200]}', which is not this device's to use")
        if publish.qos:
            self._send(sent_packets.puback(publish.packet_id))
        if answer and twin.RESPONSES in self._subscriptions.granted:
            self._send(sent_packets.publish(*answer))
