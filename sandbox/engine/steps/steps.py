"""The kinds of step: what each does to the world and to the state. Deciding on them is `planner.py`, running them `executor.py`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from sandbox.engine.providers.provider_error import PartialFailure, ProviderError
from sandbox.engine.state.deployment import Operation
from sandbox.engine.values import urn as urns
from sandbox.engine.values import values

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.engine.providers.differences import Difference
    from sandbox.engine.providers.provider import Made
    from sandbox.engine.providers.providers import Providers
    from sandbox.engine.state.deployment import Resource
    from sandbox.engine.steps.hooks import Hooks
    from sandbox.engine.steps.journal import Journal


@dataclass(frozen=True)
class World:
    """What steps work on. `deletions` are the URNs that this run deletes, for `deletedWith`."""

    providers: Providers
    journal: Journal
    hooks: Hooks
    preview: bool
    now: Callable[[], str]
    deletions: set[str] = field(default_factory=set)


@dataclass(eq=False)
class Step:
    """One step of one resource: from `old` (None before it exists) to `new` (None when it goes)."""

    urn: str
    old: Resource | None = None
    new: Resource | None = None
    difference: Difference | None = None
    kind: ClassVar[str] = ""
    pending: ClassVar[str] = ""

    @property
    def op(self) -> str:
        """The operation, in Pulumi's words."""
        return self.kind

    @property
    def logical(self) -> bool:
        """Whether the user sees it as a step of its own."""
        return True

    @property
    def counted(self) -> int:
        """How often the summary counts it."""
        return 1

    @property
    def outcome(self) -> str:
        """The operation as it turned out."""
        return self.op

    @property
    def resource(self) -> Resource:
        """The resource that the step is about."""
        found = self.new or self.old
        assert found is not None  # noqa: S101 - a step has one or the other
        return found

    def operation(self) -> Operation | None:
        """What must be on disk as pending before the step begins; None where nothing can be left half done."""
        return Operation(self.resource, self.pending) if self.pending and self.resource.custom else None

    async def apply(self, world: World) -> None:
        """Do it: to the world first, then to the state.

        Raises:
            ProviderError: the provider could not; of a `PartialFailure` the state knows what there is.
        """
        raise NotImplementedError

    def _have(self) -> tuple[Resource, Resource]:
        assert self.old is not None  # noqa: S101 - the planner gives both
        assert self.new is not None  # noqa: S101
        return self.old, self.new


@dataclass(eq=False)
class PartOfReplacement(Step):
    """A step that may be part of a replacement: then it is `replace` that the user sees and the summary counts."""

    replacing: bool = False

    @property
    def op(self) -> str:
        """The operation."""
        return f"{self.kind}-replacement" if self.replacing else self.kind

    @property
    def logical(self) -> bool:
        """Whether the user sees it as a step of its own."""
        return not self.replacing

    @property
    def counted(self) -> int:
        """A replacement is counted once."""
        return 0 if self.replacing else 1


@dataclass(eq=False)
class Same(Step):
    """Nothing has changed but perhaps options and dependencies, which only the state knows."""

    kind = "same"

    async def apply(self, world: World) -> None:  # noqa: D102 - as the base says
        old, new = self._have()
        self.new = replace(new, id=old.id, outputs=old.outputs, created=old.created, modified=old.modified)
        if urns.is_provider(new.type):
            await world.providers.keep(self.new)
        world.journal.done(old)
        world.journal.add(self.new)


@dataclass(eq=False)
class Skip(Step):
    """A resource that is not there yet, and is left out because it is no target."""

    kind = "same"

    async def apply(self, world: World) -> None:  # noqa: D102
        pass


@dataclass(eq=False)
class Create(PartOfReplacement):
    """A new resource; with `replacing` the successor of `old`, which goes later (`keep_old`) or has gone before."""

    keep_old: bool = False
    kind = "create"
    pending = "creating"

    async def apply(self, world: World) -> None:  # noqa: D102
        assert self.new is not None  # noqa: S101
        key = self.new
        if not key.custom:
            self._keep(world, key)
            return
        try:
            provider = await world.providers.of(key)
            made = await world.hooks.retried(self, lambda: provider.create(key))
        except PartialFailure as partial:
            self._keep(world, replace(made_resource(key, partial.made), init_errors=partial.reasons))
            raise
        self._keep(world, made_resource(key, made))

    def _keep(self, world: World, new: Resource) -> None:
        now = world.now()
        self.new = replace(new, created=now, modified=now)
        world.journal.add(self.new)
        if self.old is not None and self.replacing:
            if self.keep_old:
                world.journal.change(self.old, replace(world.journal.current(self.old), delete=True))
            else:
                world.journal.done(self.old)


