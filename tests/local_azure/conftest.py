"""One local Azure in this process, reset between tests; and one as a separate process, for tests that need sockets."""

from collections.abc import Iterator

import pytest

from tests.kit.local_azure import LocalAzure, local_azure
from tests.local_azure.in_process import InProcess, in_process


@pytest.fixture(scope="session")
def _one_azure() -> Iterator[InProcess]:
    with in_process() as created:
        yield created


@pytest.fixture
def azure(_one_azure: InProcess) -> InProcess:
    """Local Azure in this process, empty."""
    _one_azure.reset()
    _one_azure.log_in()
    return _one_azure


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAzure]:
    """Local Azure as a process: for tests that need sockets."""
    with local_azure(tmp_path_factory.mktemp("azure")) as found:
        yield found
