"""`python -m tests.faults`: run the whole sweep, print progress, and write docs/faults.md.

With HUBTRUST_FAULTS=http no process is killed, and the second part of the page stays as it is. Exit code 1: a guarantee was broken.
"""

import os
import sys
import tempfile
from pathlib import Path

from tests.faults import deaths, report, sweep
from tests.faults.extent import Extent
from tests.faults.scenarios import SCENARIOS


def say(text: str) -> None:
    """Print a line and flush it."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the sweep and write the page."""
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
        with tempfile.TemporaryDirectory(prefix="hubtrust-deaths-") as folder, deaths.bench(Path(folder)) as death_bench:
            killed = deaths.sweep(death_bench, 1.0, extent.seed, tell=say)
        flaws += sum(len(each) for _, each in killed)
        second = report.deaths(killed)
    report.write(report.matrix(found), second)
    say(f"{report.PAGE.name} is written; {flaws} flaws")
    return 1 if flaws else 0


sys.exit(main())
