"""The HTTP matrix: a fault at any call of any operation is retried, or reported in one line, and the next run converges by itself."""

import os

import pytest

from tests.faults import report
from tests.faults.extent import Extent
from tests.faults.scenario import Scenario
from tests.faults.scenarios import SCENARIOS
from tests.faults.sweep import Bench, sweep
from tests.kit.samples import sampled

_RESOURCES = len({scenario.resource for scenario in SCENARIOS})  # one row of each, where the matrix is sampled
_ROWS = len(SCENARIOS) * 2 // 3 if Extent.of(os.environ).http == 1 else _RESOURCES
CHOSEN = sampled(SCENARIOS, _ROWS, lambda scenario: scenario.resource)


@pytest.mark.parametrize("scenario", CHOSEN, ids=lambda scenario: scenario.title)
def test_every_fault_is_recovered_from(bench: Bench, scenario: Scenario, share: float, seed: int) -> None:
    """A seeded sample of each call with each fault, once and permanent. The whole matrix, where it runs, equals docs/faults.md."""
    outcomes = sweep(bench, scenario, share, seed, report.told(scenario))
    flawed = [f"{outcome.cell}: {flaw}" for outcome in outcomes for flaw in outcome.flaws]
    assert not flawed, "\n".join([f"HUBTRUST_SEED={seed} repeats this choice", *flawed])
    if share == 1:
        found, written = report.section(scenario, outcomes).rstrip("\n").splitlines(), report.written(scenario).splitlines()
        assert found == written, "docs/faults.md differs; run `make faults` to write it again"
