"""The resources that a program registers and reads in one run; each is planned and its steps are run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NoReturn

from sandbox.engine.errors import EngineError
from sandbox.engine.plan.aliases import Aliases
from sandbox.engine.plan.existing import Read
from sandbox.engine.plan.replacement import Replacements
from sandbox.engine.plan.resource_plan import Plan, Planning, Refused
from sandbox.engine.providers.provider_error import ProviderError
from sandbox.engine.steps.executor import StepFailed, Stopped
from sandbox.engine.values import urn as urns
from sandbox.engine.values.property_path import PathError

if TYPE_CHECKING:
    from sandbox.engine.plan.targets import Targets
    from sandbox.engine.policy.policies import Policies
    from sandbox.engine.state.deployment import Resource
    from sandbox.engine.steps.executor import Executor
    from sandbox.engine.steps.goal import Goal
    from sandbox.engine.values.property_values import Properties


@dataclass(frozen=True)
class RegisterResult:
    """The result of a registration: `fail` only if the run continues after errors, `unknown` if the resource was skipped."""

    resource: Resource
    result: Literal["success", "fail"] = "success"
    unknown: bool = False


class Registrations:
    """The registrations of one run.

    Args:
        executor: runs the steps.
        olds: the state before, after any refresh.
        project: the project's name.
        stack: the stack's name.
        targets: the targets that the run is limited to.
        policies: the policies that check each resource.
    """

    def __init__(self, executor: Executor, olds: list[Resource], *, project: str, stack: str, targets: Targets, policies: Policies) -> None:
        self._executor = executor
        self._project, self._stack = project, stack
        by_urn = {old.urn: old for old in olds if not old.delete}
        self.replacements = Replacements(executor, olds, targets)
        self._aliases = Aliases(stack, project, by_urn)
        self._planning = Planning(executor, self.replacements, self._aliases, targets, policies, by_urn)
        self.seen: set[str] = set()

    async def register(self, goal: Goal) -> RegisterResult:
        """Create, update or replace a resource as the program asks.

        Raises:
            Refused: the registration is not allowed; the run stops.
            Stopped: the run has stopped.
        """
        self._executor.check()
        urn = self._claim(goal.parent, goal.type, goal.name)
        try:
            old = self._aliases.find(urn, goal, self.seen - {urn} if goal.aliases else ())
            renamed = old.urn if old is not None and old.urn != urn else ""
            new = goal.resource(urn, old, renamed)
            if renamed and self._planning.targets.excludes(new):
                self.seen.add(renamed)  # it keeps its old URN, which its children refer to
            elif renamed:
                self._executor.context.journal.rename(renamed, urn)
            resource = await Plan(self._planning, goal, new, old).carry_out()
            return RegisterResult(resource, unknown=urn in self._planning.skipped)
        except StepFailed:
            if self._executor.stopping.is_set():
                raise Stopped from None
            self._planning.failed.add(urn)
            return RegisterResult(goal.resource(urn, None), "fail")
        except (ProviderError, EngineError, PathError) as bad:
            self._executor.fail(str(bad), urn)
            raise Refused from None

    def refuse(self, text: str) -> NoReturn:
        """Report an error and stop the run. Raises `Refused`."""
        self._executor.fail(text)
        raise Refused

    def _claim(self, parent: str, type_: str, name: str) -> str:
        urn = urns.make(self._stack, self._project, parent, type_, name)
        if parent and parent not in self.seen:
            self._executor.fail(f"could not find parent resource {parent}", urn)
            raise Refused
        if urn in self.seen:
            self._executor.fail(f"Duplicate resource URN '{urn}'; try giving it a unique name", urn)
            raise Refused
        self.seen.add(urn)
        return urn

    async def read(self, new: Resource) -> RegisterResult:
        """Read a resource that is managed elsewhere.

        Raises:
            Refused: its parent is missing or its URN is a duplicate; the run stops.
            Stopped: the run has stopped.
        """
        self._executor.check()
        urn = self._claim(new.parent, new.type, urns.name_of(new.urn))
        new = replace(new, urn=urn)
        old = self._planning.olds.get(urn)
        replacing = old is not None and not old.external and old.id != new.id
        self.replacements.operated.add(urn)
        step = Read(urn, old, new, replacing=replacing)
        try:
            await self._planning.run(step)
            if replacing:
                self.replacements.replaced.add(urn)
                await self._planning.run(self.replacements.replace_step(old, step.new, None))
        except StepFailed:
            if self._executor.stopping.is_set():
                raise Stopped from None
            self._planning.failed.add(urn)
            return RegisterResult(new, "fail")
        assert step.new is not None  # it was found, or the step had failed
        return RegisterResult(step.new)

    async def outputs(self, urn: str, outputs: Properties, *, merged: bool = False) -> None:
        """Set a component's outputs. `merged` keeps old outputs that are missing now: after an error they may still be valid."""
        step = self._planning.steps.get(urn)
        if step is None or step.new is None:
            raise ProviderError(f"cannot complete a resource '{urn}' whose registration isn't pending")
        if urn in self._planning.skipped:
            return
        before = step.old.outputs if step.old else {}
        changed = replace(step.new, outputs={**before, **outputs} if merged else outputs)
        self._executor.context.journal.change(step.new, changed)
        step.new = changed
        if not changed.custom:
            await self._executor.completed(step)
            self._executor.events.outputs(step)

    def result(self, urn: str) -> Resource | None:
        """A resource that the program has registered or read, as it is now."""
        step = self._planning.steps.get(urn)
        return step.new if step else None

    @property
    def results(self) -> list[Resource]:
        """All that the program has registered or read, as it is now."""
        return [step.new for urn, step in self._planning.steps.items() if step.new is not None and urn not in self._planning.skipped]
