"""The HTTP matrix: a fault at any call of any operation is absorbed, or told in one line, and the next run converges without help."""

import pytest

from tests.faults import report
from tests.faults.scenario import Scenario
from tests.faults.scenarios import SCENARIOS
from tests.faults.sweep import Bench, sweep


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.title)
def test_every_fault_is_gone_through(bench: Bench, scenario: Scenario, share: float, seed: int) -> None:
    """Of each call with each fault, once and for good, a seeded tenth; the whole, where it is run, is what docs/faults.md shows."""
    outcomes = sweep(bench, scenario, share, seed)
    flawed = [f"{outcome.cell}: {flaw}" for outcome in outcomes for flaw in outcome.flaws]
    assert not flawed, "\n".join([f"HUBTRUST_SEED={seed} draws the same again", *flawed])
    if share == 1:
        found, written = report.section(scenario, outcomes).splitlines(), report.written(scenario).splitlines()
        assert found == written, "docs/faults.md shows otherwise; `make faults` writes it anew"
