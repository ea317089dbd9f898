"""Plans one resource: the steps that lead to what the program asks for.

The order is Pulumi's: look for the old state, import, check, policies, compare, then one of same, update, replace, create.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sandbox.engine.plan.existing import Import
from sandbox.engine.providers import differences
from sandbox.engine.providers.provider_error import ProviderError
from sandbox.engine.state.dependencies import direct_dependencies
from sandbox.engine.steps.executor import StepFailed, Stopped
from sandbox.engine.steps.step import Create, Same, Skip, Step, Update
from sandbox.engine.values import property_values
from sandbox.engine.values import urn as urns

if TYPE_CHECKING:
    from sandbox.engine.plan.aliases import Aliases
    from sandbox.engine.plan.replacement import Replacements
    from sandbox.engine.plan.targets import Targets
    from sandbox.engine.policy.policies import Policies
    from sandbox.engine.providers.differences import Difference
    from sandbox.engine.providers.lifecycle import Lifecycle
    from sandbox.engine.state.deployment import Resource
    from sandbox.engine.steps.executor import Executor
    from sandbox.engine.steps.goal import Goal
    from sandbox.engine.values.property_values import Properties, Value


@dataclass(frozen=True)
class Planning:
    """What the plans of one run share.

    Args:
        old_resources: the resources in the state when the program starts, by URN.
        steps: the last step of each resource that the program has registered or read, by URN.
        skipped: the URNs of new resources that are skipped because they are not targets.
        failed: with --continue-on-error, the URNs of resources whose steps failed, and of those that depend on them.
    """

    executor: Executor
    replacements: Replacements
    aliases: Aliases
    targets: Targets
    policies: Policies
    old_resources: dict[str, Resource]
    steps: dict[str, Step] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)

    async def run(self, step: Step) -> None:
        """Run a step, and record it in `steps` if it leaves the resource in the state."""
        if step.op not in ("replace", "delete-replaced"):
            self.steps[step.urn] = step
        await self.executor.run(step)


class Plan:
    """The plan of one registration.

    Args:
        planning: what all plans of the run share.
        goal: what the program asks for.
        new: the wanted resource.
        old: its old state, where there is one.
    """

    def __init__(self, planning: Planning, goal: Goal, new: Resource, old: Resource | None) -> None:
        self._planning, self._goal, self._new, self._old = planning, goal, new, old
        self._executor, self._context = planning.executor, planning.executor.context
        self._replacements = planning.replacements
        # A replacement is checked twice: with the same seed the provider generates the same random names.
        self._seed = secrets.token_bytes(32)
        self._provider: Lifecycle | None = None

    async def carry_out(self) -> Resource:
        """Plan and run all steps; returns the resource as it is afterwards.

        Raises:
            StepFailed: a step failed, or that of a resource that this one depends on.
            Stopped: the resource is not allowed, or the run has stopped for another reason.
            ProviderError: a provider call failed while the steps were planned.
        """
        if self._planning.targets.excludes(self._new):
            return await self._keep_untargeted()
        self._check_dependencies()
        self._provider = await self._context.providers.of(self._new) if self._new.custom else None
        imported = await self._import()
        await self._check_inputs()
        await self._apply_policies()
        self._executor.raise_if_stopping()
        if self._already_deleted:
            return await self._create_deleted()
        old = self._old
        if old is None:
            self._replacements.created.add(self._new.urn)
            return await self._run(Create(self._new.urn, None, self._new))
        if old.external and not imported:
            self._mark_handled()
            return await self._run(*self._replacements.create_before_delete(old, self._new, None))
        return await self._update_or_replace(old, imported=imported)

    async def _keep_untargeted(self) -> Resource:
        """Keep a resource that is not a target, and what it needs, as they are; skip one that does not exist yet."""
        old, new = self._old, self._new
        if old is None:
            self._planning.skipped.add(new.urn)
            await self._planning.run(Skip(new.urn, None, new))
            return new
        self._mark_handled()
        self._keep_needed(old)
        return await self._run(Same(old.urn, old, replace(old, id="")))

    def _keep_needed(self, resource: Resource) -> None:
        """Keep what an untargeted resource needs, even if the program no longer declares it; it precedes the resource in the state."""
        for urn in direct_dependencies(resource):
            needed = self._planning.old_resources.get(urn)
            if needed is None or urn in self._replacements.handled or urn in self._planning.steps:
                continue
            self._replacements.handled.add(urn)
            self._keep_needed(needed)
            self._context.journal.keep(needed)

    def _check_dependencies(self) -> None:
        """Report a resource that depends on a skipped one. One that depends on a failed one counts as failed: `StepFailed`."""
        skipped, failed = self._planning.skipped, self._planning.failed
        if not skipped and not failed:
            return
        needed = direct_dependencies(self._new)
        for urn in needed:
            if urn in skipped:
                self._report(f"Resource '{self._new.urn}' depends on '{urn}' which was was not specified in --target list.")
        if failed.intersection(needed):
            self._mark_handled()
            raise StepFailed

    async def _import(self) -> bool:
        """Import an existing resource, if the program asks for it and the state does not have it yet."""
        goal, old = self._goal, self._old
        known_id = (old.import_id or old.id) if old else ""
        if not goal.custom or not goal.import_id or (old is not None and not old.external and known_id == goal.import_id):
            return False
        step = Import(self._new.urn, old, self._new, replacing=old is not None)
        self._mark_handled()
        await self._planning.run(step)
        assert step.found is not None  # the step was run
        self._old = step.found
        self._new = replace(self._new, created=step.found.created, modified=step.found.modified)
        return True

    async def _check_inputs(self) -> None:
        """Have the provider check the inputs; ignored changes are reset to the old values first."""
        old, inputs = self._old, self._goal.inputs
        if old is not None:
            inputs, unmatched = differences.with_ignored(inputs, old.inputs, self._goal.ignore_changes)
            if unmatched:
                text = f'cannot ignore changes in added or removed elements of the path: "{", ".join(unmatched)}"'
                self._executor.events.message(text, "info", self._new.urn)
        if self._provider is None:
            self._new = replace(self._new, inputs=inputs)
        elif old is None or old.external or self._already_deleted:
            await self._check_with_provider(self._provider, None, self._goal.inputs)
        else:
            await self._check_with_provider(self._provider, old.inputs, inputs)

    async def _apply_policies(self) -> None:
        """Let the policies remediate and check it; a mandatory violation stops the step."""
        self._new, allowed = await self._planning.policies.apply(self._new, self._goal)
        if not allowed:
            self._executor.failed = True
            if not self._context.preview:
                self._executor.stop()
                raise Stopped

    async def _check_with_provider(self, provider: Lifecycle, old_inputs: Properties | None, inputs: Properties) -> None:
        """Set the inputs to those that the provider returns. Raises `Stopped` if it refuses some."""
        checked = await provider.check(self._new.urn, old_inputs, inputs, self._seed)
        for name, reason in checked.failures:
            what = f"{self._new.type} resource '{urns.name_of(self._new.urn)}'"
            found = f": property {name} value {_shown(checked.inputs.get(name))}" if name else ""
            self._executor.fail(f"{what}{found} has a problem: {reason}", self._new.urn)
        if checked.failures:
            raise Stopped
        self._new = replace(self._new, inputs=checked.inputs)

    @property
    def _already_deleted(self) -> bool:
        """Whether this run has deleted it already, because a resource that it depends on is deleted before it is replaced."""
        names = {self._new.urn, self._old.urn} if self._old else {self._new.urn}
        return bool(names & self._context.deletions)

    def _mark_handled(self) -> None:
        """Mark the old state as handled, under its old and its new URN, so that it is not deleted at the end."""
        self._replacements.handled |= {self._new.urn, self._old.urn} if self._old else {self._new.urn}

    async def _create_deleted(self) -> Resource:
        """Create the replacement of a resource that this run has deleted already."""
        old = self._old
        assert old is not None  # a deleted resource has an old state
        self._context.deletions.difference_update({self._new.urn, old.urn})
        self._mark_handled()
        self._replacements.replaced.add(self._new.urn)
        return await self._run(*self._replacements.create_after_delete(old, self._new))

    async def _update_or_replace(self, old: Resource, *, imported: bool) -> Resource:
        """Compare with the old state and do what the difference requires: nothing, an update or a replacement."""
        difference = await self._difference(old)
        self._executor.raise_if_stopping()
        if self._already_deleted:
            return await self._create_deleted()
        self._mark_handled()
        if old.pending_replacement or (difference.changes == "some" and (difference.replacing or _trigger_changed(old, self._new))):
            return await self._replace(old, difference)
        if difference.changes == "some" or old.init_errors:
            return await self._run(Update(self._new.urn, old, self._new, difference))
        return old if imported else await self._run(Same(self._new.urn, old, self._new))

    async def _difference(self, old: Resource) -> Difference:
        """The difference to the old state, with the options that force a replacement applied."""
        if _trigger_changed(old, self._new):
            return differences.SOME
        reason = self._replacements.cause(self._new)
        if reason is None and await self._provider_requires_replacement(old):
            reason = "provider"
        if reason is not None:
            return differences.Difference("some", replaces=(reason,))
        if self._provider is None:
            return differences.NONE if old.inputs == self._new.inputs else differences.SOME
        # With an alias the old URN may have a type that the provider does not know.
        found = await self._provider.diff(replace(old, urn=self._new.urn), self._new.inputs, self._goal.ignore_changes)
        return differences.with_replacements(found, self._goal.replace_on_changes, init_errors=bool(old.init_errors))

    async def _provider_requires_replacement(self, old: Resource) -> bool:
        """Whether the resource has another provider now, and must be replaced for that."""
        before, after = (urns.split_reference(reference)[0] for reference in (old.provider, self._new.provider))
        if before and before != after and self._planning.aliases.new_urn(before) == after:
            return False
        return await self._context.providers.must_replace(old.provider, self._new.provider)

    async def _replace(self, old: Resource, difference: Difference) -> Resource:
        """Check the inputs again, without the old ones, and replace the resource in the order that options or provider require."""
        goal, new = self._goal, self._new
        if new.protect and old.protect:
            self._report(
                f'unable to replace resource "{new.urn}"\nas it is currently marked for protection. To unprotect the resource, '
                f"remove the `protect` flag from the resource in your Pulumi program and run `{self._context.invocation} up`"
            )
        if goal.import_id:
            text = "previously-imported resources that still specify an ID may not be replaced; please remove the `import` declaration"
            if not self._context.preview:
                raise ProviderError(f"{text} from your program")
            self._executor.events.message(f"{text} from your program", "warning", new.urn)
        self._replacements.replaced.add(new.urn)
        if self._provider is not None:
            # The defaults that a provider filled in are not carried over to a replacement.
            await self._check_with_provider(self._provider, None, goal.inputs)
        delete_first = goal.delete_before_replace if goal.delete_before_replace is not None else difference.delete_first
        if delete_first or old.pending_replacement:
            return await self._run(*await self._replacements.delete_before_create(old, self._new, difference))
        return await self._run(*self._replacements.create_before_delete(old, self._new, difference))

    def _report(self, text: str) -> None:
        """Report why the resource can't be changed; a preview continues and fails at its end, an update stops here."""
        if not self._context.preview:
            self._executor.abort(text, self._new.urn)
        self._executor.events.message(text, "error", self._new.urn)
        self._executor.failed = True

    async def _run(self, *steps: Step) -> Resource:
        """Run the steps; returns the resource as the last Create, Update or Same left it."""
        resource: Resource | None = None
        for step in steps:
            await self._planning.run(step)
            if isinstance(step, Create | Update | Same):
                resource = step.new
        assert resource is not None  # every plan ends in one of them
        return resource


def _trigger_changed(old: Resource, new: Resource) -> bool:
    """Whether `replacementTrigger` has changed, or may have: a first trigger, or none any more, is no change."""
    before, after = property_values.revealed(old.replacement_trigger), property_values.revealed(new.replacement_trigger)
    if property_values.has_unknown(before) or property_values.has_unknown(after):
        return True
    return before is not None and after is not None and before != after


def _shown(value: Value) -> str:
    """A value in an error message, as Pulumi prints it."""
    if isinstance(value, property_values.Secret):
        return "[secret]"
    return "{<nil>}" if value is None else f"{{{value}}}"
