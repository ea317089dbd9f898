"""The methods of a provider for resources, and their results."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.engine.providers.differences import Difference
    from sandbox.engine.state.deployment import Resource
    from sandbox.engine.values.property_values import Properties


@dataclass(frozen=True)
class Checked:
    """Inputs as the provider normalized them, and (property, reason) of each that it refuses."""

    inputs: Properties
    failures: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ResourceState:
    """The state of a resource that a provider created, updated or read. `inputs` is None if the provider returned no inputs."""

    id: str
    outputs: Properties = field(default_factory=dict)
    inputs: Properties | None = None
    refresh_before_update: bool = False


class Lifecycle(Protocol):
    """Manages resources: a provider, or the engine itself for provider resources."""

    async def check(self, urn: str, old_inputs: Properties | None, new_inputs: Properties, seed: bytes) -> Checked:
        """The checked inputs."""

    async def diff(self, old: Resource, new_inputs: Properties, ignored: Sequence[str]) -> Difference:
        """The difference between the old state and new inputs."""

    async def create(self, new: Resource) -> ResourceState:
        """Create it."""

    async def update(self, old: Resource, new: Resource) -> ResourceState:
        """Change it."""

    async def delete(self, old: Resource) -> None:
        """Delete it."""

    async def read(self, urn: str, id_: str, inputs: Properties | None, state: Properties | None) -> ResourceState | None:
        """Read it; None if it does not exist."""


class Connection(Lifecycle, Protocol):
    """A provider that can be configured and called."""

    async def check_config(self, urn: str, old_inputs: Properties, new_inputs: Properties) -> Checked:
        """The checked configuration."""

    async def diff_config(self, urn: str, old: Resource, new_inputs: Properties) -> Difference:
        """The difference between two configurations."""

    async def configure(self, urn: str, id_: str, inputs: Properties) -> None:
        """Send it its configuration."""

    async def invoke(self, token: str, args: Properties) -> tuple[Properties | None, tuple[tuple[str, str], ...]]:
        """Call a function: result and failures."""

    async def construct(self, request: Any, inputs: Properties) -> Any:
        """Construct a component."""

    async def call(self, request: Any, args: Properties) -> Any:
        """Call a component's method."""

    async def cancel(self) -> None:
        """Ask it to stop its operations."""
