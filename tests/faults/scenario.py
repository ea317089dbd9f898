"""The rows of the matrix: what stood, what happened to it, what a run then declares, and what must be there in the end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.faults.case_hub import CaseHub
from tests.faults.stack import Declared


def _untouched(_case: CaseHub) -> None:
    """Nothing happens."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One operation of one resource; every callable gets the case's own hub."""

    resource: str
    operation: str
    kind: str = "IotHubs"  # or provisioningServices
    setup: Callable[[CaseHub], None] = _untouched  # what the hub must have before anything else
    before: Callable[[CaseHub], Declared] = lambda _case: {}  # what the run before declared
    meanwhile: Callable[[CaseHub], None] = _untouched  # what others did since
    declared: Callable[[CaseHub], Declared]  # what the run that meets the fault declares
    wanted: Callable[[CaseHub], Mapping[str, Any]]  # what must stand in the end, as ``found`` shows it
    found: Callable[[CaseHub], Mapping[str, Any]]
    names: Callable[[CaseHub], Mapping[str, str]] = lambda _case: {}  # literals in paths, and what the report calls them
    login: bool = False  # the run that meets the fault has no token yet, and its calls for one are of the operation
    for_good: bool = True  # each fault also at every try
    most_calls: int = 60  # of the run that meets the fault: nobody hammers Azure
    population: bool = False  # devices are connected: at no moment may there be no verified CA

    @property
    def title(self) -> str:
        """How the report and the tests call it."""
        return f"{self.resource}, {self.operation}"
