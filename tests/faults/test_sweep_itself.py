"""The sweep can fail: it notices each guarantee that a provider breaks."""

from dataclasses import replace

import pytest

from hubtrust.dynamic.lifecycle import Reconciler
from tests.faults import report, trust
from tests.faults.broken import Babbling, Boasting, Hasty, Littering
from tests.faults.case_hub import Call, CaseHub
from tests.faults.certificates import authority, declare, name
from tests.faults.fault import COLUMNS
from tests.faults.scenario import Scenario
from tests.faults.scenarios import SCENARIOS
from tests.faults.stack import Declared
from tests.faults.sweep import ABSORBED, Bench, Cell, Outcome, attempt, cells

HIDDEN = {"method": "POST", "path": "/x/certificates/a/verify", "status": 0, "fault": "drop"}


def rotation(provider: type[Reconciler]) -> Scenario:
    """A rotation with another provider."""

    def declared(generation: int, case: CaseHub) -> Declared:
        return {"ca": (provider, declare(case, generation))}

    return Scenario(
        resource="VerifiedCertificate",
        operation="rotation",
        before=lambda case: declared(1, case),
        declared=lambda case: declared(2, case),
        wanted=lambda _case: {name(2): True},
        found=lambda case: case.hub.verified(),
        population=True,
    )


@pytest.mark.parametrize(
    ("provider", "flaw"),
    [
        (Littering, "the result is"),
        (Babbling, "is not one clear line"),
        (Hasty, "devices were locked out"),
        (Boasting, "is not proven: the etag of its evidence"),
    ],
)
def test_a_broken_guarantee_is_noticed(bench: Bench, provider: type[Reconciler], flaw: str) -> None:
    """A certificate left behind, an error of several lines, a moment at which no CA is trusted, and a proof that is only claimed."""
    call = Call("POST", "arm", f"/certificates/{name(2)}/verify", 1)
    (busy,) = (fault for fault in COLUMNS if fault.title == "503")
    outcome = attempt(bench, rotation(provider), Cell(call, busy, lasting=True))
    assert any(flaw in found for found in outcome.flaws), outcome.flaws


def test_a_fault_that_never_occurs_is_noticed(bench: Bench) -> None:
    """A case whose call is never made does not pass."""
    (busy,) = (fault for fault in COLUMNS if fault.title == "503")
    scenario = Scenario(
        resource="VerifiedCertificate",
        operation="nothing",
        declared=lambda _case: {},
        wanted=lambda _case: {},
        found=lambda case: case.hub.verified(),
    )
    outcome = attempt(bench, scenario, Cell(Call("GET", "arm", "/nowhere", 1), busy, lasting=False))
    assert outcome.flaws == ("the fault never occurred: the call was not made on another hub",)


@pytest.mark.parametrize(("effect", "trusted"), [(200, {"a"}), (412, set()), (None, set())])
def test_an_effect_that_a_fault_hid_counts(effect: int | None, trusted: set[str]) -> None:
    """With the answer dropped: an accepted proof makes its CA trusted; a refused or undelivered one does not."""
    assert trust.moments({"a": False}, [HIDDEN | {"effect": effect}]) == [frozenset(), frozenset(trusted)]


def test_trust_is_lost_by_a_code_a_replacement_and_a_deletion(bench: Bench) -> None:
    """As on local Azure: a request for a code removes the verification, and so do PUT and DELETE."""
    case = CaseHub(bench.azure.hub(), bench.control)
    for change in (case.hub.generate, lambda called: case.hub.put(called, authority(1).pem), case.hub.delete):
        case.hub.put("a", authority(1).pem, isVerified=True)
        before = case.hub.verified()
        case.forget()
        change("a")
        after = {called for called, verified in case.hub.verified().items() if verified}
        assert trust.moments(before, case.log(by_tests=True))[-1] == after == frozenset()


def test_a_deadline_that_a_slow_machine_used_up_is_no_result(bench: Bench) -> None:
    """The page tells what a run with time ends with: a permanent fault's other result is doubted, and the case tried again."""
    scenario = next(each for each in SCENARIOS if each.title == "VerifiedCertificate, proof arrives")
    (hidden,) = (fault for fault in COLUMNS if fault.title == "dropped after the effect")
    (call,) = {cell.call for cell in cells(bench, scenario) if cell.call.path.endswith("/verify") and cell.call.nth == 1}
    is_told, tried = report.told(scenario), list[Outcome]()

    def after_a_hurry(outcome: Outcome) -> bool:
        tried.append(outcome)
        # The first as on a machine that took the whole deadline for the calls before.
        return is_told(replace(outcome, result="UnreachableError") if len(tried) == 1 else outcome)

    outcome = attempt(bench, scenario, Cell(call, hidden, lasting=True), after_a_hurry)
    assert not is_told(replace(outcome, result="UnreachableError"))
    assert is_told(outcome)
    assert len(tried) > 1
    assert outcome.result == ABSORBED
