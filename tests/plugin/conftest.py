"""Local Azure, and a process of each shell: one of each for all tests here that a process of pytest runs."""

from collections.abc import Iterator

import httpx
import pytest

from tests.faults import devices, enrollment_fleet
from tests.faults.sweep import environment_of
from tests.kit.control_port import control_client
from tests.kit.key_stores import OFFICER
from tests.kit.local_azure import LocalAzure, local_azure
from tests.kit.plugin_process import PluginProcess
from tests.kit.provider_process import ProviderProcess


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAzure]:
    """Local Azure, where the deployer may manage devices, enrollments and keys."""
    with local_azure(tmp_path_factory.mktemp("azure"), "--retry-after", "0") as found:
        devices.may_manage(found)
        enrollment_fleet.may_manage(found)
        found.grant(OFFICER)
        yield found


@pytest.fixture(scope="session")
def control(azure: LocalAzure) -> Iterator[httpx.Client]:
    """Its control port, which has the log of requests."""
    with control_client(azure.ready) as found:
        yield found


@pytest.fixture(scope="session")
def dynamic(azure: LocalAzure) -> Iterator[ProviderProcess]:
    """The dynamic shell."""
    with ProviderProcess(environment_of(azure)) as process:
        yield process


@pytest.fixture(scope="session")
def native(azure: LocalAzure) -> Iterator[PluginProcess]:
    """The native shell."""
    with PluginProcess(environment_of(azure)) as process:
        yield process
