"""Updates the state from the real resources: reads each one, reports drift, and removes those that no longer exist."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sandbox.engine.providers.provider_error import PartialFailure
from sandbox.engine.state import dependencies
from sandbox.engine.steps.executor import StepFailed, Stopped
from sandbox.engine.steps.step import Step, marked
from sandbox.engine.values import urn as urns

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.engine.providers.lifecycle import Lifecycle, Made
    from sandbox.engine.state.deployment import Resource
    from sandbox.engine.steps.executor import Executor
    from sandbox.engine.steps.step import StepContext


@dataclass(eq=False)
class Refresh(Step):
    """Reads one resource. With `telling` (`refresh` itself) the outcome is reported and counted as same, update or delete."""

    telling: bool = False
    kind = "refresh"

    @property
    def logical(self) -> bool:
        """A refresh step is not a change itself."""
        return False

    @property
    def outcome(self) -> str:
        """The result of the read."""
        if not self.telling:
            return self.op
        if self.new is None:
            return "delete"
        assert self.old is not None  # a refreshed resource has an old state
        return "same" if self._unchanged(self.old, self.new) else "update"

    def _unchanged(self, old: Resource, new: Resource) -> bool:
        if self.difference is not None:
            return self.difference.changes == "none"
        return old.outputs == new.outputs

    @property
    def counted(self) -> int:
        """Only the steps of `refresh` itself are counted."""
        return int(self.telling)

    async def apply(self, context: StepContext) -> None:
        old = self.old
        assert old is not None
        if not old.custom or urns.is_provider(old.type) or old.pending_replacement:
            return
        provider = await context.providers.of(old)
        reasons: tuple[str, ...] = ()
        try:
            made = await provider.read(old.urn, old.id, old.inputs, old.outputs)
        except PartialFailure as partial:
            made, reasons = partial.made, partial.reasons
        if made is None:
            self.new = None
            return
        self.new = self._found(old, made, reasons, context.now)
        if not old.external:
            await self._compare(provider, old, self.new)

    @staticmethod
    def _found(old: Resource, made: Made, reasons: tuple[str, ...], now: Callable[[], str]) -> Resource:
        inputs = old.inputs if made.inputs is None else made.inputs
        new = marked(replace(old, id=made.id, inputs=inputs, outputs=made.outputs, init_errors=reasons))
        if (new.inputs, new.outputs) == (old.inputs, old.outputs):
            return replace(new, inputs=old.inputs, outputs=old.outputs)
        return replace(new, modified=now())

    async def _compare(self, provider: Lifecycle, old: Resource, new: Resource) -> None:
        # The reverse of the diff that the next `up` would show: here the program is the old side, the real resource the new one.
        self.difference = (await provider.diff(new, old.inputs, old.ignore_changes)).inverted()


async def refresh(executor: Executor, chosen: Callable[[Resource], bool], *, telling: bool) -> list[Resource]:
    """Read all selected resources; returns the resulting state. If a read fails, the old state is kept.

    Raises:
        Stopped: a read failed; the results of the others are kept.
    """
    context = executor.context
    before = [resource for _, resource in context.journal.remaining()]
    steps = {old: Refresh(old.urn, old, old, telling=telling) for old in before if chosen(old)}

    async def one(step: Refresh) -> bool:
        try:
            await executor.run(step)
        except (StepFailed, Stopped):
            step.new = step.old
            return False
        return True

    done = await asyncio.gather(*(one(step) for step in steps.values()))
    after = [steps[old].new if old in steps else old for old in before]
    kept = dependencies.without([resource for resource in after if resource is not None])
    context.journal.rebase(kept)
    if not all(done):
        raise Stopped
    return kept
