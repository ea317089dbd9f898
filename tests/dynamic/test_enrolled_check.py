"""ConnectionCheck through a provisioning service: a device enrols, connects and is removed; or the broken link is named."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from hubtrust.azure.device_description import DeviceDescription, Twin
from hubtrust.devices.enrolled_canary import entry_fault
from hubtrust.devices.registration import Assignment
from hubtrust.dynamic.connection_check import ConnectionCheckProvider
from tests.kit.authorities import private_pem
from tests.kit.device_certificates import Party
from tests.kit.device_registry import OWNER, DeviceRegistry
from tests.kit.hub_client import HubClient
from tests.kit.local_azure import LocalAzure
from tests.kit.provider_process import Provider, ProviderProcess
from tests.kit.provisioning_client import ProvisioningClient

_HUB_CONTRIBUTOR = "4fc6c259-987e-4a07-842e-c321cc9d413f"
_CANARY = "hubtrust-canary"


@dataclass
class Plant:
    """A service with one hub, a CA that is verified on the service alone, and the group of its devices."""

    registry: DeviceRegistry
    service: ProvisioningClient
    authority: Party

    def check(self, **changes: Any) -> dict[str, Any]:
        """The inputs of a check through the service."""
        news = {
            "hubId": self.registry.client.hub.id,
            "hostName": self.registry.client.host,
            "deviceId": _CANARY,
            "chain": self.authority.pem,
            "signer": {"custody": "state", "privateKey": private_pem(self.authority.key)},
            "trust": [{"name": "root", "thumbprint": self.authority.thumbprint(), "verified": True}],
            "serviceId": self.service.service.id,
            "owner": OWNER,
            "deadline": 1,
        }
        return {name: value for name, value in (news | changes).items() if value is not None}

    def what_is_left(self) -> tuple[list[str], int]:
        """The hub's devices, and the status of a question for the canary's registration."""
        return self.registry.ids(), self.service.ask("GET", f"/registrations/{_CANARY}").status_code


@pytest.fixture(scope="module")
def service(azure: LocalAzure) -> Iterator[ProvisioningClient]:
    made = ProvisioningClient(azure, azure.hub("provisioningServices"))
    made.grant()
    with made.http:
        yield made


@pytest.fixture(scope="module")
def module_registry(azure: LocalAzure) -> Iterator[DeviceRegistry]:
    client = HubClient(azure, azure.hub())
    with client.http:
        found = DeviceRegistry(azure, client)
        found.grant()
        yield found
        found.clear()


@pytest.fixture(scope="module")
def authority(service: ProvisioningClient, module_registry: DeviceRegistry) -> Party:
    service.link(module_registry.client)
    created = Party("Plant root")
    service.service.put("root", created.pem, isVerified=True)
    return created


@pytest.fixture
def plant(service: ProvisioningClient, module_registry: DeviceRegistry, authority: Party) -> Iterator[Plant]:
    module_registry.clear(retry_after=0)
    service.ask("DELETE", "/enrollmentGroups/presses")
    service.put_group("presses", authority)
    yield Plant(module_registry, service, authority)
    module_registry.clear(retry_after=None)
    for device_id in module_registry.ids():
        module_registry.delete(device_id)


@pytest.fixture
def checks(named_process: ProviderProcess) -> Provider:
    return named_process.of(ConnectionCheckProvider)


def test_a_device_without_an_entry_enrols_connects_and_is_removed(checks: Provider, plant: Plant, named_process: ProviderProcess) -> None:
    """The hub trusts no CA. Nothing is left: neither the device nor its registration. A second run has nothing to do."""
    news = plant.check()
    created = checks.create(news)
    assert (created.outs["state"], created.outs["assignedHub"]) == ("connected", plant.registry.client.host)
    assert created.outs["certificationPath"] == f"{_CANARY} < Plant root"
    assert plant.registry.sessions()[-1]["device"] == _CANARY
    assert plant.what_is_left() == ([], 404)
    read = checks.read(created)
    assert read is not None
    assert (read.outs, checks.diff(read, news).changes) == (created.outs, False)
    assert checks.diff(read, plant.check(device="the group's next etag")).changes is True
    assert not [mark for mark in private_pem(plant.authority.key).splitlines()[1:-1] if mark in named_process.traffic[-1]]
    checks.delete(created)


@pytest.mark.parametrize("killed", ["before it connected", "after it connected", "before the registration was removed"])
def test_what_an_interrupted_check_left_is_used_and_removed(checks: Provider, plant: Plant, azure: LocalAzure, killed: str) -> None:
    """A device with this check's tag, one that the service made and that never connected, and a registration without a device."""
    news = plant.check()
    if killed == "after it connected":
        plant.registry.client.put(_CANARY)
        plant.registry.tag(_CANARY, hubtrust=OWNER)
    elif killed == "before it connected":
        plant.registry.clear("403:path=/devices:method=POST")
        checks.create_error(news)
        assert plant.registry.ids() == [_CANARY]
    else:
        azure.control("POST", "/faults", {"spec": f"403:path=/registrations/*:method=DELETE:host={plant.service.host}"})
        checks.create_error(news)
        assert plant.what_is_left() == ([], 200)
    plant.registry.clear()
    assert checks.create(news).outs["state"] == "connected"
    assert plant.what_is_left() == ([], 404)


