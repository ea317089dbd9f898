"""Local Azure, a hub for each test, and the root CA that it trusts."""

from collections.abc import Iterator

import pytest

from tests.kit.device_certificates import Party
from tests.kit.hub_client import HubClient
from tests.kit.local_azure import LocalAzure, local_azure


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAzure]:
    """Local Azure."""
    with local_azure(tmp_path_factory.mktemp("azure")) as found:
        yield found


@pytest.fixture
def root() -> Party:
    """A root that the hub trusts."""
    return Party("Trial root")


@pytest.fixture
def registry(azure: LocalAzure, root: Party) -> Iterator[HubClient]:
    """A new hub that trusts the root, with the device `press-001`."""
    found = HubClient(azure, azure.hub())
    found.hub.put("root", root.pem, isVerified=True)
    found.put("press-001")
    yield found
    found.http.close()
