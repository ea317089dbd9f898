"""One local Azure in this process, and a provisioning service for each test."""

from collections.abc import Iterator

import pytest

from tests.local_azure.in_process import InProcess, in_process
from tests.provisioning.enrolling import Enrolling
from tests.provisioning.service import Service


@pytest.fixture(scope="session")
def azure() -> Iterator[InProcess]:
    """Local Azure in this process. Each test has its own service there."""
    with in_process() as created:
        yield created


@pytest.fixture
def service(azure: InProcess) -> Service:
    """A new provisioning service."""
    azure.log_in()
    return Service(azure, azure.hub(kind="provisioningServices"))


@pytest.fixture
def enrolling(service: Service) -> Enrolling:
    """A new provisioning service, for devices to register with."""
    return Enrolling(service)
