"""The rows of the matrix: what stood, what happened to it, what a run then declares, and the world that it must end in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.faults.stack import Declared
from tests.faults.world import World


def _untouched(_world: World) -> None:
    """Nothing happens."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One operation of one resource; every callable gets the case's own world."""

    resource: str
    operation: str
    kind: str = "IotHubs"  # or provisioningServices
    setup: Callable[[World], None] = _untouched  # what the hub must have before anything else
    before: Callable[[World], Declared] = lambda _world: {}  # what the run before declared
    meanwhile: Callable[[World], None] = _untouched  # what others did since
    declared: Callable[[World], Declared]  # what the run that meets the fault declares
    wanted: Callable[[World], Mapping[str, Any]]  # what must stand in the end, as ``found`` shows it
    found: Callable[[World], Mapping[str, Any]]
    names: Callable[[World], Mapping[str, str]] = lambda _world: {}  # literals in paths, and what the report calls them
    login: bool = False  # the run that meets the fault has no token yet, and its calls for one are of the operation
    for_good: bool = True  # each fault also at every try
    most_calls: int = 60  # of the run that meets the fault: nobody hammers Azure
    population: bool = False  # devices are connected: at no moment may there be no verified CA

    @property
    def title(self) -> str:
        """How the report and the tests call it."""
        return f"{self.resource}, {self.operation}"