def test_a_device_that_is_there_is_not_taken_over(checks: Provider, plant: Plant) -> None:
    """Registering would replace its certificate: refused before anything is sent to the service's device API."""
    plant.registry.client.put(_CANARY)
    before = len(plant.registry.sessions())
    text = checks.create_error(plant.check())
    assert "has a device of this id, and registering would replace its certificate; give the check an id that no device has" in text
    assert plant.registry.twin(_CANARY)["authenticationType"] == "certificateAuthority"
    assert len(plant.registry.sessions()) == before


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"idScope": "0ne00000000"}, r"id scope: '0ne00000000' is not the id scope of provisioning service '[^']+', which has '0n"),
        ({"assignedHubs": ["hub-7.azure-devices.net"]}, "device 'hubtrust-canary' on IoT hub 'hub-7'"),
        ({"deviceHost": "dps.example.com"}, r"name: the proxy can't reach it \(.*403.*\); check the provisioning service's name"),
    ],
)
def test_a_wrong_way_is_named(checks: Provider, plant: Plant, changes: dict[str, Any], match: str) -> None:
    """What the service can't tell apart, an unknown id scope and a service that is down, Resource Manager can."""
    text = checks.create_error(plant.check(**changes))
    assert re.search(match, text), text


def test_another_hub_than_expected_is_named(checks: Provider, plant: Plant, azure: LocalAzure) -> None:
    """The device is removed from there too."""
    other = azure.hub()
    azure.grant(_HUB_CONTRIBUTOR, other.id)
    name = other.id.rpartition("/")[2]
    text = checks.create_error(plant.check(assignedHubs=[f"{name}.azure-devices.net"]))
    assert f"assigned elsewhere: it is assigned to '{plant.registry.client.host}', which is none of {name}" in text
    assert plant.what_is_left() == ([], 404)


def test_the_services_own_reasons_are_named(checks: Provider, plant: Plant, service: ProvisioningClient) -> None:
    """Each refusal in the service's words, with its cause and what to do; none leaves a device or a registration behind."""
    mill = Party("Mill root")
    foreign = plant.check(chain=mill.pem, signer={"custody": "state", "privateKey": private_pem(mill.key)})
    text = checks.create_error(foreign)
    shown = "CA not verified: the chain hubtrust-canary < Mill root ends at a CA that is not on provisioning service"
    assert re.search(rf"{shown} .*: 'root' \(verified\) \(401002 CA certificate not found\); prove the CA on the service", text), text
    group = service.ask("GET", "/enrollmentGroups/presses").json()
    body = {**group, "provisioningStatus": "disabled"}
    service.ask("PUT", "/enrollmentGroups/presses", json=body, headers={"If-Match": "*"}).raise_for_status()
    assert "enrollment disabled: the enrollment that is for the device is disabled; enable it" in checks.create_error(plant.check())
    assert plant.what_is_left() == ([], 404)
    service.ask("DELETE", "/enrollmentGroups/presses").raise_for_status()
    text = checks.create_error(plant.check())
    assert re.search(r"no enrollment: no enrollment is for .* \(401002 Unauthorized\); declare an EnrollmentGroup", text), text


