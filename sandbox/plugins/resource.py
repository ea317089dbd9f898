"""What a provider is made of: resources and functions by token, and the values they exchange with the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sandbox.plugins.property_values import Properties


class PluginError(Exception):
    """A call failed; the text is one line: what failed, the fact found, what to do next."""


class InitializationError(PluginError):
    """A resource was made but did not become ready: the engine keeps it in the state and says why."""

    def __init__(self, reason: str, *, state: State) -> None:
        super().__init__(reason)
        self.state = state


class DiffKind(Enum):
    """How one property differs, by Pulumi's names of it (PropertyDiff.Kind)."""

    ADD = "ADD"
    DELETE = "DELETE"
    UPDATE = "UPDATE"


@dataclass(frozen=True)
class PropertyChange:
    """One entry of a detailed diff."""

    kind: DiffKind
    replaces: bool = False
    of_inputs: bool = True


@dataclass(frozen=True)
class DiffResult:
    """The answer to Diff. `detail` is None where the provider gives no detailed diff."""

    changed: bool
    properties: list[str] = field(default_factory=list)
    replaces: list[str] = field(default_factory=list)
    delete_first: bool = False
    detail: dict[str, PropertyChange] | None = None


@dataclass(frozen=True)
class Autonaming:
    """What the engine's autonaming configuration asks for: mode PROPOSE, ENFORCE or DISABLE, and the name."""

    mode: str
    proposed: str


@dataclass(frozen=True)
class Candidate:
    """A resource that the engine wants checked: its logical name, its inputs before and now, and the seed of random names."""

    name: str
    olds: Properties
    news: Properties
    seed: bytes = b""
    naming: Autonaming | None = None


@dataclass(frozen=True)
class CheckResult:
    """The inputs to go on with, and one reason for each thing wrong with them."""

    inputs: Properties
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class State:
    """A resource as the engine keeps it. `id` is "" in a preview of a creation."""

    id: str
    outputs: Properties
    inputs: Properties = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """How a change is to be done: `preview` changes nothing; `timeout` in seconds, 0 for the default of the resource."""

    urn: str
    preview: bool = False
    timeout: float = 0.0


class Resource(Protocol):
    """A resource type. Each method mirrors one call of Pulumi's ResourceProvider service."""

    def check(self, candidate: Candidate) -> CheckResult:
        """Complete and validate inputs."""
        ...

    def diff(self, state: State, news: Properties, *, ignored: list[str]) -> DiffResult:
        """Compare the resource with new inputs."""
        ...

    def create(self, news: Properties, operation: Operation) -> State:
        """Make it."""
        ...

    def read(self, state: State, operation: Operation) -> State | None:
        """The resource as it is now; None when it is gone. No outputs in `state` means an import by id."""
        ...

    def update(self, state: State, news: Properties, operation: Operation, *, ignored: list[str]) -> Properties:
        """Change it in place; the new outputs."""
        ...

    def delete(self, state: State, operation: Operation) -> None:
        """Remove it; one that is gone already is a success."""
        ...


class Function(Protocol):
    """A function that a program can invoke."""

    def __call__(self, arguments: Properties) -> CheckResult:
        """The result (as `inputs` of the answer) or what is wrong with the arguments."""
        ...
