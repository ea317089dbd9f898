"""A seeded sample of a long sweep: the others are left out, and the report says so."""

import os
import random
from collections.abc import Sequence
from typing import Any

import pytest

SEED = int(os.environ.get("HUBTRUST_SEED") or 0)
WHOLE = bool(os.environ.get("HUBTRUST_FULL")) or os.environ.get("HUBTRUST_SAMPLES") == "all"


def drawn(cases: Sequence[Any], number: int) -> list[Any]:
    """As many cases as ``number``, those of HUBTRUST_SEED, in their order; all with HUBTRUST_FULL=1 alone: for sweeps of hours."""
    if os.environ.get("HUBTRUST_FULL"):
        return list(cases)
    return [cases[place] for place in sorted(random.Random(SEED).sample(range(len(cases)), number))]  # noqa: S311 - no secret


def sampled(cases: Sequence[Any], number: int) -> list[Any]:
    """Parameters of a test, of which as many run as ``number``: those of HUBTRUST_SEED; all with HUBTRUST_SAMPLES=all or HUBTRUST_FULL=1.

    All workers choose the same ones, because `make test` sets the seed.
    """
    chosen = range(len(cases)) if WHOLE else random.Random(SEED).sample(range(len(cases)), number)  # noqa: S311 - no secret
    reason = f"not among the {number} that HUBTRUST_SEED={SEED} selects; HUBTRUST_SAMPLES=all runs all"
    values = [case if isinstance(case, tuple) else (case,) for case in cases]
    return [case if at in chosen else pytest.param(*values[at], marks=pytest.mark.skip(reason=reason)) for at, case in enumerate(cases)]
