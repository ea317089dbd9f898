"""Revocation: with a disabled enrollment, the devices that came by it are refused by their hub, which Azure alone does not do."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hubtrust.dynamic.enrollment_fleet import EnrollmentFleetProvider
from hubtrust.dynamic.enrollment_group import EnrollmentGroupProvider
from hubtrust.dynamic.individual_enrollment import IndividualEnrollmentProvider
from hubtrust.enrollments.fleet_files import enrollments_from_list
from local_azure_iot import installation
from tests.kit.device_certificates import Party
from tests.kit.device_registry import OWNER, DeviceRegistry
from tests.kit.enrolling_device import EnrollingDevice
from tests.kit.enrollments import Enrollments
from tests.kit.hub_client import HubClient
from tests.kit.local_azure import LocalAzure
from tests.kit.provider_process import CallFailedError, Provider, ProviderProcess
from tests.kit.provisioning_client import ProvisioningClient

ROOT = Party("Plant root")


@pytest.fixture(scope="module")
def place(azure: LocalAzure) -> Iterator[tuple[Enrollments, DeviceRegistry]]:
    """A service with a hub, whose devices and enrollments the deployer may manage; devices are told to ask again at once."""
    client = ProvisioningClient(azure, azure.hub("provisioningServices"))
    hub = HubClient(azure, azure.hub())
    with client.http, hub.http:
        found, registry = Enrollments(azure, client), DeviceRegistry(azure, hub)
        found.link(hub.hub)
        found.prove("root", ROOT)
        found.grant()
        registry.grant()
        azure.control("PATCH", "/settings", {"retry_after": 0})
        yield found, registry
        azure.control("PATCH", "/settings", {"retry_after": None})
        for linked in found.hubs:
            linked.http.close()


@pytest.fixture
def enrollments(place: tuple[Enrollments, DeviceRegistry]) -> Iterator[Enrollments]:
    place[0].clear()
    yield place[0]
    place[0].clear()


@pytest.fixture
def registry(place: tuple[Enrollments, DeviceRegistry]) -> DeviceRegistry:
    return place[1]


@pytest.fixture
def groups(named_process: ProviderProcess) -> Provider:
    return named_process.of(EnrollmentGroupProvider)


def enrolled(enrollments: Enrollments, folder: Path, *names: str) -> list[EnrollingDevice]:
    """Devices that have registered."""
    devices = [EnrollingDevice(ROOT.device(name), folder / name) for name in names]
    for device in devices:
        assert device.register(enrollments.client).body["status"] == "assigned"
    return devices


def statuses(registry: DeviceRegistry, *names: str) -> list[tuple[str, Any]]:
    return [(twin["status"], twin.get("statusReason")) for twin in map(registry.twin, names)]


def test_the_devices_of_a_revoked_group_are_refused_by_the_hub(
    groups: Provider, enrollments: Enrollments, registry: DeviceRegistry, tmp_path: Path
) -> None:
    """And nobody else; a second run has nothing to do; enabling gives back those that this disabled, and no others."""
    news = enrollments.group()
    created = groups.create(news)
    first, second, third = enrolled(enrollments, tmp_path, "press-1", "press-2", "press-3")
    registry.client.put("bystander")
    registry.client.bulk({"id": "press-3", "importMode": "update", "status": "disabled", "statusReason": "lost"}).raise_for_status()
    assert first.connects(registry.client)
    off = enrollments.group(status="disabled")
    revoked = groups.update(created, off)
    service = enrollments.client.host.partition(".")[0]
    reason = f"hubtrust: enrollment group 'presses' of provisioning service '{service}' is disabled"
    assert statuses(registry, "press-1", "press-2", "press-3") == [("disabled", reason)] * 2 + [("disabled", "lost")]
    assert [one.connects(registry.client) for one in (first, second, third)] == [False] * 3
    assert statuses(registry, "bystander")[0][0] == "enabled"
    assert (revoked.outs["revoked"], "left" in revoked.outs) == (3, False)
    assert first.register(enrollments.client).body["status"] == "disabled"
    registry.clear("401:path=/twins/*")
    assert groups.read(revoked) == revoked, "a hub that does not answer is no news of its devices"
    registry.clear()
    assert groups.up(revoked, off).outs["revoked"] == 3
    assert registry.writes == 0
    back = groups.update(revoked, news)
    assert "revoked" not in back.outs
    assert [one.connects(registry.client) for one in (first, second, third)] == [True, True, False]
    groups.delete(back)


def test_a_device_that_is_enabled_again_is_drift(
    groups: Provider, enrollments: Enrollments, registry: DeviceRegistry, tmp_path: Path
) -> None:
    """Somebody enabled it by hand; or the run was killed after the group was disabled, and the device has tried to register since."""
    created = groups.create(enrollments.group(groupId="lathes"))
    (device,) = enrolled(enrollments, tmp_path, "lathe-1")
    enrollments.change("lathes", provisioningStatus="disabled")
    assert device.register(enrollments.client).body["status"] == "disabled"
    assert device.connects(registry.client), "Azure disables the group alone"
    off = enrollments.group(groupId="lathes", status="disabled")
    read = groups.read(created)
    assert read is not None
    assert read.outs["left"] == ["lathe-1: it is enabled on its hub"]
    revoked = groups.up(read, off)
    assert (device.connects(registry.client), revoked.outs["revoked"], "left" in revoked.outs) == (False, 1, False)
    kept = enrollments.group(groupId="lathes", status="disabled", revokeDevices=False)
    spared = groups.up(revoked, kept)
    assert (device.connects(registry.client), "revoked" in spared.outs) == (True, False)
    assert groups.up(spared, kept).outs == spared.outs
    again = groups.up(spared, off)
    assert (device.connects(registry.client), again.outs["revoked"]) == (False, 1)
    groups.delete(again)
    assert not device.connects(registry.client)


def test_one_device_of_a_group_is_kept_out(
    groups: Provider, named_process: ProviderProcess, enrollments: Enrollments, registry: DeviceRegistry, tmp_path: Path
) -> None:
    """By a disabled individual enrollment, which finds the device although it came by its group; enabled, it gives the device back."""
    individuals = named_process.of(IndividualEnrollmentProvider)
    fleets = named_process.of(EnrollmentFleetProvider)
    created = groups.create(enrollments.group(groupId="drills"))
    stolen, other, lost = enrolled(enrollments, tmp_path, "drill-1", "drill-2", "drill-3")
    off = enrollments.individual(stolen.identity, status="disabled")
    excluded = individuals.create(off)
    assert excluded.outs["revoked"] == 1
    assert [one.connects(registry.client) for one in (stolen, other)] == [False, True]
    assert stolen.register(enrollments.client).body["status"] == "disabled"
    assert individuals.up(excluded, off).outs == excluded.outs
    enrollments.clear("404:method=GET:path=/registrations/*:nth=1")
    back = individuals.up(excluded, enrollments.individual(stolen.identity))
    assert stolen.connects(registry.client), "one 404 is not believed"
    enrollments.clear()
    roster = enrollments_from_list([{"registrationId": lost.name, "certificate": lost.identity.pem, "status": "disabled"}])
    fleet = fleets.create({"serviceId": enrollments.service.id, "fleetName": "lost", "members": roster.pack()})
    assert [one.connects(registry.client) for one in (stolen, other, lost)] == [True, True, False]
    enrollments.clear()
    unseen = individuals.create(enrollments.individual(ROOT.device("drill-4"), status="disabled", hostName=enrollments.client.host))
    hosts = {call["host"] for call in enrollments.azure.control("GET", "/requests")}
    assert "management.azure.com" not in hosts, "where nobody has registered, nothing is asked of hubs or Resource Manager"
    for provider, state in ((individuals, back), (individuals, unseen), (fleets, fleet), (groups, created)):
        provider.delete(state)


def test_a_device_that_is_declared_too_is_told(
    azure: LocalAzure, enrollments: Enrollments, registry: DeviceRegistry, tmp_path: Path
) -> None:
    """The resource that declares it would enable it again: it is disabled, and the run names the resource."""
    with ProviderProcess(installation.environment(azure.ready)) as process:
        groups = process.of(EnrollmentGroupProvider)
        created = groups.create(enrollments.group(groupId="robots"))
        (device,) = enrolled(enrollments, tmp_path, "robot-1")
        registry.tag("robot-1", hubtrust=OWNER)
        revoked = groups.update(created, enrollments.group(groupId="robots", status="disabled"))
        assert (revoked.outs["revoked"], device.connects(registry.client)) == (1, False)
        groups.delete(revoked)
    assert "device 'robot-1' of it is also declared by 'presses', whose next `up` enables it again: disable it there too" in process.printed


def test_a_registration_that_was_under_way_is_revoked_too(
    groups: Provider, enrollments: Enrollments, registry: DeviceRegistry, tmp_path: Path
) -> None:
    """It began before the group was disabled, and may end after the devices were asked for."""
    created = groups.create(enrollments.group(groupId="mills"))
    device = EnrollingDevice(ROOT.device("mill-1"), tmp_path)
    assert device.begin(enrollments.client).status == 202
    revoked = groups.update(created, enrollments.group(groupId="mills", status="disabled"))
    assert "left" not in revoked.outs
    assert not device.connects(registry.client)
    groups.delete(revoked)


def test_a_hub_that_refuses_is_told_and_the_next_run_goes_on(
    groups: Provider, enrollments: Enrollments, registry: DeviceRegistry, tmp_path: Path
) -> None:
    """The group is disabled first, so that nobody registers meanwhile; the outputs don't call it revoked."""
    created = groups.create(enrollments.group(groupId="saws"))
    (device,) = enrolled(enrollments, tmp_path, "saw-1")
    off = enrollments.group(groupId="saws", status="disabled", deadline=1)
    registry.clear("403:path=/devices:method=POST")
    with pytest.raises(
        CallFailedError,
        match=r"it is disabled and 0 of its devices with it, but not 'saw-1': saw-1: .*Azure answers 401 .*; correct that, then run again",
    ):
        groups.update(created, off)
    registry.clear()
    assert enrollments.read("saws")["provisioningStatus"] == "disabled"
    assert groups.update(created, off).outs["revoked"] == 1
    assert not device.connects(registry.client)
    registry.clear("403:path=/devices:method=POST")
    revoked = groups.update(created, off)
    with pytest.raises(CallFailedError, match=r"it is enabled, but 1 of its devices are still disabled, such as 'saw-1'"):
        groups.update(revoked, enrollments.group(groupId="saws", deadline=1))
    registry.clear()
    read = groups.read(revoked)
    assert read is not None
    assert (read.outs["status"], read.outs["revoked"]) == ("enabled", 1)
    back = groups.up(read, enrollments.group(groupId="saws"))
    assert (device.connects(registry.client), "revoked" in back.outs) == (True, False)
    groups.delete(back)


