"""Steps for resources that exist already: read one that is managed elsewhere, or import one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sandbox.engine.providers.provider_error import PartialFailure, ProviderError
from sandbox.engine.steps.step import PartOfReplacement, marked
from sandbox.engine.values import property_values
from sandbox.engine.values import urn as urns

if TYPE_CHECKING:
    from sandbox.engine.state.deployment import Resource
    from sandbox.engine.steps.step import StepContext


@dataclass(eq=False)
class Read(PartOfReplacement):
    """Reads a resource that is managed elsewhere, by its id; with `replacing`, it replaces one that the stack managed."""

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
        self.new = new = marked(new)
        # A read that found no change is not counted.
        self.counted = int(old is None or (old.id, old.inputs, old.outputs) != (new.id, new.inputs, new.outputs))
        context.journal.add(new)
        if old is not None:
            if self.replacing:
                context.journal.change(old, replace(context.journal.current(old), delete=True))
            else:
                context.journal.done(old)
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
        key, id_ = self.new, self.new.import_id
        reasons: tuple[str, ...] = ()
        try:
            state = await (await context.providers.of(key)).read(key.urn, id_, None, None)
        except PartialFailure as partial:
            state, reasons = partial.state, partial.reasons
        if state is None:
            raise ProviderError(f"resource '{id_}' does not exist")
        if state.inputs is None:
            raise ProviderError(
                f"provider does not support importing resources; please try updating the '{urns.package_of(key.type)}' plugin"
            )
        now = context.journal.now()
        found = replace(key, id=state.id or id_, inputs=state.inputs, outputs=state.outputs, init_errors=reasons, created=now, modified=now)
        self.new = self.found = marked(found)
        context.journal.add(self.new)
        if self.old is not None:
            context.journal.change(self.old, replace(context.journal.current(self.old), delete=True))
        self.old = self.new
