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

    def __init__(self, executor: Executor, old_resources: list[Resource], targets: Targets) -> None:
        self._executor, self._context = executor, executor.context
        self._old_resources, self._targets = old_resources, targets
        # URNs of resources whose old state the run has dealt with: what is left at its end is deleted.
        self.handled: set[str] = set()
        # URNs of resources that this run creates (not as replacements), and replaces.
        self.created: set[str] = set()
        self.replaced: set[str] = set()
        # Resources that are deleted before they are replaced, and by URN the properties that force that.
        self._deleted: set[Resource] = set()
        self._replace_keys: dict[str, tuple[str, ...]] = {}

    def cause(self, new: Resource) -> str | None:
        """The option that makes a resource be replaced together with another one."""
        if any(urn in self.replaced for urn in new.replace_with):
            return "replaceWith"
        return "deletedWith" if new.deleted_with in self.replaced else None

    def create_before_delete(self, old: Resource, new: Resource, difference: Difference | None) -> list[Step]:
        """Create the replacement; delete the old resource at the end of the run."""
        return [Create(new.urn, old, new, difference, replacing=True, keep_old=True), Replace(new.urn, old, new, difference)]

    def create_after_delete(self, old: Resource, new: Resource) -> list[Step]:
        """Create the replacement of a resource that this run has deleted already, as a dependent of another one."""
        difference = differences.Difference("some", replaces=self._replace_keys.get(new.urn, ()))
        return [Replace(new.urn, old, new, None), Create(new.urn, old, new, difference, replacing=True)]

    async def delete_before_create(self, old: Resource, new: Resource, difference: Difference) -> list[Step]:
        """Delete the dependents that must be replaced with it, then the resource; then create the replacement."""
        steps: list[Step] = []
        for dependent in reversed(await self._dependents_to_replace(old)):
            if dependent in self._deleted:
                continue
            if dependent.protect and not dependent.delete:
                raise ProviderError(
                    f'unable to replace resource "{dependent.urn}" as part of replacing "{old.urn}" '
                    "as it is currently marked for protection. To unprotect the resource, remove the `protect` flag from the resource "
                    f"in your Pulumi program and run `{self._context.invocation} up`, or use the command:\n"
                    f"`{self._context.invocation} state unprotect '{dependent.urn}'`"
                )
            steps.append(self._deletion(dependent))
        if not old.pending_replacement:
            steps.append(self._deletion(old))
        return [*steps, Replace(new.urn, old, new, difference), Create(new.urn, old, new, difference, replacing=True)]

    def _deletion(self, resource: Resource) -> Step:
        self._context.deletions.add(resource.urn)
        self._deleted.add(resource)
        return Delete(resource.urn, resource, replacing=True, before_successor=not resource.delete)

    async def _dependents_to_replace(self, root: Resource) -> list[Resource]:
        """The resources that must be replaced because `root` is, in dependency order."""
        found: list[Resource] = []
        replaced = {root.urn}
        # A resource that the run has dealt with was compared with the inputs that it has now.
        done = self.handled | self.created | self._context.deletions
        for resource in dependents(root, self._old_resources, done - {root.urn}):
            keys = await self._keys_that_force_replacement(resource, replaced)
            if keys is not None:
                self._replace_keys[resource.urn] = keys
                replaced.add(resource.urn)
                found.append(resource)
        return found

    async def _keys_that_force_replacement(self, resource: Resource, replaced: set[str]) -> tuple[str, ...] | None:
        """The properties of a dependent that force its replacement when the resources in `replaced` are replaced; None if nothing does."""
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
        """The steps for resources that the program no longer declares, and for replaced ones: (keep, delete).

        Only targets are deleted.

        Raises:
            ProviderError: a resource that is not a target would have to be deleted with one that is.
        """
        kept: list[Step] = []
        deletions: list[Step] = []
        remaining = self._context.journal.remaining()
        chosen = self._targets.with_dependents([resource for _, resource in remaining]) if self._targets.constrained else None
        for original, resource in remaining:
            if chosen is not None and resource.urn not in chosen:
                if not resource.delete and original.urn not in self.handled:
                    kept.append(Same(resource.urn, original, replace(resource, id="")))
                continue
            if resource.delete:
                if original not in self._deleted:
                    deletions.append(Delete(resource.urn, resource, replacing=True, original=original))
            elif original.urn not in self.handled:
                self._must_be_target(resource.urn)
                deletions.append(
                    Forget(resource.urn, original) if resource.pending_replacement else Delete(resource.urn, resource, original=original)
                )
        self._context.deletions.update(step.urn for step in deletions)
        return kept, deletions

    def _must_be_target(self, urn: str) -> None:
        if urn not in self._targets:
            raise ProviderError(
                f"Resource '{urn}' will be destroyed but was not specified in --target list.\n"
                "It depends on a target that will be destroyed: include it in the --target list"
            )
