"""The kinds of step: what each does to the resource and to the state. `plan/` decides on them, `executor.py` runs them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sandbox.engine.providers.provider_error import PartialFailure, ProviderError
from sandbox.engine.steps.transition import Transition
from sandbox.engine.values import property_values
from sandbox.engine.values import urn as urns

if TYPE_CHECKING:
    from sandbox.engine.providers.lifecycle import ResourceState
    from sandbox.engine.providers.provider_resources import Providers
    from sandbox.engine.state.deployment import Resource
    from sandbox.engine.steps.hooks import Hooks
    from sandbox.engine.steps.journal import Journal


@dataclass(frozen=True)
class StepContext:
    """What steps work on. `deletions` are the URNs that this run deletes or has deleted, without those created again since."""

    providers: Providers
    journal: Journal
    hooks: Hooks
    preview: bool
    invocation: str  # how this engine is started, for remedies
    deletions: set[str] = field(default_factory=set)


@dataclass(eq=False)
class Step(Transition, ABC):
    """A transition that can be carried out."""

    @abstractmethod
    async def apply(self, context: StepContext) -> None:
        """Carry it out: the provider call first, then the state.

        Raises:
            ProviderError: the provider call failed; after a `PartialFailure` the state has what was created.
        """

    def _old_and_new(self) -> tuple[Resource, Resource]:
        """Both resources of a step that has both."""
        assert self.old is not None  # the plan gives both
        assert self.new is not None
        return self.old, self.new


@dataclass(eq=False)
class PartOfReplacement(Step):
    """A step that may be part of a replacement: then it is `replace` that the user sees and the summary counts."""

    replacing: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.replacing:
            self.op = self.outcome = f"{self.kind}-replacement"
            self.logical, self.counted = False, 0


@dataclass(eq=False)
class Same(Step):
    """Nothing has changed except perhaps options and dependencies, which only the state holds."""

    kind = "same"

    async def apply(self, context: StepContext) -> None:
        old, new = self._old_and_new()
        self.new = replace(new, id=old.id, outputs=old.outputs, created=old.created, modified=old.modified)
        if urns.is_provider(new.type):
            await context.providers.configure(self.new)
        context.journal.remove(old)
        context.journal.add(self.new)


@dataclass(eq=False)
class Skip(Step):
    """A resource that does not exist yet and is skipped because it is not a target."""

    kind = "same"

    async def apply(self, context: StepContext) -> None:
        pass


@dataclass(eq=False)
class Create(PartOfReplacement):
    """A new resource; with `replacing` the replacement of `old`, which is deleted later (`keep_old`) or was deleted before."""

    keep_old: bool = False
    kind = "create"
    pending = "creating"

    async def apply(self, context: StepContext) -> None:
        assert self.new is not None
        wanted = self.new
        if not wanted.custom:
            self._add_to_state(context, wanted)
            return
        try:
            provider = await context.providers.of(wanted)
            state = await context.hooks.retried(self, provider.create, wanted)
        except PartialFailure as partial:
            self._add_to_state(context, replace(with_state(wanted, partial.state), init_errors=partial.reasons))
            raise
        self._add_to_state(context, with_state(wanted, state))

    def _add_to_state(self, context: StepContext, new: Resource) -> None:
        now = context.journal.now()
        self.new = replace(new, created=now, modified=now)
        context.journal.add(self.new)
        if self.old is not None and self.replacing:
            if self.keep_old:
                context.journal.change(self.old, replace(context.journal.current(self.old), delete=True))
            else:
                context.journal.remove(self.old)


@dataclass(eq=False)
class Update(Step):
    """A change in place."""

    kind = "update"
    pending = "updating"

    async def apply(self, context: StepContext) -> None:
        old, wanted = self._old_and_new()
        new = replace(wanted, id=old.id, created=old.created, modified=old.modified)
        self.new = new
        try:
            if new.custom:
                provider = await context.providers.of(new)
                state = await context.hooks.retried(self, provider.update, old, wanted)
                new = replace(with_state(new, state), modified=context.journal.now())
        except PartialFailure as partial:
            self.new = replace(with_state(new, partial.state), init_errors=partial.reasons, modified=context.journal.now())
            self._add_to_state(context, old)
            raise
        self.new = new
        self._add_to_state(context, old)

    def _add_to_state(self, context: StepContext, old: Resource) -> None:
        assert self.new is not None
        context.journal.remove(old)
        context.journal.add(self.new)


@dataclass(eq=False)
class Replace(Step):
    """Reports that a resource is replaced; other steps create and delete."""

    kind = "replace"

    async def apply(self, context: StepContext) -> None:
        pass


@dataclass(eq=False)
class Delete(PartOfReplacement):
    """Deletes a resource: it is no longer declared, or (`replacing`) it is replaced.

    With `before_successor` the state keeps it, marked as pending replacement, until the replacement is created.
    `original` is the resource as it was at the start of the run, if `old` has changed since: the journal knows it by that.
    """

    before_successor: bool = False
    original: Resource | None = None
    kind = "delete"
    pending = "deleting"

    def __post_init__(self) -> None:
        super().__post_init__()
        verb = "discard" if self.resource.external else "delete"
        self.op = self.outcome = f"{verb}-replaced" if self.replacing else verb

    async def apply(self, context: StepContext) -> None:
        assert self.old is not None
        original, old = self.original or self.old, self.old
        if old.protect and not self.replacing:
            raise ProviderError(
                f"resource {old.urn!r} cannot be deleted\nbecause it is protected. To unprotect the resource, either remove the `protect` "
                f"flag from the resource in your Pulumi program and run `{context.invocation} up`, or use the command:\n"
                f"`{context.invocation} state unprotect '{old.urn}'`"
            )
        if not context.preview and self._must_call(old, context):
            provider = await context.providers.of(old)
            await context.hooks.retried(self, provider.delete, old)
        if self.before_successor:
            context.journal.change(original, replace(old, pending_replacement=True))
        else:
            context.journal.remove(original)

    @staticmethod
    def _must_call(old: Resource, context: StepContext) -> bool:
        goes_with_another = bool(old.deleted_with) and old.deleted_with in context.deletions
        return old.custom and not old.external and not old.retain_on_delete and not goes_with_another


@dataclass(eq=False)
class Forget(Step):
    """A resource that was deleted for a replacement that was never created: only the state still has it."""

    kind = "remove-pending-replace"
    # An earlier run has shown and counted its deletion.
    logical: bool = field(init=False, default=False)
    counted: int = field(init=False, default=0)

    async def apply(self, context: StepContext) -> None:
        assert self.old is not None
        context.journal.remove(self.old)


def with_state(new: Resource, state: ResourceState) -> Resource:
    """The resource with the state that the provider returned."""
    return with_secret_outputs(
        replace(new, id=state.id or new.id, outputs=state.outputs, init_errors=(), refresh_before_update=state.refresh_before_update)
    )


def with_secret_outputs(new: Resource) -> Resource:
    """The resource with every output marked secret that its options or its secret inputs mark as secret."""
    keys = [key for key in new.additional_secret_outputs if key in new.outputs]
    keys += [key for key, item in new.inputs.items() if isinstance(item, property_values.Secret) and key in new.outputs]
    return replace(new, outputs={**new.outputs, **{key: property_values.secret(new.outputs[key]) for key in keys}}) if keys else new
