"""Which devices are connected now. Kept in memory only: no connection outlasts the process."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from local_azure_iot.hub_registry.background import BackgroundWork

_CHUNK = 100  # connections that are rechecked before others have their turn


class Connection(Protocol):
    """One connection of a device, whichever protocol it uses."""

    def recheck(self) -> None:
        """The device's identity was written or deleted: once the write is done, check whether the connection may stay."""

    def end(self, reason: str) -> None:
        """Close the connection; `reason` is for the control port."""

    def abort(self) -> None:
        """End the connection at once, without a last message."""


@dataclass
class Activity:
    """The connection of a device, and the times that the registry shows about it."""

    connection: Connection | None = None
    changed: datetime | None = None  # when it last connected or disconnected
    last: datetime | None = None  # when it last sent anything


async def _recheck(connections: list[Connection]) -> None:
    for start in range(0, len(connections), _CHUNK):
        await asyncio.sleep(0)
        for connection in connections[start : start + _CHUNK]:
            connection.recheck()


@dataclass
class Presence:
    """Activities by the device's key in the store."""

    _activities: dict[str, Activity] = field(default_factory=dict)
    _modules: dict[str, set[str]] = field(default_factory=dict)  # the keys of modules that have connected, by their device's

    def activity_of(self, key: str) -> Activity:
        """A device's activity; an empty one where it has never connected."""
        return self._activities.get(key) or Activity()

    def connected(self, key: str, connection: Connection, now: datetime, device_key: str = "") -> Connection | None:
        """Record that a device connected, or the module of a device. Returns its previous connection, which the new one replaces."""
        before = self.activity_of(key).connection
        self._activities[key] = Activity(connection, now, now)
        if device_key:
            self._modules.setdefault(device_key, set()).add(key)
        return before

    def record_message(self, key: str, now: datetime) -> None:
        """Record that a device sent something, connected or by HTTPS."""
        self._activities.setdefault(key, Activity()).last = now

    def disconnected(self, key: str, connection: Connection, now: datetime) -> None:
        """Record that a connection ended. A connection that was replaced before changes nothing."""
        activity = self._activities.get(key)
        if activity and activity.connection is connection:
            self._activities[key] = Activity(None, now, activity.last)

    def recheck(self, key: str) -> None:
        """Recheck a device's connection, and those of its modules: its identity was written or deleted."""
        for each in (key, *self._modules.get(key, ())):
            activity = self._activities.get(each)
            if activity and activity.connection:
                activity.connection.recheck()

    def recheck_under(self, prefix: str, background: BackgroundWork) -> None:
        """Recheck the connections of all devices whose keys begin with `prefix`: where they are many, some after the others."""
        open_now = [each.connection for key, each in self._activities.items() if each.connection and key.startswith(prefix)]
        for connection in open_now[:_CHUNK]:
            connection.recheck()
        if rest := open_now[_CHUNK:]:
            # It asks each connection to check itself, which can't fail here.
            background.begin(f"connections {prefix} {id(rest)}", lambda: _recheck(rest), lambda _reason: None)

    def forget(self, key: str) -> None:
        """Forget the activity of a device that was deleted."""
        activity = self._activities.get(key)
        if activity and activity.connection is None:
            del self._activities[key]

    def count(self, prefix: str) -> int:
        """How many devices under a hub are connected, without their modules."""
        of_modules = set().union(*self._modules.values())
        connected = (key for key, activity in self._activities.items() if activity.connection and key.startswith(prefix))
        return sum(1 for key in connected if key not in of_modules)
