"""The stack's state while a run changes it, and when it is saved.

Resources that the run has handled come first, in the order in which it finished them; the others follow
unchanged. So a resource always comes after what it depends on. When and why it is written: see `checkpoint.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sandbox.engine.state.dependencies import with_new_urns
from sandbox.engine.state.deployment import Deployment, manifest

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.engine.state.deployment import Operation, Resource

# A change that no step deleted_before for is saved at most this share (1 in 20) of the time: otherwise saves would take most of a long run.
_PACE = 20


def now() -> str:
    """The time as state keeps it: RFC 3339, UTC, and as Go writes it no zeros at a fraction's end."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".") + "Z"


class Journal:
    """The state of a run.

    Args:
        base: the state when the run begins.
        save: saves a deployment in the backend; None in a preview, which saves nothing.
        now: the time as RFC 3339 text.
    """

    def __init__(self, base: Deployment, save: Callable[[Deployment], None] | None, now: Callable[[], str]) -> None:
        self._base, self._save, self.now = base, save, now
        # Each old resource that the run has not finished yet, with what it is now.
        self._remaining: dict[Resource, Resource] = {resource: resource for resource in base.resources}
        # By URN: a run finishes each URN once.
        self._finished: dict[str, Resource] = {}
        # By URN, old resources that were moved to the finished ones because one of these needs them. The run may come to them yet.
        self._kept: dict[str, Resource] = {}
        self._operations: dict[Operation, None] = dict.fromkeys(base.pending_operations)
        # Old URNs to the ones that their resources have now: what still refers to them must follow.
        self._renamed: dict[str, str] = {}
        self._version = self._saved = 0
        self._writing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._seconds_of_last_save = 0.0  # seconds, of the last save

    def deployment(self) -> Deployment:
        """The whole state at this moment."""
        if self._renamed:
            self._remaining = {key: with_new_urns(resource, self._renamed) for key, resource in self._remaining.items()}
            self._renamed.clear()
        return replace(
            self._base,
            resources=(*self._finished.values(), *self._remaining.values()),
            pending_operations=tuple(self._operations),
            manifest=manifest(self.now()),
        )

    def remaining(self) -> list[tuple[Resource, Resource]]:
        """(as it was, as it is) of each old resource that the run has not replaced or removed yet."""
        return list(self._remaining.items())

    def forget_operations(self) -> None:
        """Drop the operations of an earlier, interrupted run."""
        if self._operations:
            self._operations.clear()
            self._version += 1

    def begin(self, operation: Operation) -> None:
        """A provider call will begin."""
        self._operations[operation] = None
        self._version += 1

    def end(self, operation: Operation) -> None:
        """The provider call has ended, successfully or not; its result is saved soon."""
        del self._operations[operation]
        self._version += 1
        self.save_soon()

    def add(self, new: Resource) -> None:
        """Add a resource that the run has finished. An old one that was kept in its place remains, until a step changes or removes it."""
        kept = self._kept.pop(new.urn, None)
        if kept is not None and kept is not new:
            self._remaining[kept] = self._finished[new.urn]
        self._finished[new.urn] = new
        self._version += 1

    def keep(self, old: Resource) -> None:
        """Keep an old resource as it is, before a resource that needs it and is finished next."""
        self.remove(old)
        self.add(old)
        self._kept[old.urn] = old

    def rename(self, old: str, new: str) -> None:
        """A resource has another URN from now on: references to it follow."""
        self._renamed[old] = new

    def remove(self, old: Resource) -> None:
        """Remove an old resource that was replaced or deleted."""
        if self._remaining.pop(old, None) is None and self._finished.get(old.urn) is old:
            del self._finished[old.urn]
        if self._kept.get(old.urn) is old:
            del self._kept[old.urn]
        self._version += 1

    def change(self, old: Resource, changed: Resource) -> None:
        """Change a resource; its place in the order stays."""
        if old in self._remaining:
            self._remaining[old] = changed
        else:
            self._finished[old.urn] = changed
        self._version += 1

    def current(self, resource: Resource) -> Resource:
        """A resource as it is now."""
        return self._remaining.get(resource) or self._finished.get(resource.urn) or resource

    def replace_all(self, resources: list[Resource]) -> None:
        """Replace all old resources by others: those that a refresh has read."""
        self._remaining = {resource: resource for resource in resources}
        self._version += 1

    async def wait_until_saved(self) -> None:
        """Wait until all changes so far are saved.

        Raises:
            OSError: what `save` raised; nothing is lost in memory, and the next call tries again.
        """
        wanted = self._version
        while self._save is not None and self._saved < wanted:
            await asyncio.shield(self._begin_save(self._save))

    def save_soon(self) -> None:
        """Begin a save after a while, if there is none by then: see `_PACE`."""
        if self._save is not None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_PACE * self._seconds_of_last_save, self._save_now, self._save)

    def _save_now(self, save: Callable[[Deployment], None]) -> None:
        self._timer = None
        if self._saved < self._version:
            self._begin_save(save)

    def _begin_save(self, save: Callable[[Deployment], None]) -> asyncio.Task[None]:
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(save))
            # A failure is raised by the next call of `wait_until_saved`, which tries again.
            self._writing.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._writing

    async def _write(self, save: Callable[[Deployment], None]) -> None:
        began, version, deployment = asyncio.get_running_loop().time(), self._version, self.deployment()
        await asyncio.to_thread(save, deployment)
        self._saved, self._seconds_of_last_save = version, asyncio.get_running_loop().time() - began
        if self._saved < self._version:
            self.save_soon()
