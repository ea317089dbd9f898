"""A hub, its group and its provisioning service that answer 404 once, thrice and for ever: only what is gone for certain is gone."""

import itertools
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from hubtrust.azure.errors import NotFoundError
from tests.faults.case_hub import CaseHub
from tests.faults.certificates import one
from tests.faults.devices import fleet, roster, shown
from tests.faults.losses import Moment, losses
from tests.faults.stack import Declared
from tests.faults.sweep import AT_A_TIME, Bench, outcome_of
from tests.kit.provider_process import CallFailedError

IOT, PROVISIONING = "IotHubs", "provisioningServices"


@dataclass(frozen=True)
class Denied:
    """What answers 404, and how often (0: for ever): the resource that is ``levels`` above the service's id, and everything in it."""

    what: str
    kind: str
    fault: str
    levels: int
    times: int
    verb: str

    def __str__(self) -> str:
        return f"{self.verb} while {self.what} answers 404 {self.times or 'any number of'} times"

    def inject(self, case: CaseHub) -> None:
        """Set the rules. A hub's own endpoint denies it too."""
        path = case.hub.id.rsplit("/", self.levels)[0] if self.levels else case.hub.id
        where: list[dict[str, Any]] = [{"path": path}, {"path": f"{path}/*"}]
        where += [{"host": case.host}] if self.kind == IOT else []
        for rule in where:
            case.azure.control("POST", "/faults", {"fault": self.fault} | ({"times": self.times} if self.times else {}) | rule)

    def heal(self, case: CaseHub) -> None:
        """Remove them: every hub has a group of its own."""
        case.heal()
        case.azure.control("DELETE", f"/faults?about={case.hub.id.split('/')[4]}")


CASES = [
    Denied(*denied, times, verb)
    for denied, times, verb in itertools.product(
        (
            ("the hub", IOT, "404-service", 0),
            ("everything of the hub", IOT, "404", 0),
            ("the hub's group", IOT, "404-group", 4),
            ("the provisioning service", PROVISIONING, "404-service", 0),
        ),
        (1, 3, 0),
        ("up", "destroy"),
    )
]


def stack(case: CaseHub, kind: str) -> Declared:
    """A CA, and on a hub a fleet."""
    return one(1)(case) | (fleet(roster({"press-1": "A", "press-2": "B"}))(case) if kind == IOT else {})


def now(case: CaseHub, kind: str) -> Moment:
    """What exists, as a client without faults sees it, and what the state has."""
    found = {**case.hub.verified(), **(shown(case) if kind == IOT else {})}
    return Moment.of(case, found)


def flaws_of(bench: Bench, denied: Denied) -> Iterable[str]:
    """One case: what is lost or changed, and a later run that does not end as declared."""
    runs = bench.runs
    case = CaseHub(bench.azure.hub(denied.kind), bench.control, deadline=120 if denied.times else 2)
    case.stack.up(runs[0], stack(case, denied.kind))
    declared = stack(case, denied.kind) if denied.verb == "up" else {}
    before = now(case, denied.kind)
    case.forget()
    denied.inject(case)
    result, line, flaws = outcome_of(case, runs[1], declared)
    log = case.log()
    denied.heal(case)
    after, wanted = now(case, denied.kind), before.found if declared else {}
    flaws += [] if any(entry["fault"] for entry in log) else ["nothing answered 404"]
    flaws += losses(before, after, wanted, case.stack.written)
    if declared and after.found != before.found:
        flaws.append(f"it changed {before.found} to {after.found}")
    if declared and (writes := [f"{entry['method']} {entry['path']}" for entry in log if entry["method"] in ("PUT", "DELETE")]):
        flaws.append(f"it tried {writes}")
    _, later, _ = outcome_of(case, runs[2], declared)
    if later or now(case, denied.kind).found != wanted:
        flaws.append(f"a later run without faults ends with {now(case, denied.kind).found}: {later}")
    return [f"{denied} ({result} {line}): {flaw}" for flaw in flaws]


def test_a_404_for_what_exists_loses_nothing(bench: Bench) -> None:
    """An `up` changes nothing; a `destroy` drops from the state only what it deleted; each succeeds or ends with one line."""
    work: Callable[[Denied], Iterable[str]] = lambda denied: flaws_of(bench, denied)  # noqa: E731 - for the pool
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        flaws = [flaw for found in pool.map(work, CASES) for flaw in found]
    assert not flaws, "\n".join(flaws)


@pytest.mark.parametrize("kind", [IOT, PROVISIONING])
def test_a_service_that_is_really_gone_is_concluded(bench: Bench, kind: str) -> None:
    """Then its resources leave the state, an `up` says that the service is not there, and a `destroy` succeeds."""
    case = CaseHub(bench.azure.hub(kind), bench.control, deadline=5)
    case.stack.up(bench.runs[0], stack(case, kind))
    case.hub.delete_hub()

    with pytest.raises(CallFailedError, match=r"^[^\n]+: [^\n]+not found[^\n]+; [^\n]+$") as failed:
        case.stack.up(bench.runs[1], stack(case, kind))
    assert failed.value.kind == NotFoundError.__name__
    case.stack.up(bench.runs[2], {})
    assert (case.stack.resources, case.stack.replaced) == ({}, [])