@pytest.mark.parametrize("is_linked", [True, False])
def test_a_hub_that_is_gone_keeps_no_group_from_being_revoked(
    groups: Provider, enrollments: Enrollments, registry: DeviceRegistry, azure: LocalAzure, tmp_path: Path, *, is_linked: bool
) -> None:
    """Its devices are gone with it, as Resource Manager says: no hub has its name. A link outlives its hub."""
    own, passing = registry.client.hub, azure.hub()
    _, host = enrollments.link(own, passing)
    created = groups.create(enrollments.group(groupId="drills", hubs=[host], allocation="static"))
    enrolled(enrollments, tmp_path, "drill-1")
    passing.delete_hub()
    if not is_linked:
        enrollments.link(own)
    revoked = groups.update(created, enrollments.group(groupId="drills", status="disabled", deadline=5))
    assert ("left" in revoked.outs, "revoked" in revoked.outs) == (False, False)
    groups.delete(revoked)
    enrollments.link(own)


def test_a_run_that_fails_anywhere_is_finished_by_the_next_one(
    groups: Provider, enrollments: Enrollments, registry: DeviceRegistry, tmp_path: Path
) -> None:
    """Whatever call fails: nothing is called revoked that is not, and the next run revokes, or gives back."""
    on, off = enrollments.group(groupId="planers", deadline=1), enrollments.group(groupId="planers", deadline=1, status="disabled")
    created = groups.create(on)
    (device,) = enrolled(enrollments, tmp_path, "planer-1")
    write, registrations = "401:path=/enrollmentGroups/planers:method=PUT", "401:path=/registrations/planers/query"
    calls = [(enrollments.clear, write), (enrollments.clear, registrations), (registry.clear, "401:path=/twins/planer-1")]
    for clear, fault in calls:
        clear(fault)
        with pytest.raises(CallFailedError, match="Azure answers 401"):
            groups.update(created, off)
        clear()
    revoked = groups.up(created, off)
    assert (revoked.outs["revoked"], device.connects(registry.client)) == (1, False)
    for clear, fault in calls[1:]:
        clear(fault)
        with pytest.raises(CallFailedError, match="Azure answers 401"):
            groups.update(revoked, on)
        clear()
    created = groups.up(revoked, on)
    assert ("revoked" in created.outs, device.connects(registry.client)) == (False, True)
    groups.delete(created)


