"""How many mutated inputs a property test takes, and the reasons for which judges may differ, counted and printed.

`HUBTRUST_MUTATIONS=10000` takes that many inputs of each kind, each time others (or those of `HUBTRUST_SEED`), and so does
`HUBTRUST_FULL=1`, which is for every random test; without them a few, always the same. `pytest -s` shows the table of reasons.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, seed, settings

from tests.kit.samples import WHOLE

_FEW = 120 if WHOLE else 60
_LONGEST_ERROR = 6700  # characters
MUTATIONS = int(os.environ.get("HUBTRUST_MUTATIONS") or (10_000 if os.environ.get("HUBTRUST_FULL") else 0))


def mutated(test: Callable[..., None]) -> Callable[..., None]:
    """A property test of mutated inputs; put it above `@given`."""
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    number = MUTATIONS or _FEW
    changed = settings(max_examples=number, derandomize=not MUTATIONS, database=None, deadline=None, suppress_health_check=checks)(test)
    return seed(int(os.environ["HUBTRUST_SEED"]))(changed) if MUTATIONS and os.environ.get("HUBTRUST_SEED") else changed


@contextmanager
def counted(title: str, reasons: Mapping[str, Any]) -> Iterator[Counter[str]]:
    """Counts what was judged, and prints the table of the named reasons; only a reason of `reasons`, or `agreed`, is counted."""
    found: Counter[str] = Counter()
    yield found
    assert found.keys() <= {"agreed", *reasons}
    lines = [f"{title}: {found.total():,} inputs, {found['agreed']:,} judged alike", *(f"{found[each]:8,} {each}" for each in reasons)]
    sys.stdout.write("\n" + "\n".join(lines) + "\n")


def require_one_line(error: Exception) -> None:
    """An error is one line of bounded length, in which nothing is hidden."""
    assert (str(error).isprintable(), len(str(error)) < _LONGEST_ERROR) == (True, True)
