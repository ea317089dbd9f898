"""Local Azure in this process, with one hub and the device `press-001`, for each test."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from local_azure_iot.hub_registry import identities
from local_azure_iot.local_azure import Azure
from local_azure_iot.microsoft_devices import lifecycle
from tests.kit.local_azure import LocalAzure, local_azure
from tests.local_azure.in_process import InProcess, in_process


@dataclass
class HubState:
    """One hub: its key in the store, its path at Resource Manager, its host name."""

    process: InProcess
    path: str
    key: str
    host: str

    @property
    def azure(self) -> Azure:
        """The state of local Azure."""
        return self.process.azure

    def set(self, **properties: object) -> None:
        """Change the hub."""
        body = {"location": "westus", "sku": {"name": "S1", "capacity": 1}, "properties": properties}
        self.process.must("PUT", f"{self.path}?api-version=2023-06-30", body)

    def replace(self) -> None:
        """Delete the hub and create another one with its name."""
        self.process.must("DELETE", f"{self.path}?api-version=2023-06-30")
        self.set()

    def create(self, device: str, **members: object) -> None:
        """Register a device."""
        with self.azure.store.transaction():
            identities.create(self.azure, self.key, {"deviceId": device, **members})


@pytest.fixture(scope="session")
def process() -> Iterator[InProcess]:
    """Local Azure in this process."""
    with in_process() as created:
        yield created


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAzure]:
    """Local Azure as a process: for tests that need sockets."""
    with local_azure(tmp_path_factory.mktemp("azure"), "--retry-after", "0") as found:
        yield found


@pytest.fixture
def hub(process: InProcess) -> Iterator[HubState]:
    """A new hub with one device, on a clock that stands still."""
    path = process.hub()
    name = path.rpartition("/")[2]
    with process.azure.store.transaction():
        found = lifecycle.find_by_name(process.azure, "AzureCloud", lifecycle.HUB, name)
    assert found
    process.azure.clock.set(process.azure.clock.now(), frozen=True)
    created = HubState(process, path, found[0], found[1]["hostName"])
    created.create("press-001")
    yield created
    process.azure.clock.follow_machine()
