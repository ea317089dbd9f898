"""How much of the sweep is run, and the real parts that it needs, one of each for a whole session."""

import os
from collections.abc import Iterator

import pytest

from tests.faults import deaths, sweep
from tests.faults.extent import Extent


@pytest.fixture(scope="session")
def extent() -> Extent:
    """From the environment."""
    return Extent.of(os.environ)


@pytest.fixture
def share(extent: Extent) -> float:
    """Of the HTTP matrix."""
    return extent.http


@pytest.fixture
def seed(extent: Extent) -> int:
    """Of every draw; printed, so that a failure can be drawn again."""
    print(extent.told)  # noqa: T201 - pytest shows it with a failure
    return extent.seed


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sweep.Bench]:
    """Local Azure and the processes of four runs."""
    with sweep.bench(tmp_path_factory.mktemp("faults")) as found:
        yield found


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[deaths.Stage]:
    """The program on an embedded engine that can be killed, with a stack that is up."""
    with deaths.stage(tmp_path_factory.mktemp("deaths")) as found:
        yield found
