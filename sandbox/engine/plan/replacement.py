"""How a resource is replaced: create before delete, or delete before create together with its dependents."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.engine.providers import differences
from sandbox.engine.providers.provider_error import ProviderError
from sandbox.engine.state.dependencies import dependents
from sandbox.engine.steps.step import Create, Delete, Forget, Replace, Same, Step
from sandbox.engine.values import property_values
from sandbox.engine.values import urn as urns

if TYPE_CHECKING:
    from sandbox.engine.plan.targets import Targets
    from sandbox.engine.providers.differences import Difference
    from sandbox.engine.state.deployment import Resource
    from sandbox.engine.steps.executor import Executor


class Replacements:
    """The replacements of one run and their effect on other resources."""

    def __init__(self, executor: Executor, olds: list[Resource], targets: Targets) -> None:
        self._executor, self._context = executor, executor.context
        self._olds, self._targets = olds, targets
        # URNs: handled resources of the old state; created; replaced.
        self.operated: set[str] = set()
        self.created: set[str] = set()
        self.replaced: set[str] = set()
        self._deleted: set[Resource] = set()
        self._keys: dict[str, tuple[str, ...]] = {}

    def cause(self, new: Resource) -> str | None:
        """The option that makes a resource be replaced together with another one."""
        if any(urn in self.replaced for urn in new.replace_with):
            return "replaceWith"
        return "deletedWith" if new.deleted_with in self.replaced else None

    def replace_step(self, old: Resource | None, new: Resource | None, difference: Difference | None) -> Step:
        """The step that reports the replacement."""
        assert new is not None  # a replacement has both
        return Replace(new.urn, old, new, difference)

    def created_first(self, old: Resource, new: Resource, difference: Difference | None) -> list[Step]:
        """Create the replacement; delete the old resource at the end of the run."""
        return [Create(new.urn, old, new, difference, replacing=True, keep_old=True), self.replace_step(old, new, difference)]

    def recreated(self, old: Resource, new: Resource) -> list[Step]:
        """Create the replacement of a resource that is already deleted."""
        difference = differences.Difference("some", replaces=self._keys.get(new.urn, ()))
        return [self.replace_step(old, new, None), Create(new.urn, old, new, difference, replacing=True)]

    async def deleted_first(self, old: Resource, new: Resource, difference: Difference) -> list[Step]:
        """Delete the dependents that must be replaced with it, then the resource; then create the replacement."""
        steps: list[Step] = []
        for dependent in reversed(await self._replaced_with(old)):
            if dependent in self._deleted:
                continue
            if dependent.protect and not dependent.delete:
                raise ProviderError(
                    f'unable to replace resource "{dependent.urn}" as part of replacing "{old.urn}" '
                    "as it is currently marked for protection. To unprotect the resource, remove the `protect` flag from the resource "
                    f"in your Pulumi program and run `pulumi up`, or use the command:\n`pulumi state unprotect '{dependent.urn}'`"
                )
            steps.append(self._deletion(dependent))
        if not old.pending_replacement:
            steps.append(self._deletion(old))
        return [*steps, self.replace_step(old, new, difference), Create(new.urn, old, new, difference, replacing=True)]

    def _deletion(self, resource: Resource) -> Step:
        self._context.deletions.add(resource.urn)
        self._deleted.add(resource)
        return Delete(resource.urn, resource, replacing=True, before_successor=not resource.delete)

    async def _replaced_with(self, root: Resource) -> list[Resource]:
        """The resources that must be replaced because `root` is, in dependency order."""
        found: list[Resource] = []
        replaced = {root.urn}
        settled = self.operated | self.created | self._context.deletions
        for resource in dependents(root, self._olds, settled - {root.urn}):
            keys = await self._must_follow(resource, replaced)
            if keys is not None:
                self._keys[resource.urn] = keys
                replaced.add(resource.urn)
                found.append(resource)
        return found

    async def _must_follow(self, resource: Resource, replaced: set[str]) -> tuple[str, ...] | None:
        """The properties that force a replacement if the resources in `replaced` are replaced; None if it is not."""
        if not resource.custom or resource.external:
            return None
        if (
            urns.split_reference(resource.provider)[0] in replaced
            or resource.deleted_with in replaced
            or replaced & {*resource.replace_with}
        ):
            return ()
        touched = {key for key, deps in resource.property_dependencies.items() if replaced.intersection(deps) and key in resource.inputs}
        if not touched:
            return None
        inputs = {key: property_values.UNKNOWN if key in touched else item for key, item in resource.inputs.items()}
        provider = await self._context.providers.of(resource)
        difference = await provider.diff(resource, inputs, resource.ignore_changes)
        difference = differences.with_replacements(difference, resource.replace_on_changes)
        return difference.replaces if difference.replacing else None

    def leftovers(self) -> tuple[list[Step], list[Step]]:
        """Resources the program no longer declares, and replaced ones: (to be kept, to be deleted).

        Only targets are deleted. Raises `ProviderError` if others would have to be deleted with them.
        """
        kept: list[Step] = []
        steps: list[Step] = []
        remaining = self._context.journal.remaining()
        chosen = self._targets.with_dependents([resource for _, resource in remaining]) if self._targets.constrained else None
        for key, resource in remaining:
            if chosen is not None and resource.urn not in chosen:
                if not resource.delete and key.urn not in self.operated:
                    kept.append(Same(resource.urn, key, replace(resource, id="")))
                continue
            if resource.delete:
                if key not in self._deleted:
                    steps.append(Delete(resource.urn, resource, replacing=True, key=key))
            elif key.urn not in self.operated:
                self._must_be_target(resource.urn)
                steps.append(Forget(resource.urn, key) if resource.pending_replacement else Delete(resource.urn, resource, key=key))
        self._context.deletions.update(step.urn for step in steps)
        return kept, steps

    def _must_be_target(self, urn: str) -> None:
        if urn not in self._targets:
            raise ProviderError(
                f"Resource '{urn}' will be destroyed but was not specified in --target list.\n"
                "It depends on a target that goes: include it in the --target list"
            )
