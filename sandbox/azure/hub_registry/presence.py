"""Which devices are connected right now. Kept in memory only: no connection outlives the process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class Session(Protocol):
    """One connection of a device."""

    def reconsider(self) -> None:
        """The device's identity was written or is gone: see, once the write is done, whether the session may go on."""


@dataclass
class Activity:
    """What the registry tells about a device's connections."""

    session: Session | None = None
    changed: datetime | None = None  # connected or disconnected
    last: datetime | None = None  # anything heard from it


@dataclass
class Presence:
    """Activities by the device's key in the store."""

    _activities: dict[str, Activity] = field(default_factory=dict)

    def of(self, key: str) -> Activity:
        """What is known of a device; nothing, for one that never connected."""
        return self._activities.get(key) or Activity()

    def connected(self, key: str, session: Session, now: datetime) -> Session | None:
        """A session began; gives the one before it, which the newer one displaces."""
        before = self.of(key).session
        self._activities[key] = Activity(session, now, now)
        return before

    def heard(self, key: str, now: datetime) -> None:
        """A device sent something."""
        if key in self._activities:
            self._activities[key].last = now

    def disconnected(self, key: str, session: Session, now: datetime) -> None:
        """A session ended; one that was displaced already changes nothing."""
        activity = self._activities.get(key)
        if activity and activity.session is session:
            self._activities[key] = Activity(None, now, activity.last)

    def changed(self, key: str) -> None:
        """A device's identity was written or removed."""
        activity = self._activities.get(key)
        if activity and activity.session:
            activity.session.reconsider()

    def changed_under(self, prefix: str) -> None:
        """Everything under a hub may have changed."""
        for key in [key for key in self._activities if key.startswith(prefix)]:
            self.changed(key)

    def forget(self, key: str) -> None:
        """A device is gone, and with it what was known of it."""
        activity = self._activities.get(key)
        if activity and activity.session is None:
            del self._activities[key]

    def count(self, prefix: str) -> int:
        """How many devices under a hub are connected."""
        return sum(1 for key, activity in self._activities.items() if activity.session and key.startswith(prefix))
