"""How much of the sweep runs, and the real processes that it needs, started once per session."""

import os
from collections.abc import Iterator

import pytest

from tests.faults import deaths, sweep
from tests.faults.extent import Extent


@pytest.fixture(scope="session")
def extent() -> Extent:
    """Read from the environment."""
    return Extent.of(os.environ)


@pytest.fixture
def share(extent: Extent) -> float:
    """The share of the HTTP matrix to run."""
    return extent.http


@pytest.fixture
def seed(extent: Extent) -> int:
    """The seed of every random choice; printed, so that a failure can be repeated."""
    print(extent.title)  # noqa: T201 - pytest shows it with a failure
    return extent.seed


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sweep.Bench]:
    """Local Azure and the provider processes of four runs."""
    with sweep.bench(tmp_path_factory.mktemp("faults")) as found:
        yield found


@pytest.fixture(scope="session")
def death_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[deaths.Bench]:
    """The program on an embedded engine that can be killed, with a deployed stack."""
    with deaths.bench(tmp_path_factory.mktemp("deaths")) as found:
        yield found
