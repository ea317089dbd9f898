"""The HTTP matrix: a fault at any call of any operation is retried, or reported in one line, and the next run converges by itself.

In both shells: the dynamic provider and the plugin carry the same calls to the same lifecycles, so one page tells what comes of them.
"""

import itertools
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults import report
from tests.faults.extent import Extent
from tests.faults.scenario import Scenario
from tests.faults.scenarios import SCENARIOS
from tests.faults.sweep import WHOLE, Bench, Part, sweep
from tests.kit import samples

_RESOURCES = len({scenario.resource for scenario in SCENARIOS})  # one row of each, where the matrix is sampled
_SWEPT = Extent.of(os.environ).http == 1
_CALLS = 4  # of a part: a quarter of a minute
_SHELLS = ("dynamic", "native")


def _parts(scenario: Scenario) -> list[Part]:
    """As many as its calls in the page need."""
    calls = report.written(scenario).count("\n| `") // 2
    number = max(1, round(calls / _CALLS)) if _SWEPT else 1
    return [Part(each, number) for each in range(number)]


def _tests() -> Iterator[Any]:
    """Each part by one shell, and by the other with the next HUBTRUST_SEED; by both where all of the matrix runs."""
    number = len(SCENARIOS) // 2 if _SWEPT else _RESOURCES
    turns = itertools.count(samples.SEED)
    for chosen, scenario in zip(samples.sampled(SCENARIOS, number, lambda each: each.resource), SCENARIOS, strict=True):
        marks = getattr(chosen, "marks", ())
        for part in _parts(scenario):
            turn = 0 if marks else next(turns)
            for shell in _SHELLS if _SWEPT and samples.WHOLE else (_SHELLS[turn % 2],):
                yield pytest.param(scenario, part, shell, marks=marks, id=f"{scenario.title}, {part.number + 1} of {part.of}, {shell}")


@pytest.mark.parametrize(("scenario", "part", "shell"), [*_tests()])
def test_every_fault_is_recovered_from(shell_bench: Bench, scenario: Scenario, part: Part, share: float, seed: int) -> None:
    """A seeded sample of each call with each fault, once and permanent. The whole matrix, where it runs, equals docs/faults.md."""
    outcomes = sweep(shell_bench, scenario, share, seed, report.told(scenario), part)
    flawed = [f"{outcome.cell}: {flaw}" for outcome in outcomes for flaw in outcome.flaws]
    assert not flawed, "\n".join([f"HUBTRUST_SEED={seed} repeats this choice", *flawed])
    if share == 1:
        found, written = report.rows(report.section(scenario, outcomes), WHOLE), report.rows(report.written(scenario), part)
        assert found == written, "docs/faults.md differs; run `make faults` to write it again"
