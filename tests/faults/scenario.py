"""The rows of the matrix: the earlier state, what changed it, what a run then declares, and the expected result."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.faults.case_hub import CaseHub
from tests.faults.stack import Declared


def _untouched(_case: CaseHub) -> None:
    """Change nothing."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One operation of one resource; every callable gets the case's own hub."""

    resource: str
    operation: str
    kind: str = "IotHubs"  # or provisioningServices
    setup: Callable[[CaseHub], None] = _untouched  # prepares the hub, before anything else
    before: Callable[[CaseHub], Declared] = lambda _case: {}  # what the previous run declared
    meanwhile: Callable[[CaseHub], None] = _untouched  # what others changed since then
    declared: Callable[[CaseHub], Declared]  # what the run that meets the fault declares
    wanted: Callable[[CaseHub], Mapping[str, Any]]  # what must exist at the end, in the form that ``found`` returns
    found: Callable[[CaseHub], Mapping[str, Any]]
    names: Callable[[CaseHub], Mapping[str, str]] = lambda _case: {}  # literals in paths, and their names in the report
    login: bool = False  # the run with the fault has no token yet, and its calls for one get the faults
    permanent: bool = True  # each fault also at every retry
    deadline: float = 3  # seconds, where the fault is permanent; more where something is gone, which takes seconds to confirm
    most_calls: int = 60  # of the run with the fault
    population: bool = False  # devices are connected: some CA must be verified at every moment

    @property
    def title(self) -> str:
        """Its name in the report and the tests."""
        return f"{self.resource}, {self.operation}"