@dataclass(eq=False)
class Update(Step):
    """A change in place."""

    kind = "update"
    pending = "updating"

    async def apply(self, world: World) -> None:  # noqa: D102
        old, key = self._have()
        new = replace(key, id=old.id, created=old.created, modified=old.modified)
        self.new = new
        try:
            if new.custom:
                provider = await world.providers.of(new)
                made = await world.hooks.retried(self, lambda: provider.update(old, key))
                new = replace(made_resource(new, made), modified=world.now())
        except PartialFailure as partial:
            self.new = replace(made_resource(new, partial.made), init_errors=partial.reasons, modified=world.now())
            self._keep(world, old)
            raise
        self.new = new
        self._keep(world, old)

    def _keep(self, world: World, old: Resource) -> None:
        assert self.new is not None  # noqa: S101
        world.journal.done(old)
        world.journal.add(self.new)


@dataclass(eq=False)
class Replace(Step):
    """Says that a resource is replaced; what is done about it are other steps."""

    kind = "replace"

    async def apply(self, world: World) -> None:  # noqa: D102
        pass


@dataclass(eq=False)
class Delete(PartOfReplacement):
    """A resource goes: because it is no longer wanted, or (`replacing`) because a successor took or takes its place.

    With `before_successor` the state keeps it, as one to be replaced, until the successor is there.
    `key` is the resource as the run met it, when `old` is what has become of it.
    """

    before_successor: bool = False
    key: Resource | None = None
    kind = "delete"
    pending = "deleting"

    @property
    def op(self) -> str:
        """The operation; what is not ours is only let go of."""
        verb = "discard" if self.resource.external else "delete"
        return f"{verb}-replaced" if self.replacing else verb

    async def apply(self, world: World) -> None:  # noqa: D102
        assert self.old is not None  # noqa: S101
        key, old = self.key or self.old, self.old
        if old.protect and not self.replacing:
            raise ProviderError(
                f"resource {old.urn!r} cannot be deleted\nbecause it is protected. To unprotect the resource, either remove the `protect` "
                "flag from the resource in your Pulumi program and run `pulumi up`, or use the command:\n"
                f"`pulumi state unprotect '{old.urn}'`"
            )
        if not world.preview and self._must_call(old, world):
            provider = await world.providers.of(old)
            await world.hooks.retried(self, lambda: provider.delete(old))
        if self.before_successor:
            world.journal.change(key, replace(old, pending_replacement=True))
        else:
            world.journal.done(key)

    @staticmethod
    def _must_call(old: Resource, world: World) -> bool:
        goes_with_another = bool(old.deleted_with) and old.deleted_with in world.deletions
        return old.custom and not old.external and not old.retain_on_delete and not goes_with_another


@dataclass(eq=False)
class Forget(Step):
    """A resource whose successor never came, and which was deleted before: only the state still knows it."""

    kind = "remove-pending-replace"

    @property
    def logical(self) -> bool:
        """The user has seen it go before."""
        return False

    @property
    def counted(self) -> int:
        """It was counted then."""
        return 0

    async def apply(self, world: World) -> None:  # noqa: D102
        assert self.old is not None  # noqa: S101
        world.journal.done(self.old)


def made_resource(new: Resource, made: Made) -> Resource:
    """The resource as the provider made or changed it."""
    made_id = made.id or new.id
    return marked(replace(new, id=made_id, outputs=made.outputs, init_errors=(), refresh_before_update=made.refresh_before_update))


def marked(new: Resource) -> Resource:
    """The resource with every output marked secret that its options or its own secret inputs say is one."""
    keys = [key for key in new.additional_secret_outputs if key in new.outputs]
    keys += [key for key, item in new.inputs.items() if isinstance(item, values.Secret) and key in new.outputs]
    return replace(new, outputs={**new.outputs, **{key: values.secret(new.outputs[key]) for key in keys}}) if keys else new