def test_the_devices_of_a_fleets_disabled_enrollments_are_refused(
    named_process: ProviderProcess, enrollments: Enrollments, registry: DeviceRegistry, tmp_path: Path
) -> None:
    """Those that became disabled, and no others; a run that failed after it wrote the enrollments is finished, also after a refresh."""
    fleets = named_process.of(EnrollmentFleetProvider)
    devices = [EnrollingDevice(ROOT.device(f"loom-{number}"), tmp_path / str(number)) for number in range(1, 4)]

    def fleet(*disabled: str, **own: Any) -> dict[str, Any]:
        lines = [
            {"registrationId": one.name, "certificate": one.identity.pem, "status": "disabled" if one.name in disabled else "enabled"}
            for one in devices
        ]
        here = {"serviceId": enrollments.service.id, "fleetName": "looms", "deadline": 1, **own}
        return {**here, "members": enrollments_from_list(lines).pack()}

    def connected() -> list[bool]:
        return [one.connects(registry.client) for one in devices]

    created = fleets.create(fleet())
    assert all(one.register(enrollments.client).body["status"] == "assigned" for one in devices)
    off = fleet("loom-1", "loom-2")
    registry.clear("401:path=/devices:method=POST")
    with pytest.raises(CallFailedError, match=r"but not 'loom-1', 'loom-2': loom-1: .*Azure answers 401"):
        fleets.update(created, off)
    registry.clear()
    refreshed = fleets.read(created)
    assert refreshed is not None
    revoked = fleets.up(refreshed, off)
    assert connected() == [False, False, True]
    assert fleets.up(revoked, off).outs == revoked.outs
    partly = fleets.up(revoked, fleet("loom-2"))
    assert connected() == [True, False, True]
    spared = fleets.up(partly, fleet("loom-2", "loom-3", revokeDevices=False))
    assert connected() == [True, False, True]
    fleets.delete(spared)


