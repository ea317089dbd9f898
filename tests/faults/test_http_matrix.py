"""The HTTP matrix: a fault at any call of any operation is retried, or reported in one line, and the next run converges by itself."""

import os

import pytest

from tests.faults import report
from tests.faults.extent import Extent
from tests.faults.scenario import Scenario
from tests.faults.scenarios import SCENARIOS
from tests.faults.sweep import WHOLE, Bench, Part, sweep
from tests.kit.samples import sampled

_RESOURCES = len({scenario.resource for scenario in SCENARIOS})  # one row of each, where the matrix is sampled
_SWEPT = Extent.of(os.environ).http == 1
_CALLS = 4  # of a part: half a minute


def _parts(scenario: Scenario) -> list[tuple[Scenario, Part]]:
    """A scenario, in as many parts as its calls in the page need."""
    calls = report.written(scenario).count("\n| `") // 2
    number = max(1, round(calls / _CALLS)) if _SWEPT else 1
    return [(scenario, Part(each, number)) for each in range(number)]


CHOSEN = [
    pytest.param(scenario, part, marks=getattr(chosen, "marks", ()), id=f"{scenario.title}, {part.number + 1} of {part.of}")
    for chosen, whole in zip(
        sampled(SCENARIOS, len(SCENARIOS) * 2 // 3 if _SWEPT else _RESOURCES, lambda scenario: scenario.resource), SCENARIOS, strict=True
    )
    for scenario, part in _parts(whole)
]


@pytest.mark.parametrize(("scenario", "part"), CHOSEN)
def test_every_fault_is_recovered_from(bench: Bench, scenario: Scenario, part: Part, share: float, seed: int) -> None:
    """A seeded sample of each call with each fault, once and permanent. The whole matrix, where it runs, equals docs/faults.md."""
    outcomes = sweep(bench, scenario, share, seed, report.told(scenario), part)
    flawed = [f"{outcome.cell}: {flaw}" for outcome in outcomes for flaw in outcome.flaws]
    assert not flawed, "\n".join([f"HUBTRUST_SEED={seed} repeats this choice", *flawed])
    if share == 1:
        found, written = report.rows(report.section(scenario, outcomes), WHOLE), report.rows(report.written(scenario), part)
        assert found == written, "docs/faults.md differs; run `make faults` to write it again"
