"""The protocol that every resource and function of a provider implements, and the values exchanged with the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sandbox.plugins.property_values import Properties


class PluginError(Exception):
    """A call failed. The message is one line: what failed, the fact found, what to do next."""


class InitializationError(PluginError):
    """A resource was created but did not become ready: the engine keeps it in the state and reports the reason."""

    def __init__(self, reason: str, *, state: State) -> None:
        super().__init__(reason)
        self.state = state


class DiffKind(Enum):
    """How one property differs; the names are those of Pulumi's PropertyDiff.Kind."""

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
    """The result of Diff. `detail` is None when the provider gives no detailed diff."""

    changed: bool
    properties: list[str] = field(default_factory=list)
    replaces: list[str] = field(default_factory=list)
    delete_first: bool = False
    detail: dict[str, PropertyChange] | None = None


@dataclass(frozen=True)
class Autonaming:
    """The engine's autonaming configuration: the mode (PROPOSE, ENFORCE or DISABLE) and the proposed name."""

    mode: str
    proposed: str


@dataclass(frozen=True)
class Candidate:
    """A resource to check: its logical name, its old and new inputs, and the seed for random names."""

    name: str
    olds: Properties
    news: Properties
    seed: bytes = b""
    naming: Autonaming | None = None


@dataclass(frozen=True)
class CheckResult:
    """The checked inputs, and one reason for each thing wrong with them."""

    inputs: Properties
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class State:
    """A resource as the engine's state holds it. `id` is "" in a preview of a creation."""

    id: str
    outputs: Properties
    inputs: Properties = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """Options of one operation: `preview` changes nothing; `timeout` is in seconds, 0 for the resource's default."""

    urn: str
    preview: bool = False
    timeout: float = 0.0


class Resource(Protocol):
    """A resource type. Each method mirrors one call of Pulumi's ResourceProvider service."""

    def check(self, candidate: Candidate) -> CheckResult:
        """Fill in defaults and validate the inputs."""
        ...

    def diff(self, state: State, news: Properties, *, ignored: list[str]) -> DiffResult:
        """Compare the resource with new inputs."""
        ...

    def create(self, news: Properties, operation: Operation) -> State:
        """Create the resource."""
        ...

    def read(self, state: State, operation: Operation) -> State | None:
        """The resource as it is now; None when it no longer exists. A `state` without outputs means an import by id."""
        ...

    def update(self, state: State, news: Properties, operation: Operation, *, ignored: list[str]) -> Properties:
        """Update the resource in place and return the new outputs."""
        ...

    def delete(self, state: State, operation: Operation) -> None:
        """Delete the resource; succeeds when it no longer exists."""
        ...


class Function(Protocol):
    """A function that a program can invoke."""

    def __call__(self, arguments: Properties) -> CheckResult:
        """The result (as `inputs` of the CheckResult), or what is wrong with the arguments."""
        ...
