"""The service's end of a link: what all kinds of them have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from proton import Link, Message, ProtonException

from local_azure_iot.amqp.link_errors import DECODE_ERROR, DETACH_FORCED, NOT_ALLOWED, LinkError

if TYPE_CHECKING:
    from collections.abc import Callable

    from proton import Delivery, Receiver, Sender

    from local_azure_iot.amqp.claims import Claims
    from local_azure_iot.amqp.plane import AmqpPlane
    from local_azure_iot.hub_registry.device_access import AdmittedIdentity
    from local_azure_iot.messaging.methods import Invocation
    from local_azure_iot.store import Document
    from local_azure_iot.tls_transport import Peer

_MOST_OUTGOING = 1024 * 1024  # bytes that wait in a session to be sent, beyond which nothing is added


@dataclass(kw_only=True)
class Service:
    """What the links of one connection share: the hub that it is with, and what its client has proven."""

    plane: AmqpPlane
    claims: Claims
    peer: Peer
    hub_key: str
    event_hub: bool  # whether the client asked for the event-hub-compatible endpoint's name, not for the hub's
    host: str  # the name that it asked for, without a port
    flush: Callable[[], None]  # soon let links send what waits, and the transport what Proton has
    deadline: Callable[[float], None]  # told of a time, in seconds since 1970, at which claims are to be checked again
    end_link: Callable[[Link, LinkError], None]
    devices: dict[str, ConnectedDevice] = field(default_factory=dict)  # by their keys in the store
    reply_links: dict[str, list[Node]] = field(default_factory=dict)  # links for answers, by the node that they come from

    @property
    def hub(self) -> Document:
        """The hub as it is now.

        Raises:
            LinkError: It was deleted.
        """
        return self.claims.require_hub()


class Node:
    """One link. Subclasses say what it does with messages; each raises LinkError to end it."""

    def __init__(self, service: Service, link: Link) -> None:
        self.service, self.azure = service, service.plane.azure
        self.link = link

    def authorize(self) -> None:
        """Check, at the beginning and whenever a claim may have ended, that the client may have this link."""
        raise NotImplementedError

    def opened(self) -> None:
        """The link was accepted."""

    def closed(self) -> None:
        """The link is gone, for any reason."""

    def pump(self) -> None:
        """The client may take more messages."""

    def message(self, message: Message) -> None:  # noqa: ARG002 - a subclass's way to take it
        """A message came from the client. It is accepted once this returns, and rejected where this raises LinkError."""
        raise LinkError(NOT_ALLOWED, "messages can't be sent on this link")

    def outcome(self, delivery: Delivery) -> None:
        """The client settled a message that was sent to it, or says what became of it."""
        delivery.settle()


class ReceivingNode(Node):
    """A link on which the client sends."""

    link: Receiver
    credit = 100  # how many messages the client may send before the next ones are allowed
    max_size = 256 * 1024  # bytes of one message

    def parts(self, data: bytes) -> list[bytes]:
        """The encoded messages in what came as one."""
        return [data]

    def opened(self) -> None:
        """Let the client send."""
        self.link.flow(self.credit)

    def top_up(self) -> None:
        """Let it send on."""
        if self.link.credit < self.credit // 2:
            self.link.flow(self.credit - self.link.credit)


class SendingNode(Node):
    """A link on which the client receives."""

    link: Sender
    _number = 0

    @property
    def ready(self) -> bool:
        """Whether a message can be sent now."""
        return bool(self.link.credit > 0 and self.link.session.outgoing_bytes < _MOST_OUTGOING)

    def send(self, message: Message) -> Delivery:
        """Send a message; settled at once if the client asked for that."""
        self._number += 1
        delivery = self.link.delivery(str(self._number))
        self.link.send(bytes(message.encode()))
        self.link.advance()
        if self.link.remote_snd_settle_mode == Link.SND_SETTLED:
            delivery.settle()
        return delivery


class ConnectedDevice:
    """A device or module on one connection: what the registry knows of as its connection."""

    def __init__(self, service: Service, admitted: AdmittedIdentity) -> None:
        self.service, self.admitted = service, admitted
        self.nodes: list[Node] = []
        self.calls: dict[str, Invocation] = {}  # of methods, that it has got and not answered
        self.name = f"{admitted.device}/{admitted.module}" if admitted.module else admitted.device

    def recheck(self) -> None:
        """Once the current write is done, check whether it may stay."""
        self.service.deadline(self.service.plane.azure.clock.timestamp())

    def end(self, reason: str) -> None:
        """End its links."""
        self.service.plane.log_attempt(self.service.peer, self.name, f"closed: {reason}")
        for node in tuple(self.nodes):
            self.service.end_link(node.link, LinkError(DETACH_FORCED, reason))

    def abort(self) -> None:
        """End its links at once."""
        self.end("local Azure ends")


def take(node: ReceivingNode, message: Message) -> None:
    """Give a node a message.

    Raises:
        LinkError: The node refuses it, or a text in it is none.
    """
    try:
        node.message(message)
    except UnicodeDecodeError as error:  # Proton reads ids, addresses and kinds of content only when they are asked for
        raise LinkError(DECODE_ERROR, f"a property of the message is not text in UTF-8: {error}") from error


def decoded(data: bytes) -> Message:
    """The message that a client has sent.

    Raises:
        LinkError: It can't be decoded.
    """
    message = Message()
    try:
        message.decode(data)
    except (ProtonException, UnicodeDecodeError, ValueError) as error:
        raise LinkError(DECODE_ERROR, f"the message can't be decoded: {error}") from error
    return message


def refuse(link: Link, error: LinkError) -> None:
    """Attach and detach at once, with the reason.

    AMQP 1.0 wants an attach without a terminus (section 2.6.3). Microsoft's own clients don't read the reason then, and they follow
    the redirection of a hub: so Azure can't do that.
    """
    link.open()
    link.condition = error.to_condition()
    link.close()