def test_a_device_whose_certificate_was_renewed_is_told_to_register_again(
    azure: LocalAzure, enrollments: Enrollments, registry: DeviceRegistry, tmp_path: Path
) -> None:
    """The hub refuses the new certificate until the device has registered with it: the run says so."""
    device = EnrollingDevice(ROOT.device("drill-1"), tmp_path)
    with ProviderProcess(installation.environment(azure.ready)) as process:
        individuals = process.of(IndividualEnrollmentProvider)
        created = individuals.create(enrollments.individual(device.identity))
        assert device.register(enrollments.client).body["status"] == "assigned"
        renewed = EnrollingDevice(ROOT.device("drill-1"), tmp_path / "renewed")
        both = individuals.update(
            created, enrollments.individual(renewed.identity, certificates=[renewed.identity.pem, device.identity.pem])
        )
        updated = individuals.update(both, enrollments.individual(renewed.identity))
        assert (device.connects(registry.client), renewed.connects(registry.client)) == (True, False)
        assert renewed.register(enrollments.client).body["status"] == "assigned"
        assert (device.connects(registry.client), renewed.connects(registry.client)) == (False, True)
        off = enrollments.individual(renewed.identity, status="disabled")
        revoked = individuals.update(updated, off)
        assert (renewed.connects(registry.client), revoked.outs["revoked"]) == (False, 1)
        individuals.delete(revoked)
    (line,) = [one for one in process.printed.splitlines() if "let it register again" in one]
    assert "knows device 'drill-1' by an earlier certificate, and refuses the new one" in line
