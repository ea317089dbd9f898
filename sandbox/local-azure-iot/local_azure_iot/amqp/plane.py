"""What all AMQP connections share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.tls_transport import Peer


class Session(Protocol):
    """An open connection."""

    def abort(self) -> None:
        """End it at once."""


class Reader(Protocol):
    """A reader of a partition."""

    level: int | None

    def stolen(self, level: int) -> None:
        """Another reader takes the partition."""


@dataclass
class AmqpPlane:
    """The open connections, and the readers of each partition: one with a higher level ends the others."""

    azure: Azure
    log_attempt: Callable[[Peer, str, str], None]  # for the control port: the client, the device, and why it was refused or ended
    sessions: set[Session] = field(default_factory=set)
    readers: dict[str, list[Reader]] = field(default_factory=dict)  # by hub, consumer group and partition

    def close(self) -> None:
        """End every connection at once."""
        for session in tuple(self.sessions):
            session.abort()
