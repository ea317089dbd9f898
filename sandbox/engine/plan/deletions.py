"""Deletes the resources that are no longer needed, each as soon as all its dependents are deleted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sandbox.engine.state.dependencies import deleted_before

if TYPE_CHECKING:
    from sandbox.engine.steps.executor import Executor
    from sandbox.engine.steps.step import Step


async def delete_all(executor: Executor, steps: list[Step]) -> None:
    """Run the deletions, given in state order. If one fails, the resources that it depends on are kept.

    The executor knows whether one failed, and has reported it.
    """
    by_resource = {step.resource: step for step in steps}
    deleted_first = deleted_before(list(by_resource))
    ended: dict[object, asyncio.Task[bool]] = {}

    async def delete_one(step: Step) -> bool:
        deleted = await asyncio.gather(*(ended[resource] for resource in deleted_first[step.resource]))
        return all(deleted) and await executor.succeeds(step)

    for step in reversed(steps):
        ended[step.resource] = asyncio.create_task(delete_one(step))
    await asyncio.gather(*ended.values())
