"""Kill -9 of the engine or a provider at any provider call of an up, a rotation or a destroy: the next run goes on without help."""

from tests.faults import deaths
from tests.faults.extent import Extent


def test_a_killed_run_is_caught_up(stage: deaths.Stage, extent: Extent, seed: int) -> None:
    """The state and the hub agree, all is verified, nothing is doubled, and through a rotation somebody is trusted at every moment."""
    found = deaths.sweep(stage, extent.deaths, seed)
    flawed = [f"{death}: {flaw}" for death, flaws in found for flaw in flaws]
    assert not flawed, "\n".join([extent.told, *flawed])
