"""A client of local Azure's AMQP in this process: Qpid Proton on both sides, with bytes in between."""

from dataclasses import dataclass, field
from typing import Any

from OpenSSL import crypto
from proton import (
    Collector,
    Condition,
    Connection,
    Data,
    Delivery,
    Described,
    Event,
    Link,
    Message,
    Receiver,
    Sender,
    Transport,
    symbol,
    ulong,
)

from local_azure_iot.amqp.connection import AmqpConnection
from local_azure_iot.amqp.plane import AmqpPlane
from local_azure_iot.amqp.sasl import SASL_HEADER
from local_azure_iot.local_azure import Azure
from local_azure_iot.tls_transport import Peer


@dataclass
class Server:
    """What all clients of one test connect to."""

    azure: Azure
    log: list[str] = field(default_factory=list)
    clients: list["AmqpClient"] = field(default_factory=list)
    plane: AmqpPlane = field(init=False)

    def __post_init__(self) -> None:
        """Create what the connections share."""
        self.plane = AmqpPlane(self.azure, self._log)

    def _log(self, _peer: Peer, device: str, reason: str, *, own_words: bool = False) -> None:
        self.log.append(f"{device}: {reason}{' (its own words)' if own_words else ''}" if reason else device)

    def settle(self) -> None:
        """Let every client and its connection say what they have to say."""
        while any(client.exchange() for client in self.clients):
            pass


class AmqpClient:
    """One connection."""

    def __init__(
        self, server: Server, host: str, mechanism: str = "ANONYMOUS", response: bytes = b"", *, chain: list[crypto.X509] | None = None
    ) -> None:
        self.server, self.deadlines = server, list[float]()
        self.theirs = AmqpConnection(server.plane, Peer(host, chain or []), lambda: None, self.deadlines.append)
        self._collector, self._transport, self.connection = Collector(), Transport(), Connection()
        self.said = bytearray()  # every byte that this client has sent
        self.received: dict[str, list[Message]] = {}  # by the name of the link
        self.outcomes: list[Delivery] = []
        self.unsettled: list[Delivery] = []  # received on links that don't accept by themselves
        self.let_in = self._sasl(mechanism, response)
        self._number = 0
        if self.let_in:
            self.connection.hostname, self.connection.container = host, "trial"
            self.connection.collect(self._collector)
            self._transport.bind(self.connection)
            self.connection.open()
            self.session = self.connection.session()
            self.session.open()
            server.clients.append(self)
            server.settle()

    def _sasl(self, mechanism: str, response: bytes) -> bool:
        self._say(SASL_HEADER)
        offer = self.theirs.outgoing()
        assert offer.startswith(SASL_HEADER)
        data = Data()
        data.put_object(Described(ulong(0x41), [symbol(mechanism), response]))
        body = bytes(data.encode())
        self._say((len(body) + 8).to_bytes(4) + b"\x02\x01\x00\x00" + body)
        return self.theirs.outgoing()[-1] == 0

    def _say(self, data: bytes) -> None:
        self.said += data
        self.theirs.receive(data)

    def exchange(self) -> bool:
        """Give what this client says to its connection, and the other way round; whether there was anything."""
        moved = False
        while (pending := self._transport.pending()) > 0:
            self._say(bytes(self._transport.peek(pending)))
            self._transport.pop(pending)
            moved = True
        self.theirs.pump()
        if out := self.theirs.outgoing():
            moved = True
            view = memoryview(out)
            while view:
                room = self._transport.capacity()
                self._transport.push(bytes(view[:room]))
                view = view[room:]
                self._read()
        self._read()
        return moved

    def _read(self) -> None:
        while event := self._collector.peek():
            if event.type == Event.DELIVERY:
                self._delivery(event.link, event.delivery)
            self._collector.pop()

    def _delivery(self, link: Link, delivery: Delivery) -> None:
        if link.is_receiver and delivery.readable and not delivery.partial:
            message = Message()
            message.decode(link.recv(delivery.pending))
            link.advance()
            self.received.setdefault(link.name, []).append(message)
            if getattr(link, "accepts", True):
                delivery.update(Delivery.ACCEPTED)
                delivery.settle()
            else:
                self.unsettled.append(delivery)
        elif link.is_sender and delivery.updated:
            self.outcomes.append(delivery)

    def sender(self, address: str) -> Sender:
        """A link on which this client sends."""
        self._number += 1
        link = self.session.sender(f"s{self._number}")
        link.target.address, link.source.address = address, "here"
        return self._opened(link)

    def receiver(
        self, address: str, credit: int = 10, *, selector: str | None = None, properties: dict[str, Any] | None = None
    ) -> Receiver:
        """A link on which this client receives."""
        self._number += 1
        link = self.session.receiver(f"r{self._number}")
        link.source.address, link.target.address = address, "here"
        if selector is not None:
            name = symbol("apache.org:selector-filter:string")
            link.source.filter.put_object({name: Described(name, selector)})
        if properties:
            link.properties = {symbol(key): value for key, value in properties.items()}
        link.flow(credit)
        return self._opened(link)

    def _opened(self, link: Any) -> Any:
        link.open()
        self.server.settle()
        return link

    def send(self, link: Sender, message: Message) -> Condition | None:
        """Send a message; returns why it was rejected, or None if it was accepted."""
        before = len(self.outcomes)
        link.send(message)
        self.server.settle()
        assert len(self.outcomes) == before + 1, link.remote_condition
        outcome = self.outcomes[-1]
        condition: Condition | None = outcome.remote.condition if outcome.remote_state == Delivery.REJECTED else None
        return condition

    def settle(self, delivery: Delivery, outcome: str) -> None:
        """Say what became of a message."""
        delivery.update(getattr(Delivery, outcome))
        delivery.settle()
        self.server.settle()

    def ask(self, node: str, body: Any, **properties: Any) -> Message:
        """Ask a node that answers; returns the answer."""
        receiver, sender = self.receiver(node), self.sender(node)
        request = Message(body=body, id=f"{node}-{self._number}", reply_to="here")
        request.properties = properties
        assert self.send(sender, request) is None
        (answer,) = self.received.pop(receiver.name)
        assert answer.correlation_id == request.id
        return answer

    def put_token(self, audience: str, token: str, kind: str = "servicebus.windows.net:sastoken") -> int:
        """Put a token to $cbs; returns the status."""
        return int(self.ask("$cbs", token, operation="put-token", type=kind, name=audience).properties["status-code"])

    def drop(self) -> None:
        """The network ends the connection."""
        self.server.clients.remove(self)
        self.theirs.lost()


def refusal(link: Link) -> str:
    """The condition with which a link was refused or ended; empty for one that is open."""
    return str(link.remote_condition.name) if link.remote_condition else ""


def raw(server: Server, data: bytes, host: str = "", *, at_once: int = 1 << 20) -> AmqpConnection:
    """A connection that was sent these bytes, so many at once."""
    sent = AmqpConnection(server.plane, Peer(host, []), lambda: None, lambda _moment: None)
    for start in range(0, len(data), at_once):
        sent.receive(data[start : start + at_once])
        sent.pump()
        if sent.closed:
            break
        sent.outgoing()
    return sent
