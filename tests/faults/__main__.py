"""`python -m tests.faults`: the whole sweep, told as it goes, and written to docs/faults.md.

With HUBTRUST_FAULTS=http the deaths are left out and the page's second part stays as it is. Exit code 1 when a promise broke.
"""

import os
import sys
import tempfile
from pathlib import Path

from tests.faults import deaths, report, sweep
from tests.faults.extent import Extent
from tests.faults.scenarios import SCENARIOS


def say(text: str) -> None:
    """A line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Run it all."""
    extent = Extent.of({"HUBTRUST_FAULTS": "all"} | os.environ)
    flaws = 0
    with tempfile.TemporaryDirectory(prefix="hubtrust-faults-") as folder, sweep.bench(Path(folder)) as bench:
        found = []
        for scenario in SCENARIOS:
            outcomes = sweep.sweep(bench, scenario, 1.0, extent.seed)
            found.append((scenario, outcomes))
            broken = [f"  {outcome.cell}: {flaw}" for outcome in outcomes for flaw in outcome.flaws]
            flaws += len(broken)
            say("\n".join([f"{scenario.title}: {len(outcomes)} cases, {len(broken)} flaws", *broken]))
    second = None
    if extent.deaths == 1:
        with tempfile.TemporaryDirectory(prefix="hubtrust-deaths-") as folder, deaths.stage(Path(folder)) as stage:
            killed = deaths.sweep(stage, 1.0, extent.seed, tell=say)
        flaws += sum(len(each) for _, each in killed)
        second = report.deaths(killed)
    report.write(report.matrix(found), second)
    say(f"{report.PAGE.name} is written; {flaws} flaws")
    return 1 if flaws else 0


sys.exit(main())
