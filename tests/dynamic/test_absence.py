"""A 404 for something that is there: no resource leaves the state for it, nothing is left behind, and nothing is made twice."""

from collections.abc import Iterator

import pytest

from hubtrust.azure.device_description import DeviceDescription
from hubtrust.devices.roster import Roster
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from tests.kit.device_registry import DeviceRegistry
from tests.kit.local_azure import Hub
from tests.kit.provider_process import CallFailedError, Provider, ProviderProcess, ResourceState
from tests.kit.relay import Relay
from tests.kit.root_authority import RootAuthority

ROSTER = [f"press-{number:03}" for number in range(3)]


@pytest.fixture
def proven(provider: Provider, hub: Hub, relay: Relay) -> Iterator[ResourceState]:
    """A proven certificate; the faults of the test end with it."""
    yield provider.create(RootAuthority().declared(hub, relay))
    hub.azure.control("DELETE", "/faults")


def lie(hub: Hub, fault: str, **options: object) -> None:
    """Set a fault on what is in the hub."""
    hub.azure.control("POST", "/faults", {"fault": fault, "path": f"{hub.id}*", **options})


@pytest.mark.parametrize("fault", ["404", "404-service", "404-group"])
def test_a_404_that_passes_changes_nothing(provider: Provider, proven: ResourceState, hub: Hub, fault: str) -> None:
    """One 404, in the words for a certificate, a hub or a group: a refresh finds the certificate as it was, and a deletion deletes it."""
    lie(hub, fault, times=1)
    assert provider.read(proven) == proven
    lie(hub, fault, times=1, method="DELETE")
    provider.delete(proven)
    assert hub.certificates() == {}


def test_a_404_that_lasts_concludes_nothing_while_a_list_shows_it(provider: Provider, proven: ResourceState, hub: Hub) -> None:
    """A hub that answers 404 for minutes, and is in the list of its group, is not gone: refresh and deletion say so in one line."""
    lie(hub, "404-service")
    for step in (provider.read, provider.delete):
        with pytest.raises(CallFailedError, match="Azure answers 404 for it, but it is in the list of its resource group; run again"):
            step(proven)
    hub.azure.control("DELETE", "/faults")
    assert provider.read(proven) == proven


@pytest.mark.parametrize("fault", ["404", "404-service"])
def test_a_create_needs_no_confirmation(provider: Provider, proven: ResourceState, hub: Hub, relay: Relay, fault: str) -> None:
    """A false 404 on the first read of a create or update: Azure refuses the PUT without etag, and the verified certificate stays it."""
    before = hub.certificates()
    for step in (lambda: provider.create(proven.inputs), lambda: provider.update(proven, proven.inputs)):
        lie(hub, fault, times=1, method="GET")
        relay.clear()
        assert step().outs["etag"] == proven.outs["etag"]
        assert relay.steps == ["GET", "PUT", "GET"]
    assert hub.certificates() == before


def test_a_hub_that_is_gone_is_told_of_once(environment: dict[str, str], hub: Hub, relay: Relay) -> None:
    """A hub that was deleted by hand: each of its resources leaves the state, the user is told once, and a deletion is done."""
    with ProviderProcess(environment) as process:
        certificates = process.of(VerifiedCertificateProvider)
        created = [certificates.create(RootAuthority().declared(hub, relay, name=name)) for name in ("plant-a", "plant-b")]
        hub.delete_hub()
        assert [certificates.read(one) for one in created] == [None, None]
        certificates.delete(created[0])
    name = hub.id.rpartition("/")[2]
    told = f"IoT hub '{name}' does not exist any more: it was deleted outside of this stack; `up` creates again what this stack declares"
    assert process.printed.splitlines() == [told]


@pytest.mark.parametrize("fault", ["404", "404-service"])
def test_a_devices_404_that_passes_changes_nothing(devices: Provider, registry: DeviceRegistry, fault: str) -> None:
    """One 404 for a device: a refresh finds it, and a deletion deletes it."""
    created = devices.create(registry.device())
    registry.clear(f"{fault}:times=1")
    assert devices.read(created) == created
    registry.clear(f"{fault}:times=1")
    devices.delete(created)
    assert registry.twins() == {}


def test_a_fleet_of_a_hub_that_seems_gone_stays(fleets: Provider, registry: DeviceRegistry) -> None:
    """The hub's own endpoint says that there is no such hub, Resource Manager says that there is: a refresh fails, and nothing is lost."""
    created = fleets.create(registry.fleet(Roster.of((name, DeviceDescription()) for name in ROSTER)))
    registry.clear("404-service")
    for step in (fleets.read, fleets.delete):
        with pytest.raises(CallFailedError):
            step(created)
    registry.clear()
    assert fleets.read(created) == created
    assert set(registry.twins()) == set(ROSTER)
