"""Local Azure, a relay to it that can fail, and a provider process: one of each for all tests that a process of pytest runs."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hubtrust.dynamic.device_fleet import DeviceFleetProvider
from hubtrust.dynamic.device_identity import DeviceIdentityProvider
from hubtrust.dynamic.module_identity import ModuleIdentityProvider
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from local_azure_iot import installation
from tests.kit.device_registry import DeviceRegistry
from tests.kit.hub_client import HubClient
from tests.kit.local_azure import Hub, LocalAzure, local_azure
from tests.kit.provider_process import Provider, ProviderProcess
from tests.kit.relay import Fault, Relay, relay_to


@pytest.fixture(scope="session")
def provider_process() -> Iterator[ProviderProcess]:
    """`python -m pulumi.dynamic`, with nothing of Azure in its environment."""
    with ProviderProcess() as process:
        yield process


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAzure]:
    """Local Azure."""
    with local_azure(tmp_path_factory.mktemp("azure")) as found:
        yield found


@pytest.fixture(scope="session")
def relay_and_roots(azure: LocalAzure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Relay, Path]]:
    """The relay, and a file of roots that trusts both it and local Azure."""
    with relay_to(azure.ready["arm"], Path(azure.ready["ca_file"]), tmp_path_factory.mktemp("relay")) as found:
        yield found


@pytest.fixture
def relay(relay_and_roots: tuple[Relay, Path]) -> Relay:
    """The relay, with an empty log and no fault."""
    relay_and_roots[0].clear()
    return relay_and_roots[0]


@pytest.fixture(scope="session")
def environment(azure: LocalAzure, relay_and_roots: tuple[Relay, Path]) -> dict[str, str]:
    """The environment in which a provider process can log in and trusts the relay."""
    return azure.environment | {"REQUESTS_CA_BUNDLE": str(relay_and_roots[1])}


@pytest.fixture
def killed_create(environment: dict[str, str], relay: Relay) -> Callable[[dict[str, Any], dict[int, Fault]], None]:
    """A create of a VerifiedCertificate in a process that is killed (-9) while the relay holds one of its calls."""

    def run(news: dict[str, Any], held: dict[int, Fault]) -> None:
        relay.clear(held)
        with ProviderProcess(environment) as dying:
            running = dying.stub.Create.future(dying.of(VerifiedCertificateProvider).request("Create", properties=news))
            assert relay.held.wait(120)
            dying.process.kill()
            assert running.exception() is not None
        relay.released.set()
        relay.clear()

    return run


@pytest.fixture(scope="session")
def azure_process(environment: dict[str, str]) -> Iterator[ProviderProcess]:
    """A provider process that can log in to local Azure."""
    with ProviderProcess(environment) as process:
        yield process


@pytest.fixture
def provider(azure_process: ProviderProcess) -> Provider:
    """The provider of VerifiedCertificate."""
    return azure_process.of(VerifiedCertificateProvider)


@pytest.fixture
def hub(azure: LocalAzure) -> Hub:
    """An IoT hub of the test's own."""
    return azure.hub()


@pytest.fixture(scope="session")
def named_process(azure: LocalAzure) -> Iterator[ProviderProcess]:
    """A provider process that reaches local Azure under Azure's own names, through the proxy of its environment."""
    with ProviderProcess(installation.environment(azure.ready)) as process:
        yield process


@pytest.fixture
def fleets(named_process: ProviderProcess) -> Provider:
    """The provider of DeviceFleet."""
    return named_process.of(DeviceFleetProvider)


@pytest.fixture
def devices(named_process: ProviderProcess) -> Provider:
    """The provider of DeviceIdentity."""
    return named_process.of(DeviceIdentityProvider)


@pytest.fixture
def modules(named_process: ProviderProcess) -> Provider:
    """The provider of ModuleIdentity."""
    return named_process.of(ModuleIdentityProvider)


@pytest.fixture
def registry(azure: LocalAzure) -> Iterator[DeviceRegistry]:
    """A hub of the test's own whose devices the deployer may manage, with an empty log and no fault."""
    client = HubClient(azure, azure.hub())
    with client.http:
        found = DeviceRegistry(azure, client)
        found.grant()
        found.clear()
        yield found
        found.clear()
