"""The operations of EnrollmentGroupEntry and IndividualEnrollmentEntry."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hubtrust.dynamic.enrollment_group import EnrollmentGroupProvider
from hubtrust.dynamic.individual_enrollment import IndividualEnrollmentProvider
from tests.faults.case_hub import CaseHub
from tests.faults.scenario import Scenario
from tests.faults.stack import Declared
from tests.kit.device_certificates import Party
from tests.kit.enrollments import GROUPS, INDIVIDUALS, Enrollments
from tests.kit.provisioning_client import ProvisioningClient

GROUP, DEVICE = "presses", "press-1"
_ROOT = Party("Plant root")
_DEVICES = [_ROOT.device(DEVICE), _ROOT.device(DEVICE)]  # as it was issued, and renewed
_Shown = Mapping[str, Any]


@contextmanager
def opened(case: CaseHub) -> Iterator[Enrollments]:
    """The service through a client of the tests' own."""
    client = ProvisioningClient(case.azure, case.hub)
    with client.http:
        yield Enrollments(case.azure, client)


def shown(case: CaseHub) -> _Shown:
    """Every enrollment: its status, the tags of its initial twin, and how many certificates it has."""
    found: dict[str, Any] = {}
    with opened(case) as service:
        for path, member in ((GROUPS, "enrollmentGroupId"), (INDIVIDUALS, "registrationId")):
            for one in service.client.ask("POST", f"/{path}/query", json={"query": "SELECT *"}).raise_for_status().json():
                [held] = one["attestation"]["x509"].values()
                ways = {json.dumps(each) for each in held.values()}
                found[one[member]] = (one["provisioningStatus"], one.get("initialTwin", {}).get("tags"), len(ways))
    return found


def _inputs(case: CaseHub, own: Mapping[str, Any]) -> dict[str, Any]:
    return {"serviceId": case.hub.id, "deadline": case.deadline, **own}


def _group(group_id: str = GROUP, plant: str = "A", **own: Any) -> Callable[[CaseHub], Declared]:
    tags = json.dumps({"plant": plant})
    given = {"groupId": group_id, "caReferences": ["root"], "tags": tags, **own}
    return lambda case: {"group": (EnrollmentGroupProvider, _inputs(case, given))}


def _individual(*certificates: Party, **own: Any) -> Callable[[CaseHub], Declared]:
    given = {"registrationId": DEVICE, "certificates": [one.pem for one in certificates or _DEVICES[:1]], **own}
    return lambda case: {"enrollment": (IndividualEnrollmentProvider, _inputs(case, given))}


def _by_hand(change: Callable[[Enrollments], object]) -> Callable[[CaseHub], None]:
    def changed(case: CaseHub) -> None:
        with opened(case) as found:
            change(found)

    return changed


def _row(resource: str, operation: str, wanted: _Shown, **fields: Any) -> Scenario:
    return Scenario(
        resource=resource,
        operation=operation,
        kind="provisioningServices",
        setup=lambda case: case.hub.put("root", _ROOT.pem, isVerified=True) and None,
        wanted=lambda _case: wanted,
        found=shown,
        **fields,
    )


def _nothing(_case: CaseHub) -> Declared:
    return {}


_OURS = {GROUP: ("enabled", {"plant": "A"}, 1)}
_DISABLED = _by_hand(lambda found: found.change(GROUP, provisioningStatus="disabled"))
SCENARIOS = (
    _row("EnrollmentGroupEntry", "first create", _OURS, declared=_group()),
    _row(
        "EnrollmentGroupEntry",
        "update",
        {GROUP: ("disabled", {"plant": "B"}, 1)},
        before=_group(),
        declared=_group(plant="B", status="disabled"),
    ),
    _row("EnrollmentGroupEntry", "drift: disabled", _OURS, before=_group(), meanwhile=_DISABLED, declared=_group()),
    _row(
        "EnrollmentGroupEntry",
        "drift: deleted",
        _OURS,
        before=_group(),
        meanwhile=_by_hand(lambda found: found.delete(GROUP)),
        declared=_group(),
        deadline=6,
    ),
    _row("EnrollmentGroupEntry", "another id", {"lamps": ("enabled", {"plant": "A"}, 1)}, before=_group(), declared=_group("lamps")),
    _row("EnrollmentGroupEntry", "delete", {}, before=_group(), declared=_nothing),
    _row("IndividualEnrollmentEntry", "first create", {DEVICE: ("enabled", None, 1)}, declared=_individual()),
    _row(
        "IndividualEnrollmentEntry",
        "update: a second certificate",
        {DEVICE: ("enabled", None, 2)},
        before=_individual(),
        declared=_individual(*_DEVICES),
    ),
    _row("IndividualEnrollmentEntry", "delete", {}, before=_individual(), declared=_nothing),
)
