"""Local Azure, and a hub for each test."""

from collections.abc import Iterator

import pytest

from tests.kit.hub_client import HubClient
from tests.kit.local_azure import LocalAzure, local_azure


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAzure]:
    """Local Azure."""
    with local_azure(tmp_path_factory.mktemp("azure")) as found:
        yield found


@pytest.fixture
def registry(azure: LocalAzure) -> Iterator[HubClient]:
    """The device registry of a new hub, with a signature of the owner policy."""
    found = HubClient(azure, azure.hub())
    with found.http:
        yield found
