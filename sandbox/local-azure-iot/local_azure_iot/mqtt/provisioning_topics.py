"""The topics by which a device asks a provisioning service for its hub, and asks again until it has one.

https://learn.microsoft.com/azure/iot-dps/iot-dps-mqtt-support. What Microsoft's clients hold the service to: PUBACK comes before the
answer, `$rid` is the first parameter in its topic, and no session is kept.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import replace
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING
from urllib.parse import unquote

from local_azure_iot.microsoft_devices import lifecycle
from local_azure_iot.mqtt import packets, sent_packets
from local_azure_iot.mqtt.packets import MalformedPacketError, PacketType, ProtocolBreachError
from local_azure_iot.provisioning import operations

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.hub_registry.presence import Connection
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.mqtt.packets import Packet, Publish
    from local_azure_iot.provisioning.operations import Dialogue
    from local_azure_iot.provisioning.registrants import Registrant

_ANSWERS = "$dps/registrations/res/"
_FILTER = f"{_ANSWERS}#"
_REGISTER, _STATUS = "$dps/registrations/PUT/iotdps-register/", "$dps/registrations/GET/iotdps-get-operationstatus/"
_REFUSED = 0x80
_PACKET_IDS = 65_535  # MQTT 3.1.1, section 2.3.1
_MOST = 96 * 1024  # bytes of a message: learn.microsoft.com/azure/iot-dps/about-iot-dps, "Quotas and limits"
# Seconds until the answer to a question at QoS 0, which has no PUBACK. Microsoft's Java client asks so, and hangs if it is answered before
# its own thread has noted that the question is out (provisioning-device-client 2.1.3, MqttConnection.publishMessage): no network is so
# quick.
_PAUSE = 0.1
_GONE = "the provisioning service was deleted"
_MOST_WAITING = 1000  # packets of one client that wait for the answer to what it asked before them


class ProvisioningTopics:
    """A `Conversation` with a provisioning service. Nothing of it outlasts the connection."""

    def __init__(self, azure: Azure, registrant: Registrant) -> None:
        self._azure, self._registrant = azure, registrant
        self._send: Callable[[bytes], None] = lambda _: None
        self._end: Callable[[str], None] = lambda _: None
        self._qos: int | None = None  # of the subscription to answers; None: there is none
        self._ids = cycle(range(1, _PACKET_IDS + 1))
        self._asking = False  # whether a question waits for its turn
        self._waiting: deque[Packet] = deque()  # what came after it: a client's packets are served in their order
        self.client = registrant.registration_id
        self.expires: float | None = None  # a token is judged with each registration

    def begin(self, connection: Connection, send: Callable[[bytes], None]) -> None:
        """Answer the CONNECT. No session is ever there, whatever its CleanSession says, and its will goes nowhere (a guess)."""
        self._send, self._end = send, connection.end
        send(sent_packets.connack(0))

    def heard(self) -> None:
        """A provisioning service shows nobody's presence."""

    def serve(self, packet: Packet) -> None:
        """Serve one packet.

        Raises:
            ProtocolBreachError: The connection must end.
            MalformedPacketError: The packet is malformed or not allowed here.
        """
        if not self._asking:
            self._serve_next(packet)
        elif len(self._waiting) < _MOST_WAITING:
            self._waiting.append(packet)
        else:
            raise ProtocolBreachError(f"more than {_MOST_WAITING} packets before the answer to a question")

    def _serve_next(self, packet: Packet) -> None:
        if packet.kind == PacketType.PUBLISH:
            self._publish(packets.read_publish(packet))
        elif packet.kind == PacketType.SUBSCRIBE:
            self._subscribe(*packets.read_subscribe(packet))
        elif packet.kind == PacketType.UNSUBSCRIBE:
            self._unsubscribe(*packets.read_unsubscribe(packet))
        elif packet.kind == PacketType.PUBACK:
            packets.read_puback(packet)  # an answer that was lost is asked for again
        else:
            raise MalformedPacketError(f"a packet of type {packet.kind}")

    def revocation(self) -> str | None:
        """Whether the service was deleted. What it has for this device is judged with each message."""
        return None if lifecycle.find(self._azure, self._registrant.service_key, lifecycle.PROVISIONING) else _GONE

    def stop(self, *, tell_will: bool) -> None:  # noqa: ARG002 - nobody is told of a will
        """Answer no more."""
        self._qos = None
        self._waiting.clear()

    def gone(self, connection: Connection) -> None:
        """The connection is gone, and with it all there was."""

    def _subscribe(self, packet_id: int, filters: list[tuple[str, int]]) -> None:
        """A filter other than the one for answers is refused, as at a hub (a guess)."""
        granted = [min(qos, 1) if each == _FILTER else _REFUSED for each, qos in filters]
        self._send(sent_packets.suback(packet_id, granted))
        self._qos = next((code for code in reversed(granted) if code != _REFUSED), self._qos)

    def _unsubscribe(self, packet_id: int, filters: list[str]) -> None:
        if _FILTER in filters:
            self._qos = None
        self._send(sent_packets.unsuback(packet_id))

    def _publish(self, publish: Publish) -> None:
        path, _, query = publish.topic.partition("?")
        asked = dict(part.partition("=")[::2] for part in query.split("&"))
        request = asked.get("$rid", "")
        if publish.qos > 1:
            raise ProtocolBreachError("a message at QoS 2, which a provisioning service does not support")
        if path not in {_REGISTER, _STATUS}:
            raise ProtocolBreachError(f"a message to '{publish.topic[:200]}', which is no topic of a provisioning service")
        if not request:
            raise ProtocolBreachError(f"a message to '{publish.topic[:200]}', which has no '$rid'")
        if len(publish.payload) > _MOST:
            raise ProtocolBreachError(f"a message of {len(publish.payload)} bytes; {_MOST} are allowed")
        registrant = self._present()
        if path == _REGISTER:
            ask = partial(operations.register, self._azure, registrant, publish.payload)
        else:
            ask = partial(operations.status, self._azure, registrant, unquote(asked.get("operationId", "")))
        self._asking = True
        self._azure.turns.take(lambda: self._take_turn(request, publish, ask))  # many devices ask at the same moment

    def _take_turn(self, request: str, publish: Publish, ask: Callable[[], Dialogue]) -> None:
        self._asking = False
        self._serve_asked(request, publish, ask)
        try:
            while self._waiting and not self._asking:
                self._serve_next(self._waiting.popleft())
        except (MalformedPacketError, ProtocolBreachError) as error:
            self._end(str(error))

    def _serve_asked(self, request: str, publish: Publish, ask: Callable[[], Dialogue]) -> None:
        """Carry out what was asked; the answer comes behind the PUBACK."""
        packet = _packet(request, ask())
        if packet is None:
            self._end("a request whose '$rid' is too long for the topic of the answer")
            return
        if publish.qos:
            self._send(sent_packets.puback(publish.packet_id))
            self._answer(packet)
        elif self._qos is not None:
            asyncio.get_running_loop().call_later(_PAUSE, self._answer, packet)

    def _present(self) -> Registrant:
        """The registrant, with its service as it is now: a connection may last for hours."""
        service = lifecycle.find(self._azure, self._registrant.service_key, lifecycle.PROVISIONING)
        if service is None:
            raise ProtocolBreachError(_GONE)
        return replace(self._registrant, service=service)

    def _answer(self, packet: Callable[[int], bytes]) -> None:
        """Answer, unless nobody listens (any more)."""
        if self._qos is not None:
            self._send(packet(next(self._ids) if self._qos else 0))


def _packet(request: str, answer: Dialogue) -> Callable[[int], bytes] | None:
    """The answer to a request, as a packet with an id; None if no topic can be so long. The `$rid` is written as the device wrote it."""
    later = "" if answer.retry_after is None else f"&retry-after={answer.retry_after}"
    topic = f"{_ANSWERS}{answer.status}/?$rid={request}{later}"
    if len(topic.encode()) > sent_packets.LONGEST_TOPIC:
        return None
    body = json.dumps(answer.body, separators=(",", ":")).encode()
    return lambda packet_id: sent_packets.publish(topic, body, packet_id=packet_id)
