"""The links of one AMQP connection: which are open, what is done with an event of one, and how one ends."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from local_azure_iot.amqp import nodes
from local_azure_iot.amqp.link import Node, ReceivingNode, SendingNode, Service, decoded, refuse, take
from local_azure_iot.amqp.link_errors import FAILED, INTERNAL_ERROR, LIMIT_EXCEEDED, TOO_LARGE, UNAUTHORIZED, LinkError

if TYPE_CHECKING:
    from collections.abc import Callable

    from proton import Delivery, Event, Link

_log = logging.getLogger("local_azure_iot")
_MOST_LINKS = 1000


class Links:
    """The links, each with the node that serves it. An error of a link ends that link alone."""

    def __init__(self) -> None:
        """Begin without one, and without the right to any: that comes with `service`, once the client was let in."""
        self.service: Service | None = None
        self._nodes: dict[Link, Node] = {}

    def recheck(self) -> None:
        """End the links that the client may not have any more."""
        for link, node in tuple(self._nodes.items()):
            self._guarded(link, node.authorize)

    def pump(self) -> None:
        """The client reads again: go on with what had to wait."""
        for link, node in tuple(self._nodes.items()):
            self._guarded(link, node.pump)

    def drop(self, session: object = None) -> None:
        """The links are gone, all of them or those of a session."""
        for link in tuple(self._nodes):
            if session is None or link.session == session:
                self._drop(link)

    def attach(self, event: Event) -> None:
        """The client asks for a link."""
        link = event.link
        link.source.copy(link.remote_source)
        link.target.copy(link.remote_target)
        try:
            node = nodes.node_of(self._service_with_room(), link)
            node.authorize()
        except LinkError as error:
            refuse(link, error)
            return
        if isinstance(node, ReceivingNode):
            link.max_message_size = node.max_size
        link.open()
        self._nodes[link] = node
        self._guarded(link, node.opened)

    def _service_with_room(self) -> Service:
        if self.service is None:
            raise LinkError(UNAUTHORIZED, "the connection was refused")
        if len(self._nodes) >= _MOST_LINKS:
            raise LinkError(LIMIT_EXCEEDED, f"a connection has at most {_MOST_LINKS} links")
        return self.service

    def detach(self, event: Event) -> None:
        """The client gives a link up."""
        self._drop(event.link)
        event.link.close()
        event.link.free()

    def _drop(self, link: Link) -> None:
        node = self._nodes.pop(link, None)
        if node:
            node.closed()

    def flow(self, event: Event) -> None:
        """The client takes more messages."""
        node = self._nodes.get(event.link)
        if node:
            self._guarded(event.link, node.pump)

    def _guarded(self, link: Link, action: Callable[[], None]) -> None:
        """Run an action of a link; an error in it ends the link, not the connection."""
        try:
            action()
        except LinkError as error:
            self.end(link, error)
        except Exception:  # noqa: BLE001 - last resort: a client must get AMQP's error, and other clients must not suffer
            _log.exception("an AMQP link at %s failed inside local Azure", self.service.host if self.service else "no hub")
            self.end(link, LinkError(INTERNAL_ERROR, FAILED))

    def end(self, link: Link, error: LinkError) -> None:
        """End a link, and say why."""
        self._drop(link)
        link.condition = error.to_condition()
        link.close()
        if self.service:
            self.service.flush()

    def delivery(self, event: Event) -> None:
        """A message, or a part of one, came; or the client says what became of one that it got."""
        link, delivery = event.link, event.delivery
        node = self._nodes.get(link)
        if node is None:
            if delivery.readable and not delivery.partial:
                delivery.settle()
        elif isinstance(node, ReceivingNode):
            self._guarded(link, lambda: _received(node, delivery))
        elif isinstance(node, SendingNode) and delivery.updated:
            self._guarded(link, lambda: node.outcome(delivery))


def _received(node: ReceivingNode, delivery: Delivery) -> None:
    if not delivery.readable:
        return
    if delivery.pending > node.max_size:
        raise LinkError(TOO_LARGE, f"a message is larger than this link takes: {node.max_size} bytes")
    if delivery.partial:
        return
    data = bytes(node.link.recv(delivery.pending) or b"") if delivery.pending else b""
    node.link.advance()
    try:
        for message in [decoded(part) for part in node.parts(data)]:
            take(node, message)
        delivery.update(delivery.ACCEPTED)
    except LinkError as error:
        delivery.local.condition = error.to_condition()
        delivery.update(delivery.REJECTED)
    delivery.settle()
    node.top_up()
