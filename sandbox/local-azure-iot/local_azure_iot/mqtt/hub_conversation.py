"""A device or module that its hub has admitted over MQTT: its presence, its subscriptions, its topics, its will."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.hub_registry import device_access
from local_azure_iot.mqtt import sent_packets
from local_azure_iot.mqtt.subscriptions import Subscriptions
from local_azure_iot.mqtt.topics import Topics

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.hub_registry.device_access import AdmittedIdentity
    from local_azure_iot.hub_registry.presence import Connection
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.mqtt.packets import Connect, Packet


class HubConversation:
    """A `Conversation` with a hub."""

    def __init__(self, azure: Azure, admitted: AdmittedIdentity, connect: Connect) -> None:
        self._azure, self._admitted, self._connect = azure, admitted, connect
        self._topics: Topics | None = None
        self.client = f"{admitted.device}/{admitted.module}".rstrip("/")
        self.expires = admitted.expires

    def begin(self, connection: Connection, send: Callable[[bytes], None]) -> None:
        """Take the place of the connection that the device had, and go on with the session that the hub has kept."""
        admitted, now = self._admitted, self._azure.clock.now()
        displaced = self._azure.presence.connected(admitted.store_key, connection, now, admitted.device_key)
        if displaced:
            displaced.end("the device connected again")
        subscriptions = Subscriptions(self._azure, admitted, clean=self._connect.clean)
        self._topics = Topics(self._azure, admitted, subscriptions, send)
        send(sent_packets.connack(0, present=subscriptions.present))
        self._topics.resume()

    def heard(self) -> None:
        """The registry shows when the device sent something last."""
        self._azure.presence.record_message(self._admitted.store_key, self._azure.clock.now())

    def serve(self, packet: Packet) -> None:
        """Serve one packet.

        Raises:
            ProtocolBreachError: The connection must end.
            MalformedPacketError: The packet is malformed or not allowed here.
        """
        if self._topics:
            self._topics.serve(packet)

    def revocation(self) -> str | None:
        """Whether it was deleted or disabled."""
        return device_access.revocation(self._azure, self._admitted)

    def stop(self, *, tell_will: bool) -> None:
        """End the subscriptions."""
        topics, self._topics = self._topics, None
        if topics:
            topics.close(self._connect.will if tell_will else None)

    def gone(self, connection: Connection) -> None:
        """The device is not connected any more."""
        self._azure.presence.disconnected(self._admitted.store_key, connection, self._azure.clock.now())
