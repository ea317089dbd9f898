"""What all AMQP connections share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.tls_transport import Peer


class Session(Protocol):
    """An open connection."""

    def clock_set(self) -> None:
        """Local Azure's clock was set, by which its claims end."""

    def abort(self) -> None:
        """End it at once."""


class LogAttempt(Protocol):
    """Records an attempt to connect, or the end of a connection."""

    def __call__(self, peer: Peer, device: str, reason: str, *, own_words: bool = False) -> None:
        """The client, the device, and why it was refused or ended; whether the reason is what it says of itself."""


class Reader(Protocol):
    """A reader of a partition."""

    level: int | None

    def stolen(self, level: int) -> None:
        """Another reader takes the partition."""


@dataclass
class AmqpPlane:
    """The open connections, and the readers of each partition: one with a higher level ends the others."""

    azure: Azure
    log_attempt: LogAttempt  # for the control port
    sessions: set[Session] = field(default_factory=set)
    readers: dict[str, list[Reader]] = field(default_factory=dict)  # by hub, consumer group and partition

    def __post_init__(self) -> None:
        """Listen to the clock, by which claims end."""
        self.azure.clock.when_set(self._clock_set)

    def _clock_set(self) -> None:
        for session in tuple(self.sessions):
            session.clock_set()

    def close(self) -> None:
        """End every connection at once."""
        for session in tuple(self.sessions):
            session.abort()
