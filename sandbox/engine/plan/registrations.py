"""The resources that a program registers and reads in one run; each is planned and its steps are run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from sandbox.engine.errors import EngineError
from sandbox.engine.plan.aliases import Aliases
from sandbox.engine.plan.existing import Read
from sandbox.engine.plan.replacement import Replacements
from sandbox.engine.plan.resource_plan import Plan, Planning
from sandbox.engine.providers.provider_error import ProviderError
from sandbox.engine.steps.executor import StepFailed
from sandbox.engine.steps.step import Replace
from sandbox.engine.values import urn as urns
from sandbox.engine.values.property_path import PathError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from sandbox.engine.plan.targets import Targets
    from sandbox.engine.policy.policies import Policies
    from sandbox.engine.state.deployment import Resource
    from sandbox.engine.steps.executor import Executor
    from sandbox.engine.steps.goal import Goal
    from sandbox.engine.values.property_values import Properties


@dataclass(frozen=True)
class RegisterResult:
    """What the program gets back for a resource that it registers or reads.

    `status` is "fail" only with --continue-on-error: without it, a failure ends the run. `outputs_unknown` is True for a new
    resource that is skipped because it is not a target: it has no outputs.
    """

    resource: Resource
    status: Literal["success", "fail"] = "success"
    outputs_unknown: bool = False


class Registrations:
    """The registrations of one run.

    Args:
        executor: runs the steps.
        old_resources: the resources in the state when the program starts (after the refresh, if there is one).
        project: the project's name.
        stack: the stack's name.
        targets: the targets that the run is limited to.
        policies: the policies that check each resource.
    """

    def __init__(
        self, executor: Executor, old_resources: list[Resource], *, project: str, stack: str, targets: Targets, policies: Policies
    ) -> None:
        self._executor = executor
        self._project, self._stack = project, stack
        # A resource with `delete` has been replaced already and only waits for its deletion: no registration is about it.
        by_urn = {old.urn: old for old in old_resources if not old.delete}
        self.replacements = Replacements(executor, old_resources, targets)
        self._aliases = Aliases(stack, project, by_urn)
        self._planning = Planning(executor, self.replacements, self._aliases, targets, policies, by_urn)
        self.registered_urns: set[str] = set()

    async def register(self, goal: Goal) -> RegisterResult:
        """Create, update or replace a resource as the program asks.

        Raises:
            Stopped: the registration is not allowed, or the run has stopped for another reason.
        """
        urn = self._new_urn(goal.parent, goal.type, goal.name)
        try:
            return await self._result(urn, goal.resource(urn, None), self._carry_out(urn, goal))
        except (ProviderError, EngineError, PathError) as error:
            self._executor.abort(str(error), urn)

    async def _carry_out(self, urn: str, goal: Goal) -> Resource:
        """Find the old resource, plan the steps and run them; returns the resource as it is afterwards."""
        old = self._aliases.find(urn, goal, self.registered_urns)
        old_urn = old.urn if old is not None and old.urn != urn else ""
        new = goal.resource(urn, old, old_urn)
        if old_urn and self._planning.targets.excludes(new):
            self.registered_urns.add(old_urn)  # it keeps its old URN, which its children refer to
        elif old_urn:
            self._executor.context.journal.rename(old_urn, urn)
        return await Plan(self._planning, goal, new, old).carry_out()

    async def _result(self, urn: str, wanted: Resource, steps: Coroutine[None, None, Resource]) -> RegisterResult:
        """The result of a resource whose `steps` are run here; if one fails, the result has the `wanted` resource, without outputs."""
        try:
            return RegisterResult(await steps, outputs_unknown=urn in self._planning.skipped)
        except StepFailed:
            # Without --continue-on-error a failed step ends the run; with it, resources that depend on this one fail too.
            self._executor.raise_if_stopping()
            self._planning.failed.add(urn)
            return RegisterResult(wanted, "fail")

    def _new_urn(self, parent: str, type_: str, name: str) -> str:
        """The URN of a resource that the program registers or reads now; no other one may have it from now on.

        Raises:
            Stopped: the run has stopped, or it stops because the parent is not registered or the URN is taken.
        """
        self._executor.raise_if_stopping()
        urn = urns.make(self._stack, self._project, parent, type_, name)
        if parent and parent not in self.registered_urns:
            self._executor.abort(f"could not find parent resource {parent}", urn)
        if urn in self.registered_urns:
            self._executor.abort(f"Duplicate resource URN '{urn}'; try giving it a unique name", urn)
        self.registered_urns.add(urn)
        return urn

    async def read(self, name: str, resource: Resource) -> RegisterResult:
        """Read an existing resource that the stack does not manage, as `Resource.get` asks; `resource` has no URN yet.

        Raises:
            Stopped: its parent is missing, its URN is taken, or the run has stopped for another reason.
        """
        urn = self._new_urn(resource.parent, resource.type, name)
        new = replace(resource, urn=urn)
        return await self._result(urn, new, self._read(new))

    async def _read(self, new: Resource) -> Resource:
        """Read the resource. If the program asks for another id than the one in the state, the old resource is replaced."""
        old = self._planning.old_resources.get(new.urn)
        replacing = old is not None and not old.external and old.id != new.id
        self.replacements.handled.add(new.urn)
        step = Read(new.urn, old, new, replacing=replacing)
        await self._planning.run(step)
        assert step.new is not None  # a read that finds nothing fails its step, which raises
        if replacing:
            self.replacements.replaced.add(new.urn)
            await self._planning.run(Replace(new.urn, old, step.new))
        return step.new

    async def set_outputs(self, urn: str, outputs: Properties, *, keep_missing: bool = False) -> None:
        """Set the outputs that the program registers for a resource, normally a component.

        With `keep_missing`, those of the last run that are missing in `outputs` are kept.

        Raises:
            ProviderError: the program has not registered the resource.
        """
        step = self._planning.steps.get(urn)
        if step is None or step.new is None:
            raise ProviderError(f"cannot complete a resource '{urn}' whose registration isn't pending")
        if urn in self._planning.skipped:
            return
        before = step.old.outputs if step.old else {}
        changed = replace(step.new, outputs={**before, **outputs} if keep_missing else outputs)
        self._executor.context.journal.change(step.new, changed)
        step.new = changed
        if not changed.custom:  # a custom resource's hooks and outputs are those of its own step
            await self._executor.run_after_hooks(step)
            self._executor.events.outputs(step)

    def resource(self, urn: str) -> Resource | None:
        """A resource that the program has registered or read, as it is now."""
        step = self._planning.steps.get(urn)
        return step.new if step else None

    @property
    def resources(self) -> list[Resource]:
        """All resources that the program has registered or read, as they are now, without those that were skipped."""
        return [step.new for urn, step in self._planning.steps.items() if step.new is not None and urn not in self._planning.skipped]
