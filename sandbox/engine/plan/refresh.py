"""Updates the state from the real resources: reads each one, reports drift, and removes those that no longer exist."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sandbox.engine.providers.provider_error import PartialFailure
from sandbox.engine.state import dependencies
from sandbox.engine.steps.executor import Stopped
from sandbox.engine.steps.step import Step, with_secret_outputs
from sandbox.engine.values import urn as urns

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.engine.providers.lifecycle import ResourceState
    from sandbox.engine.state.deployment import Resource
    from sandbox.engine.steps.executor import Executor
    from sandbox.engine.steps.step import StepContext


@dataclass(eq=False)
class Refresh(Step):
    """Reads one resource. If `reported` (by `refresh` itself), its outcome is same, update or delete, and is counted."""

    reported: bool = False
    kind = "refresh"
    logical: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.counted = int(self.reported)
        self._set_outcome("same")

    def _set_outcome(self, outcome: str) -> None:
        if self.reported:
            self.outcome = outcome

    async def apply(self, context: StepContext) -> None:
        old = self.old
        assert old is not None
        if not old.custom or urns.is_provider(old.type) or old.pending_replacement:
            return
        provider = await context.providers.of(old)
        reasons: tuple[str, ...] = ()
        try:
            state = await provider.read(old.urn, old.id, old.inputs, old.outputs)
        except PartialFailure as partial:
            state, reasons = partial.state, partial.reasons
        if state is None:
            self.new = None
            self._set_outcome("delete")
            return
        self.new = self._as_read(old, state, reasons, context.journal.now)
        unchanged = old.outputs == self.new.outputs
        if not old.external:
            # The reverse of the diff that the next `up` would show: here the program is the old side, the real resource the new one.
            self.difference = (await provider.diff(self.new, old.inputs, old.ignore_changes)).inverted()
            unchanged = self.difference.changes == "none"
        self._set_outcome("same" if unchanged else "update")

    @staticmethod
    def _as_read(old: Resource, state: ResourceState, reasons: tuple[str, ...], now: Callable[[], str]) -> Resource:
        inputs = old.inputs if state.inputs is None else state.inputs
        new = with_secret_outputs(replace(old, id=state.id, inputs=inputs, outputs=state.outputs, init_errors=reasons))
        if (new.inputs, new.outputs) == (old.inputs, old.outputs):
            return replace(new, inputs=old.inputs, outputs=old.outputs)
        return replace(new, modified=now())


async def refresh(executor: Executor, chosen: Callable[[Resource], bool], *, reported: bool) -> list[Resource]:
    """Read all selected resources; returns the resulting state. If a read fails, the old state is kept.

    Raises:
        Stopped: a read failed; the results of the others are kept.
    """
    context = executor.context
    before = [resource for _, resource in context.journal.remaining()]
    steps = {old: Refresh(old.urn, old, old, reported=reported) for old in before if chosen(old)}

    async def refresh_one(step: Refresh) -> bool:
        if await executor.succeeds(step):
            return True
        step.new = step.old
        return False

    done = await asyncio.gather(*(refresh_one(step) for step in steps.values()))
    after = [steps[old].new if old in steps else old for old in before]
    kept = dependencies.without_dangling_references([resource for resource in after if resource is not None])
    context.journal.replace_all(kept)
    if not all(done):
        raise Stopped
    return kept
