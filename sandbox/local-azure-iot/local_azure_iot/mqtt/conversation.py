"""What an endpoint does with a client that it has admitted: all that a session leaves to hubs, and to provisioning services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.hub_registry.presence import Connection
    from local_azure_iot.mqtt.packets import Packet

BAD_LEVEL, UNAVAILABLE, NOT_AUTHORIZED = 1, 3, 5  # return codes of MQTT 3.1.1, section 3.2.2.3


class RefusedError(Exception):
    """A refused CONNECT: the return code goes to the client, the reason only to the control port.

    ``own_words``: the reason is in the CONNECT itself, so that no change in Azure lets it in.
    """

    def __init__(self, reason: str, code: int = NOT_AUTHORIZED, *, own_words: bool = False) -> None:
        super().__init__(reason)
        self.code, self.own_words = code, own_words


class Conversation(Protocol):
    """One client that was admitted, from the answer to its CONNECT to the end of its connection."""

    @property
    def client(self) -> str:
        """Its name in the log: the id of a device, `device/module`, or a registration id."""

    @property
    def expires(self) -> float | None:
        """When its token ends, in seconds since 1970; None: it has none."""

    def begin(self, connection: Connection, send: Callable[[bytes], None]) -> None:
        """Answer the CONNECT, and go on from there. Answers and what comes later go to ``send``."""

    def heard(self) -> None:
        """The client sent a packet."""

    def serve(self, packet: Packet) -> None:
        """Serve one packet, other than CONNECT, PINGREQ and DISCONNECT.

        Raises:
            ProtocolBreachError: The connection must end.
            MalformedPacketError: The packet is malformed or not allowed here.
        """

    def revocation(self) -> str | None:
        """Why the client may not stay connected, or None."""

    def stop(self, *, tell_will: bool) -> None:
        """Send nothing more. ``tell_will``: the client did not say goodbye, so its will is to be told."""

    def gone(self, connection: Connection) -> None:
        """The connection is gone."""
