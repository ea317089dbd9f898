"""One AMQP 1.0 connection without a socket: bytes go in and come out. Apache Qpid Proton speaks the protocol."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from proton import Collector, Connection, Event, ProtonException, Transport

from local_azure_iot import host_names
from local_azure_iot.amqp import availability
from local_azure_iot.amqp.claims import Claims, find_hub
from local_azure_iot.amqp.link import Service
from local_azure_iot.amqp.link_errors import DECODE_ERROR, FAILED, INTERNAL_ERROR, NOT_FOUND, NOT_IMPLEMENTED, LinkError
from local_azure_iot.amqp.links import Links
from local_azure_iot.amqp.padding import FrameCompleter, Opening
from local_azure_iot.amqp.sasl import MECHANISMS, PLAIN, Credentials, SaslError, SaslServer
from local_azure_iot.clock import monotonic

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.amqp.plane import AmqpPlane
    from local_azure_iot.tls_transport import Peer

_log = logging.getLogger("local_azure_iot")
_MAX_FRAME, _MOST_SESSIONS = 64 * 1024, 255
_IDLE_SECONDS = 240.0  # after which a silent peer is gone: https://learn.microsoft.com/azure/event-hubs/event-hubs-amqp-troubleshoot


class AmqpConnection:
    """Serves one client. ``flush`` is called when there is something to send although nothing came in; `closed` says when it is over."""

    def __init__(self, plane: AmqpPlane, peer: Peer, flush: Callable[[], None], deadline: Callable[[float], None]) -> None:
        self._plane, self._azure, self._peer, self._flush = plane, plane.azure, peer, flush
        self._deadline = deadline  # told of a time, in seconds since 1970, at which a claim ends and `recheck` is due
        self._sasl: SaslServer | None = SaslServer(self._accepts)
        self._claims: Claims | None = None
        self._links = Links()
        self._opening: Opening | None = Opening()
        self._completer = FrameCompleter()
        self._transport = Transport(Transport.SERVER)
        self._transport.max_frame_size = _MAX_FRAME
        self._transport.channel_max = _MOST_SESSIONS - 1
        self._transport.idle_timeout = _IDLE_SECONDS
        self._connection = Connection()
        self._connection.container = "local-azure-iot"
        self._collector = Collector()
        self._connection.collect(self._collector)
        self._transport.bind(self._connection)
        self._events: dict[object, Callable[[Event], None]] = {
            Event.CONNECTION_REMOTE_OPEN: self._open,
            Event.CONNECTION_REMOTE_CLOSE: self._close,
            Event.SESSION_REMOTE_OPEN: lambda event: event.session.open(),
            Event.SESSION_REMOTE_CLOSE: self._close_session,
            Event.LINK_REMOTE_OPEN: self._links.attach,
            Event.LINK_REMOTE_CLOSE: self._links.detach,
            Event.LINK_REMOTE_DETACH: self._links.detach,
            Event.LINK_FLOW: self._links.flow,
            Event.DELIVERY: self._links.delivery,
        }
        self.closed = False
        self.reason = ""  # why it ended, where it did not end by the client's own close

    @property
    def established(self) -> bool:
        """Whether the client has opened the connection, and was let in."""
        return self._links.service is not None

    def receive(self, data: bytes) -> None:
        """Take bytes from the client. What is to be sent then is in `outgoing`."""
        if self._sasl is not None:
            try:
                self._sasl.feed(data)
            except SaslError as error:
                self._end(str(error))
                return
            if self._sasl.refused:
                self._end("the credentials in SASL are not valid")
            if self._sasl.credentials is None:
                return
            data = self._sasl.rest
            self._early = bytes(self._sasl.out)
            self._sasl = None
        if self._opening is not None:
            data = self._opening.feed(data)
            if self._opening.done:
                self._opening = None
        self._push(data)
        self._serve_events()

    def _push(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view and (room := self._transport.capacity()) > 0:
                self._transport.push(bytes(view[:room]))
                view = view[room:]
                if view:
                    self._serve_events()
        except ProtonException as error:
            self._end(f"AMQP failed: {error}")
        if self._transport.capacity() < 0 and self._transport.condition:
            self._end(f"AMQP failed: {self._transport.condition.description or self._transport.condition.name}")

    def outgoing(self) -> bytes:
        """The bytes to send to the client."""
        out = bytearray()
        if self._sasl is not None:
            out += self._sasl.out
            self._sasl.out.clear()
        out += self._early
        self._early = b""
        while not self._sasl and (pending := self._transport.pending()) > 0:
            out += self._completer.feed(self._transport.peek(pending) or b"")
            self._transport.pop(pending)
            self._serve_events()
        if not self._sasl and self._transport.pending() < 0:
            self.closed = True
        return bytes(out)

    _early = b""

    def tick(self) -> float:
        """Send what keeps the connection alive, end it if the client is silent; returns in how many seconds the next call is due, or 0."""
        now = monotonic()
        due = self._transport.tick(now)
        self._serve_events()
        return max(due - now, 0.001) if due else 0.0

    def recheck(self) -> None:
        """End the links that the client may not have any more."""
        self._links.recheck()

    def pump(self) -> None:
        """The client reads again: go on with what had to wait."""
        self._links.pump()

    def lost(self) -> None:
        """The connection is gone."""
        self.closed = True
        self._links.drop()

    def _end(self, reason: str) -> None:
        self.closed, self.reason = True, self.reason or reason

    def _accepts(self, credentials: Credentials) -> bool:
        """Whether a client may go on. All mechanisms but PLAIN leave the question to the links: tokens, or a certificate, decide there."""
        if credentials.mechanism != PLAIN:
            return credentials.mechanism in MECHANISMS
        for host in (credentials.host, self._peer.server_name):
            claims = self._claims_at(host.partition(":")[0])
            if claims:
                try:
                    accepted = claims.accepts(credentials)
                except LinkError:
                    accepted = False
                if accepted:
                    self._claims = claims
                    return True
        return False

    def _claims_at(self, host: str) -> Claims | None:
        found = find_hub(self._azure, host) if host else None
        if found is None:
            return None
        return Claims(self._azure, self._peer, *found, log=partial(self._plane.log_attempt, self._peer))

    def _serve_events(self) -> None:
        while event := self._collector.peek():
            handler = self._events.get(event.type)
            if handler:
                self._handle(handler, event)
            self._collector.pop()

    def _handle(self, handler: Callable[[Event], None], event: Event) -> None:
        """An error that belongs to no link ends the connection, with the reason."""
        try:
            handler(event)
        except UnicodeDecodeError as error:  # Proton reads texts, such as addresses, only when they are asked for
            self._refuse(LinkError(DECODE_ERROR, f"a text in a frame is not UTF-8: {error}"))
        except Exception:  # noqa: BLE001 - last resort: a client must get AMQP's error, and other clients must not suffer
            _log.exception("an AMQP connection to %s failed inside local Azure", self._peer.server_name)
            self._refuse(LinkError(INTERNAL_ERROR, FAILED))

    def _open(self, event: Event) -> None:
        connection = event.connection
        connection.open()
        host = (connection.remote_hostname or self._peer.server_name).partition(":")[0]
        claims = self._claims_at(host) or self._claims_at(self._peer.server_name)
        if claims is None:
            self._refuse(_unknown(host or self._peer.server_name))
            return
        if self._claims and self._claims.hub_key == claims.hub_key and self._claims.event_hub == claims.event_hub:
            claims = self._claims
        try:
            claims.require_hub()
        except LinkError as error:
            self._refuse(error)
            return
        self._peer = replace(self._peer, server_name=host)  # some clients send no name in TLS
        self._links.service = Service(
            plane=self._plane,
            claims=claims,
            peer=self._peer,
            hub_key=claims.hub_key,
            event_hub=claims.event_hub,
            host=host,
            flush=self._flush,
            deadline=self._deadline,
            end_link=self._links.end,
        )

    def _refuse(self, error: LinkError) -> None:
        self.reason = str(error)
        self._connection.condition = error.to_condition()
        self._connection.close()

    def _close(self, event: Event) -> None:
        self._links.drop()
        event.connection.close()

    def _close_session(self, event: Event) -> None:
        self._links.drop(event.session)
        event.session.close()


def _unknown(host: str) -> LinkError:
    found = host_names.destination(host)
    if found and found.endpoint in host_names.OF_PROVISIONING:
        return LinkError(NOT_IMPLEMENTED, availability.NOT_FOR_PROVISIONING)
    return LinkError(NOT_FOUND, f"there is no hub and no event-hub-compatible endpoint '{host}'")
