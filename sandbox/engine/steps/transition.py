"""The resource of a step, before and after it. Events and hooks report it; `step.py` carries it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from sandbox.engine.state.deployment import Operation

if TYPE_CHECKING:
    from sandbox.engine.providers.differences import Difference
    from sandbox.engine.state.deployment import Resource


@dataclass(eq=False)
class Transition:
    """One resource, from `old` (None before it exists) to `new` (None once it is deleted).

    `op` is the operation by Pulumi's name, and `outcome` the operation that the step turned out to be. `pending` is the kind of
    its pending operation in the state, empty if no provider call changes anything. `logical` is whether the user sees it as a
    step of its own, `counted` how often the summary counts it.
    """

    urn: str
    old: Resource | None = None
    new: Resource | None = None
    difference: Difference | None = None
    kind: ClassVar[str] = ""
    pending: ClassVar[str] = ""
    op: str = field(init=False)
    outcome: str = field(init=False)
    custom: bool = field(init=False)
    logical: bool = field(init=False, default=True)
    counted: int = field(init=False, default=1)

    def __post_init__(self) -> None:
        self.custom = self.resource.custom
        self.op = self.outcome = self.kind

    @property
    def resource(self) -> Resource:
        """The resource that the step is about."""
        found = self.new or self.old
        assert found is not None  # a step has one or the other
        return found

    def operation(self) -> Operation | None:
        """The pending operation that the state must hold before the step begins; None if no provider call changes anything."""
        return Operation(self.resource, self.pending) if self.pending and self.custom else None
