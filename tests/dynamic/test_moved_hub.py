"""A stack whose hub becomes another one, over gRPC: refused while the old hub answers; with consent, everything on it stays."""

import pytest

from hubtrust.devices.roster_files import from_pattern
from hubtrust.dynamic.authority_generation import AuthorityGenerationProvider
from hubtrust.dynamic.device_fleet import DeviceFleetProvider
from hubtrust.dynamic.device_identity import DeviceIdentityProvider
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from local_azure_iot import installation
from tests.kit.device_registry import OWNER, DeviceRegistry
from tests.kit.local_azure import Hub, LocalAzure
from tests.kit.provider_process import CallFailedError, ProviderProcess
from tests.kit.root_authority import RootAuthority


def at(hub: Hub, **more: object) -> dict[str, object]:
    """The inputs of a generation on the hub."""
    return {"authority": "plant", "generation": 1, "keepPrevious": False, "hubId": hub.id, "devicesOf": OWNER["stack"], **more}


def test_another_hub_needs_consent_while_the_old_one_answers(azure: LocalAzure, registry: DeviceRegistry, hub: Hub) -> None:
    """The error names both hubs and counts the devices. With consent nothing is deleted on the old hub, by whichever resource."""
    old, name = registry.client.hub, registry.client.hub.id.rpartition("/")[2]
    with ProviderProcess(installation.environment(azure.ready)) as process:
        watch, fleets = process.of(AuthorityGenerationProvider), process.of(DeviceFleetProvider)
        devices, certificates = process.of(DeviceIdentityProvider), process.of(VerifiedCertificateProvider)
        created = watch.create(at(old))
        alone = devices.create(registry.device(owner={**OWNER, "urn": f"{OWNER['urn']}-alone"}))
        fleet = fleets.create(registry.fleet(from_pattern("lathe-{1..3}")))
        trusted = certificates.create({"serviceId": old.id, "certificate": RootAuthority().pem, "name": "plant", "attest": True})
        moved = f"IoT hub '{name}': this stack would move from it to IoT hub '{hub.id.rpartition('/')[2]}'"
        message = f"{moved}, but it still exists: 4 enabled devices of this stack are on it; .*leaveHub: {name}"
        for consent in ({}, {"leave": "another"}):
            with pytest.raises(CallFailedError, match=message):
                watch.update(created, at(hub, **consent))
        assert watch.update(created, at(old)).outs == at(old), "the same hub needs none"
        assert watch.update(created, at(hub, leave=name)).outs == at(hub)
        registry.clear()
        before = old.certificates()
        for provider, one in ((devices, alone), (fleets, fleet), (certificates, trusted)):
            provider.delete(one)
        assert (sorted(registry.twins()), old.certificates()) == (["lathe-1", "lathe-2", "lathe-3", "press-001"], before)
    assert f"the fleet of 3 devices stays on IoT hub '{name}', which this stack leaves" in process.printed


def test_a_hub_that_is_gone_is_left_without_consent_and_one_that_cant_be_seen_is_not(azure: LocalAzure, hub: Hub) -> None:
    """Gone is what Azure confirms; a refused question is no answer."""
    old, new = azure.hub(), hub
    with ProviderProcess(installation.environment(azure.ready)) as process:
        watch = process.of(AuthorityGenerationProvider)
        created = watch.create(at(old))
        azure.control("POST", "/faults", {"spec": f"403:method=GET:path={old.id}"})
        with pytest.raises(CallFailedError, match="it still exists: an unknown number of enabled devices of this stack is on it"):
            watch.update(created, at(new))
        azure.control("DELETE", "/faults")
        azure.ask("DELETE", old.id)
        azure.until(lambda: azure.http.get(azure.url(old.id), headers=azure.token).status_code == 404)
        assert watch.update(created, at(new)).outs == at(new)
