"""The device plane: the attempts to connect, and the open connections."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local_azure_iot.hub_registry.device_access import REFUSED, DeviceRefusedError
from local_azure_iot.judge import certificate
from local_azure_iot.tls_transport import Peer

if TYPE_CHECKING:
    from OpenSSL import crypto

    from local_azure_iot.hub_registry.presence import Connection
    from local_azure_iot.local_azure import Azure

_KEPT = 10_000
_PEERS_KEPT = 1_000
_LONGEST = 500  # characters of what a client sent as its name; a device's and a module's ids have 257 together
ENDED = "closed: "  # how the reason of a connection's end begins: it had been accepted


@dataclass(frozen=True)
class Attempt:
    """One attempt to connect and its outcome: for the control port, never for the client."""

    time: str
    host: str  # the server name in TLS (SNI)
    device: str
    accepted: bool
    reason: str  # why not; empty for one that was accepted
    subject: str = ""  # of the certificate that was sent
    issuer: str = ""
    own_words: bool = False  # whether it was refused for what it says of itself, which no change of the hub mends


@dataclass
class Plane:
    """What all sessions share. The log is bounded: the oldest entries are dropped."""

    azure: Azure
    attempts: deque[Attempt] = field(default_factory=lambda: deque(maxlen=_KEPT))
    peers: dict[tuple[str, str], Peer] = field(default_factory=dict)  # what a device sent last in TLS, by hub's host and device
    connections: set[Connection] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Listen to the refusals of protocols that have no sessions, and to the clock, by which tokens expire."""
        self.azure.clock.when_set(self._clock_set)
        self.azure.listeners.add(REFUSED, "", self._refused_without_session)

    def _clock_set(self) -> None:
        for connection in tuple(self.connections):
            connection.recheck()

    def _refused_without_session(self, host: str, chain: list[crypto.X509], client: str, device: str, refused: DeviceRefusedError) -> None:
        self.log_attempt(Peer(host, chain, client), device, str(refused), own_words=refused.own_words)

    def log_attempt(self, peer: Peer, device: str, reason: str, *, own_words: bool = False) -> None:
        """Record an attempt to connect, or the end of a connection; an empty `reason`: it was accepted."""
        device = device[:_LONGEST]
        subject, issuer = certificate.names_sent(peer.chain[0]) if peer.chain else ("", "")
        attempt = Attempt(
            time=self.azure.clock.now().isoformat(),
            host=peer.server_name,
            device=device,
            accepted=not reason,
            reason="".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in reason),
            subject=subject[:_LONGEST],
            issuer=issuer[:_LONGEST],
            own_words=own_words,
        )
        self.attempts.append(attempt)
        if device:
            key = (peer.server_name.lower(), device)
            self.peers.pop(key, None)
            self.peers[key] = peer
            if len(self.peers) > _PEERS_KEPT:
                del self.peers[next(iter(self.peers))]

    def refused(self, peer: Peer, reason: str) -> None:
        """Record a client whose TLS handshake came to nothing."""
        self.log_attempt(peer, "", reason)

    def clear(self) -> None:
        """Forget the log."""
        self.attempts.clear()
        self.peers.clear()

    def close(self) -> None:
        """End every connection at once."""
        for connection in tuple(self.connections):
            connection.abort()
