"""The operations of EnrollmentFleet."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from hubtrust.dynamic.enrollment_fleet import EnrollmentFleetProvider
from hubtrust.enrollments.fleet_files import enrollments_from_list
from tests.faults.case_hub import CaseHub
from tests.faults.scenario import Scenario
from tests.faults.stack import Declared
from tests.kit.enrollment_client import EnrollmentClient, client_certificate
from tests.kit.local_azure import LocalAzure
from tests.kit.provisioning_client import DATA_CONTRIBUTOR

_certificate = cache(client_certificate)
_Entries = Mapping[str, Any]


@contextmanager
def enrollments(case: CaseHub) -> Iterator[EnrollmentClient]:
    """The service's enrollments, through a client of the tests' own."""
    client = EnrollmentClient(case.azure, case.hub)
    with client.http:
        yield client


def shown(case: CaseHub) -> _Entries:
    """Every individual enrollment: its status, and the tags of its initial twin."""
    with enrollments(case) as found:
        return {one: (row["provisioningStatus"], row["initialTwin"]["tags"]) for one, row in found.every().items()}


def fleet(plants: Mapping[str, str]) -> Callable[[CaseHub], Declared]:
    """One EnrollmentFleet, with the plant of each device."""
    lines = [{"registrationId": one, "certificate": _certificate(one), "tags": {"plant": plant}} for one, plant in plants.items()]

    def declared(case: CaseHub) -> Declared:
        host = f"{case.name}.azure-devices-provisioning.net"
        packed = enrollments_from_list(lines).pack()
        inputs = {"serviceId": case.hub.id, "hostName": host, "fleetName": "presses", "members": packed, "deadline": case.deadline}
        return {"fleet": (EnrollmentFleetProvider, inputs)}

    return declared


def may_manage(azure: LocalAzure) -> None:
    """Give the deployer the data role on every provisioning service of the subscription."""
    azure.grant(DATA_CONTRIBUTOR)


def _expected(plants: Mapping[str, str]) -> _Entries:
    return {one: ("enabled", {"plant": plant}) for one, plant in plants.items()}


def _deleted(case: CaseHub) -> None:
    with enrollments(case) as found:
        found.delete("press-2")


def _row(operation: str, wanted: _Entries, **fields: Any) -> Scenario:
    return Scenario(
        resource="EnrollmentFleet", operation=operation, kind="provisioningServices", wanted=lambda _case: wanted, found=shown, **fields
    )


_MANY = {f"press-{number:02}": "A" for number in range(1, 13)}  # two bulk calls
_SMALL = {"press-1": "A", "press-2": "A"}
_CHANGED = {"press-1": "B", "press-3": "A"}
SCENARIOS = (
    _row("first create, 12 enrollments", _expected(_MANY), declared=fleet(_MANY)),
    _row("change", _expected(_CHANGED), before=fleet(_SMALL), declared=fleet(_CHANGED)),
    _row("drift: one deleted", _expected(_SMALL), before=fleet(_SMALL), meanwhile=_deleted, declared=fleet(_SMALL), deadline=6),
    _row("delete", {}, before=fleet(_SMALL), declared=lambda _case: {}),
)
