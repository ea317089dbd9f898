"""Steps for resources that exist already: `Resource.get` reads one that the stack does not manage, the option `import` adopts one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sandbox.engine.providers.provider_error import PartialFailure, ProviderError
from sandbox.engine.steps.step import PartOfReplacement, with_secret_outputs
from sandbox.engine.values import property_values
from sandbox.engine.values import urn as urns

if TYPE_CHECKING:
    from sandbox.engine.state.deployment import Resource
    from sandbox.engine.steps.step import StepContext


@dataclass(eq=False)
class Read(PartOfReplacement):
    """Reads a resource that the stack does not manage (`Resource.get`); with `replacing`, the stack managed another one by that URN."""

    kind = "read"

    async def apply(self, context: StepContext) -> None:
        assert self.new is not None
        new = self.new
        failure: PartialFailure | None = None
        if new.id != property_values.UNKNOWN_TEXT:
            try:
                state = await (await context.providers.of(new)).read(new.urn, new.id, new.inputs, new.inputs)
            except PartialFailure as partial:
                state, failure = partial.state, partial
            if state is None:
                raise ProviderError(f"resource '{new.id}' does not exist")
            new = replace(new, id=state.id, outputs=state.outputs, init_errors=failure.reasons if failure else ())
        old = self.old
        changed = old is None or new.inputs != old.inputs or new.outputs != old.outputs
        new = replace(
            new, created=old.created if old else "", modified=context.journal.now() if old and changed else old.modified if old else ""
        )
        self.new = new = with_secret_outputs(new)
        # A read that found no change is not counted.
        self.counted = int(old is None or (old.id, old.inputs, old.outputs) != (new.id, new.inputs, new.outputs))
        context.journal.add(new)
        if old is not None:
            if self.replacing:
                context.journal.change(old, replace(context.journal.current(old), delete=True))
            else:
                context.journal.remove(old)
        if failure is not None:
            raise failure


@dataclass(eq=False)
class Import(PartOfReplacement):
    """Imports an existing resource into the stack; with `replacing`, it replaces another one."""

    kind = "import"
    pending = "importing"
    # The resource as it was found: the plan continues from it.
    found: Resource | None = None

    async def apply(self, context: StepContext) -> None:
        assert self.new is not None
        wanted, id_ = self.new, self.new.import_id
        reasons: tuple[str, ...] = ()
        try:
            state = await (await context.providers.of(wanted)).read(wanted.urn, id_, None, None)
        except PartialFailure as partial:
            state, reasons = partial.state, partial.reasons
        if state is None:
            raise ProviderError(f"resource '{id_}' does not exist")
        if state.inputs is None:
            raise ProviderError(
                f"provider does not support importing resources; please try updating the '{urns.package_of(wanted.type)}' plugin"
            )
        now = context.journal.now()
        found = replace(
            wanted, id=state.id or id_, inputs=state.inputs, outputs=state.outputs, init_errors=reasons, created=now, modified=now
        )
        self.new = self.found = with_secret_outputs(found)
        context.journal.add(self.new)
        if self.old is not None:
            context.journal.change(self.old, replace(context.journal.current(self.old), delete=True))
        self.old = self.new