def test_no_hub_and_a_throttled_service_are_named(checks: Provider, plant: Plant, service: ProvisioningClient, azure: LocalAzure) -> None:
    """What Azure accepts when an enrollment is written, and fails when a device registers; and its limit."""
    service.link()
    text = checks.create_error(plant.check())
    service.link(plant.registry.client)
    assert re.search(r"no hub: no hub can be assigned \(400208 .+\); link the hubs", text), text
    assert plant.what_is_left() == ([], 404)
    azure.control("PATCH", "/settings", {"registrations_per_minute": 1})
    try:
        checks.create(plant.check())
        text = checks.create_error(plant.check())
    finally:
        azure.control("PATCH", "/settings", {"registrations_per_minute": None})
    assert re.search(r"throttled: provisioning service '[^']+' accepts no more registrations at the moment; .*1,000 a minute", text), text


def test_a_registration_that_does_not_end_is_named(checks: Provider, plant: Plant, azure: LocalAzure) -> None:
    """It is the check's own that is under way, and a later check, after it has ended, removes what it made."""
    azure.control("PATCH", "/settings", {"registration_seconds": 60})
    try:
        assert "not assigned: provisioning service '" in checks.create_error(plant.check())
        text = checks.create_error(plant.check())
        assert "under way: an earlier registration of 'hubtrust-canary' is under way: this check's, or that of another device" in text
        azure.control("PUT", "/clock", {"advance": 61})
        azure.until(lambda: plant.what_is_left() == ([_CANARY], 200))
    finally:
        azure.control("DELETE", "/clock")
        azure.control("PATCH", "/settings", {"registration_seconds": 0})
    assert checks.create(plant.check()).outs["state"] == "connected"
    assert plant.what_is_left() == ([], 404)


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        (None, "identity missing: it was assigned to this hub, but the hub has no device 'press-1'; find out who deletes it"),
        (DeviceDescription(enabled=False, reason="stolen"), "disabled: the device is disabled: stolen; enable it"),
        (
            DeviceDescription(thumbprints=("AB" * 32,)),
            "certificate: the hub knows another certificate of 'press-1' than the one with which it has just registered; register again: ",
        ),
        (DeviceDescription(thumbprints=("CD" * 32,)), "refused: the hub does not accept 'press-1', although it knows its certificate; run"),
    ],
)
def test_what_the_hub_knows_of_a_device_that_registered_is_named(found: DeviceDescription | None, fault: str) -> None:
    """The hub refuses it: its entry says why."""
    twin = None if found is None else Twin("press-1", found, found.authentication, "", "")
    named = entry_fault(twin, Assignment("hub-7.azure-devices.net", "press-1"), "CD" * 32)
    assert f"{named.reason}: {named.fact}; {named.remedy}".startswith(fault)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"deviceId": "press 1"}, "press 1"),
        ({"deviceId": "press_"}, "can't be the registration id of a device that enrols"),
        ({"deviceId": "p" * 65}, "can't be the registration id"),
        ({"idScope": "not a scope"}, "give the output id_scope of ProvisioningService"),
        ({"assignedHubs": []}, "it is empty; list the host names"),
        ({"serviceId": None, "idScope": "0ne1"}, "it has an effect only for a device that enrols; set serviceId"),
        ({"serviceId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/hub-7"}, "where nobody enrols"),
    ],
)
def test_what_can_not_be_checked_is_refused_in_a_preview(checks: Provider, plant: Plant, changes: dict[str, Any], match: str) -> None:
    """Before anything is sent."""
    ((_, reason),) = checks.check(plant.check(**changes)).failures
    assert match in reason
