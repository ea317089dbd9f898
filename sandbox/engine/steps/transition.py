"""What a step is about: one resource before and after it. Events and hooks report it; `step.py` carries it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sandbox.engine.state.deployment import Operation

if TYPE_CHECKING:
    from sandbox.engine.providers.differences import Difference
    from sandbox.engine.state.deployment import Resource


@dataclass(eq=False)
class Transition:
    """What a step is about: one resource, from `old` (None before it exists) to `new` (None once it is deleted)."""

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
        assert found is not None  # a step has one or the other
        return found

    def operation(self) -> Operation | None:
        """What must be on disk as pending before the step begins; None where nothing can be left half done."""
        return Operation(self.resource, self.pending) if self.pending and self.resource.custom else None
