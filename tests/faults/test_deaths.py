"""Kill -9 of the engine or a provider at any provider call of an up, a rotation or a destroy: the next run recovers by itself."""

from tests.faults import deaths
from tests.faults.extent import Extent


def test_the_next_run_recovers_from_a_killed_one(death_bench: deaths.Bench, extent: Extent, seed: int) -> None:
    """State and hub agree, everything is verified, nothing exists twice, and during a rotation some CA is trusted at every moment."""
    found = deaths.sweep(death_bench, extent.deaths, seed)
    flawed = [f"{death}: {flaw}" for death, flaws in found for flaw in flaws]
    assert not flawed, "\n".join([extent.title, *flawed])
