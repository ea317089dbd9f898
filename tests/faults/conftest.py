"""How much of the sweep runs, and the real processes that it needs, started once per session."""

import os
from collections.abc import Iterator

import pytest

from tests.faults import deaths, sweep
from tests.faults.extent import Extent
from tests.kit.plugin_process import PluginProcess

SHELLS = ("dynamic", "native")


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
def native_bench(bench: sweep.Bench) -> Iterator[sweep.Bench]:
    """The same local Azure, and plugins in place of dynamic providers."""
    with bench.in_shell(PluginProcess) as found:
        yield found


@pytest.fixture
def shell_bench(shell: str, request: pytest.FixtureRequest) -> sweep.Bench:
    """The one whose processes are of the test's ``shell``."""
    found: sweep.Bench = request.getfixturevalue({"dynamic": "bench", "native": "native_bench"}[shell])
    return found


@pytest.fixture(scope="session")
def death_bench(tmp_path_factory: pytest.TempPathFactory, extent: Extent) -> Iterator[deaths.Bench]:
    """The program on an embedded engine that can be killed, with a deployed stack; its shell is the other one with the next seed."""
    with deaths.bench(tmp_path_factory.mktemp("deaths"), SHELLS[extent.seed % 2]) as found:
        yield found
