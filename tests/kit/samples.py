"""A seeded sample of a long sweep: the others are left out, and the report says so."""

import os
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

SEED = int(os.environ.get("HUBTRUST_SEED") or 0)
WHOLE = bool(os.environ.get("HUBTRUST_FULL")) or os.environ.get("HUBTRUST_SAMPLES") == "all"


def drawn(cases: Sequence[Any], number: int) -> list[Any]:
    """As many cases as ``number``, those of HUBTRUST_SEED, in their order; all with HUBTRUST_FULL=1 alone: for sweeps of hours."""
    if os.environ.get("HUBTRUST_FULL"):
        return list(cases)
    return [cases[place] for place in sorted(random.Random(SEED).sample(range(len(cases)), number))]  # noqa: S311 - no secret


def sampled(cases: Sequence[Any], number: int, kind: Callable[[Any], Any] | None = None) -> list[Any]:
    """Parameters of a test, of which as many run as ``number``: those of HUBTRUST_SEED; all with HUBTRUST_SAMPLES=all or HUBTRUST_FULL=1.

    With ``kind``, which says what a case stands for, one of each kind is among them. All workers choose the same ones, because
    `make test` sets the seed.
    """
    chosen = range(len(cases)) if WHOLE else _chosen(cases, number, kind)
    reason = f"not among the {number} that HUBTRUST_SEED={SEED} selects; HUBTRUST_SAMPLES=all runs all"
    values = [case if isinstance(case, tuple) else (case,) for case in cases]
    return [case if at in chosen else pytest.param(*values[at], marks=pytest.mark.skip(reason=reason)) for at, case in enumerate(cases)]


def _chosen(cases: Sequence[Any], number: int, kind: Callable[[Any], Any] | None) -> set[int]:
    order = random.Random(SEED).sample(range(len(cases)), len(cases))  # noqa: S311 - no secret
    of_each = {kind(cases[place]): place for place in order}.values() if kind else []
    assert len(of_each) <= number, f"{number} cases can't have one of each of {len(of_each)} kinds"
    return {*of_each, *[place for place in order if place not in of_each][: number - len(of_each)]}


def one_of(cases: Mapping[str, Any], of: str) -> dict[str, Any]:
    """One of these cases, which are tried in one test: another one for each test's name and HUBTRUST_SEED; all in a whole run."""
    return dict(cases) if WHOLE else dict([random.Random(f"{SEED} {of}").choice([*cases.items()])])  # noqa: S311 - no secret
