"""What `pulumi import` reads: a run of the program that it prints is a no-op, nothing is written, and nobody's ownership is taken away."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from hubtrust.devices.roster import Roster
from hubtrust.devices.roster_files import from_ids
from hubtrust.dynamic.device_fleet import DeviceFleetProvider
from hubtrust.dynamic.device_identity import DeviceIdentityProvider
from hubtrust.dynamic.enrollment_fleet import EnrollmentFleetProvider
from hubtrust.dynamic.enrollment_group import EnrollmentGroupProvider
from hubtrust.dynamic.individual_enrollment import IndividualEnrollmentProvider
from hubtrust.dynamic.lifecycle import Imported, Reconciler
from hubtrust.dynamic.module_identity import ModuleIdentityProvider
from hubtrust.dynamic.possession_proof import PossessionProofProvider
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from hubtrust.errors import HubtrustError
from local_azure_iot import installation
from tests.dynamic.test_enrollment_fleet import roster as enrolled
from tests.kit.device_certificates import Party
from tests.kit.device_registry import OWNER, DeviceRegistry
from tests.kit.enrollment_client import EnrollmentClient
from tests.kit.enrollments import Enrollments
from tests.kit.hub_client import HubClient
from tests.kit.local_azure import Hub, LocalAzure
from tests.kit.provider_process import CallFailedError, Provider, ProviderProcess, ResourceState
from tests.kit.provisioning_client import ProvisioningClient
from tests.kit.root_authority import RootAuthority

ANOTHER = {"stack": "organization/others/dev", "urn": OWNER["urn"].replace("tests", "others")}


@pytest.fixture(autouse=True)
def reached(azure: LocalAzure, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process reaches local Azure as a provider process does."""
    for name, value in installation.environment(azure.ready).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def certificates(named_process: ProviderProcess) -> Provider:
    return named_process.of(VerifiedCertificateProvider)


def imported(provider: type[Reconciler[Any]], id_: str, owner: dict[str, str] = OWNER) -> Imported:
    """What an import finds; outputs are those that the resource may have."""
    found = provider().on_import(id_, owner)
    assert found is not None
    assert found.outputs.keys() <= provider.outputs
    assert found.inputs.get("owner", owner) == owner
    return found


def after(found: Imported, **given: Any) -> tuple[ResourceState, dict[str, Any]]:
    """The state after the import, and the inputs of the program that it prints, as check completes them."""
    inputs = {**found.inputs, **given}
    return ResourceState(found.id, {name: value for name, value in found.outputs.items() if value is not None}, inputs), inputs


def require_no_op(provider: Provider, state: ResourceState, news: dict[str, Any]) -> ResourceState:
    """Check takes the inputs, and a run with and without a refresh changes nothing; returns the state after it."""
    assert provider.check(news, state.inputs).failures == []
    assert provider.diff(state, news).changes is False
    refreshed = provider.read(state)
    assert refreshed is not None
    assert provider.diff(refreshed, news).changes is False
    return refreshed


@pytest.mark.parametrize("whose", [None, ANOTHER, OWNER], ids=["nobody", "another", "own"])
def test_a_device(devices: Provider, registry: DeviceRegistry, whose: dict[str, str] | None) -> None:
    """A no-op whoever manages it; its first change is made where it is nobody's or ours, and refused for another's until `adopt`."""
    registry.client.put("press-001", status="disabled", statusReason="theirs", capabilities={"iotEdge": True})
    registry.tag("press-001", plant_line="A", hubtrust=whose)
    registry.clear()
    found = imported(DeviceIdentityProvider, f"{registry.client.hub.id}/devices/press-001")
    state, news = after(found, owner=OWNER)
    assert {name: news[name] for name in ("status", "reason", "edge", "tags")} == {
        "status": "disabled",
        "reason": "theirs",
        "edge": True,
        "tags": '{"plant_line": "A"}',
    }
    assert state.outs["imported"] == ("own" if whose == OWNER else "others")
    state = require_no_op(devices, state, news)
    assert devices.diff(state, {name: value for name, value in news.items() if name != "tags"}).changes is False, "no run has declared it"
    assert registry.writes == 0
    changed = {**news, "status": "enabled", "tags": json.dumps({"floor": 2})}
    assert devices.diff(state, changed).changes is True
    if whose == ANOTHER:
        with pytest.raises(CallFailedError, match=r"is not managed by this resource \(owned by .*others"):
            devices.update(state, changed)
        changed |= {"adopt": ["press-001"]}
        assert devices.diff(state, {**news, "adopt": ["press-001"]}).changes is True
    written = devices.update(state, changed)
    assert "imported" not in written.outs
    assert registry.twin("press-001")["tags"] == {"plant_line": "A", "floor": 2, "hubtrust": OWNER}, "what nobody declared stays"
    assert devices.diff(written, changed).changes is False


@pytest.mark.parametrize("whose", [None, ANOTHER, OWNER], ids=["nobody", "another", "own"])
def test_an_imported_device_is_deleted_only_if_it_is_ours(
    devices: Provider, registry: DeviceRegistry, whose: dict[str, str] | None
) -> None:
    registry.client.put("press-001")
    registry.tag("press-001", hubtrust=whose)
    state, _ = after(imported(DeviceIdentityProvider, f"{registry.client.hub.id}/devices/press-001"), owner=OWNER)
    devices.delete(state)
    assert (registry.twins() == {}) is (whose == OWNER)


def test_what_was_created_here_is_imported_as_it_was(
    devices: Provider, modules: Provider, fleets: Provider, registry: DeviceRegistry
) -> None:
    """A device, a module and a fleet of this stack, with the inputs of their program: the state is lost, and nothing is written."""
    thumbprints = ["AB" * 20]
    device = registry.device(thumbprints=thumbprints, desired={"interval": 60}, hostName=None)
    module = registry.module(tags={"zone": "B"}, hostName=None)
    fleet = registry.fleet(lamps(), hostName=None)
    cases: list[tuple[Provider, type[Reconciler[Any]], dict[str, Any], str]] = [
        (devices, DeviceIdentityProvider, device, "press-001"),
        (modules, ModuleIdentityProvider, module, "press-001/modules/camera"),
        (fleets, DeviceFleetProvider, fleet, "lamp-{1..3} lamp-7"),
    ]
    for provider, kind, news, path in cases:
        created = provider.create(news)
        registry.clear()
        found = imported(kind, f"{registry.client.hub.id}/devices/{path}")
        state, printed = after(found, owner=OWNER)
        assert (found.id, state.outs["imported"]) == (created.id, "own")
        require_no_op(provider, state, printed)
        require_no_op(provider, state, news)
        assert registry.writes == 0


def lamps() -> Roster:
    return from_ids(["lamp-1", "lamp-2", "lamp-3", "lamp-7"], {"plant": "A"})


def test_a_fleet_of_nobodys_devices(fleets: Provider, registry: DeviceRegistry) -> None:
    """The id names the members. A change tags those that are declared, and leaves the others as they are."""
    for device_id in ("lamp-1", "lamp-2", "lamp-3", "lamp-7", "other"):
        registry.client.put(device_id)
        registry.tag(device_id, plant="A", own=device_id)
    registry.clear()
    id_ = f"{registry.client.hub.id}/devices/lamp-{{1..3}} lamp-7"
    state, news = after(imported(DeviceFleetProvider, id_), owner=OWNER)
    assert (state.outs["count"], state.outs["owner"]) == (4, {})
    state = require_no_op(fleets, state, news)
    declared = {**news, "members": lamps().pack()}
    assert require_no_op(fleets, state, declared), "of the tags only what is declared is compared"
    assert registry.writes == 0
    fleets.delete(state)
    assert len(registry.twins()) == 5, "no run has written them"
    registry.disable("lamp-2", "by hand")
    drifted = fleets.read(state)
    assert drifted is not None
    assert fleets.diff(drifted, declared).changes is True
    written = fleets.update(drifted, declared)
    twins = registry.twins()
    assert [twins[one]["tags"].get("hubtrust") for one in sorted(twins)] == [OWNER] * 4 + [None]
    assert (twins["lamp-2"]["status"], twins["lamp-1"]["tags"]["own"]) == ("enabled", "lamp-1")
    assert require_no_op(fleets, written, declared)


@pytest.mark.parametrize("verified", [True, False])
def test_a_certificate(certificates: Provider, hub: Hub, verified: bool) -> None:
    """Verified by others: `found`, and never more. Not verified: nothing asks for a code until `reprove` names its etag."""
    authority = RootAuthority()
    name = f"plant-a-g3-{authority.thumbprint[:8].lower()}"
    before = hub.put(name, authority.pem, isVerified=verified)
    found = imported(VerifiedCertificateProvider, f"{hub.id}/certificates/{name}")
    state, news = after(found)
    assert (news["name"], news["generation"], news["certificate"], "certificateName" in news) == ("plant-a", 3, authority.pem, False)
    assert (state.outs["state"], state.outs.get("proof")) == (("verified", "found") if verified else ("unverified", None))
    state = require_no_op(certificates, state, news)
    assert hub.certificates()[name]["etag"] == before["etag"]
    with_key = {**news, "signer": {"custody": "state", "privateKey": authority.private_pem}}
    assert certificates.diff(state, with_key).changes is True
    written = certificates.update(state, with_key)
    assert (written.outs["proof"], "imported" in written.outs) == ("key-held" if verified else "possession", False)
    if verified:
        assert hub.certificates()[name]["etag"] == before["etag"]
    else:
        assert certificates.diff(state, {**news, "reprove": before["etag"]}).changes is True


def test_a_certificate_of_a_provisioning_service(azure: LocalAzure, certificates: Provider) -> None:
    """Azure shows no text of it: the program gives the certificate, and its thumbprint is compared."""
    authority, service = RootAuthority(), azure.hub("provisioningServices")
    service.put("own-name", authority.pem, isVerified=True)
    state, news = after(imported(VerifiedCertificateProvider, f"{service.id}/certificates/own-name"))
    assert (news["certificateName"], "certificate" in news) == ("own-name", False)
    assert "certificate: it is missing" in str(certificates.check(news).failures)
    declared = {**news, "certificate": authority.pem}
    assert require_no_op(certificates, state, declared)
    assert certificates.diff(state, {**news, "certificate": RootAuthority().pem}).changes is True


@pytest.fixture(scope="module")
def service(azure: LocalAzure) -> Iterator[Enrollments]:
    """A service with two linked hubs and a proven root, whose enrollments the deployer may manage."""
    client = ProvisioningClient(azure, azure.hub("provisioningServices"))
    with client.http:
        found = Enrollments(azure, client)
        found.link(azure.hub())
        found.prove("root", Party("Plant root"))
        found.grant()
        yield found


def test_an_enrollment_group(named_process: ProviderProcess, service: Enrollments) -> None:
    """By references it is complete; what the program does not declare stays as it is."""
    groups, hub = named_process.of(EnrollmentGroupProvider), service.hubs[0].host
    twin = {"tags": {"plant": "A"}, "properties": {"desired": {"interval": 60}}}
    service.put_by_reference("presses", "root", initialTwin=twin, iotHubs=[hub], provisioningStatus="disabled")
    service.clear()
    found = imported(EnrollmentGroupProvider, f"{service.service.id}/enrollmentGroups/presses")
    state, news = after(found)
    assert (news["caReferences"], news["hubs"], news["status"], json.loads(news["tags"])) == (["root"], [hub], "disabled", {"plant": "A"})
    state = require_no_op(groups, state, news)
    less = {name: value for name, value in news.items() if name not in ("tags", "hubs")}
    assert groups.diff(state, less).changes is False
    assert service.calls(writes=True) == []
    changed = {**less, "edge": True, "revokeDevices": False}
    written = groups.update(state, changed)
    assert service.read("presses")["initialTwin"]["tags"] == {"plant": "A"}
    assert require_no_op(groups, written, changed)
    service.delete("presses")


def test_individual_enrollments(named_process: ProviderProcess, service: Enrollments) -> None:
    """Azure gives no certificates back: with those of the program, one of them and a fleet of all are no-ops."""
    individuals, fleets = named_process.of(IndividualEnrollmentProvider), named_process.of(EnrollmentFleetProvider)
    device = Party("Plant root").device("press-9")
    individuals.create(service.individual(device, deviceId="press-in-hall-2"))
    service.clear()
    state, news = after(imported(IndividualEnrollmentProvider, f"{service.service.id}/enrollments/PRESS-9"), certificates=[device.pem])
    assert (news["deviceId"], news["registrationId"]) == ("press-in-hall-2", "press-9")
    require_no_op(individuals, state, news)
    assert service.calls(writes=True) == []
    service.delete("press-9", "enrollments")
    client = EnrollmentClient(service.azure, service.service)
    wanted = enrolled(press_003={"status": "disabled"})
    with client.http:
        created = fleets.create(client.fleet(wanted))
        service.clear()
        id_ = f"{service.service.id}/enrollments/press-{{001..025}}"
        found = imported(EnrollmentFleetProvider, id_, {**OWNER, "urn": f"urn:pulumi:dev::tests::x::{created.outs['fleetName']}"})
        state, news = after(found, members=wanted.pack())
        assert (found.id, state.outs["count"], state.outs["enabled"]) == (created.id, 25, 24)
        state = require_no_op(fleets, state, news)
        assert service.calls(writes=True) == []
        changed = {**news, "members": enrolled(press_004={"status": "disabled"}).pack()}
        assert fleets.diff(state, changed).changes is True
        written = fleets.update(state, changed)
        assert require_no_op(fleets, written, changed)
        fleets.delete(written)
        assert client.every() == {}


@pytest.mark.parametrize(
    ("provider", "path", "match"),
    [
        (
            DeviceIdentityProvider,
            "hub-7.azure-devices.net/press-001",
            r"it is not the id of a device; write it as /subscriptions/.*/devices/DEVICE",
        ),
        (DeviceIdentityProvider, "HUB/devices/", "it is not the id of a device"),
        (DeviceIdentityProvider, "HUB/devices/press/001", "it is not the id of a device"),
        (DeviceIdentityProvider, "mars/HUB/devices/press-001", "mars"),
        (ModuleIdentityProvider, "HUB/devices/press-001", r"it is not the id of a module; .*/devices/DEVICE/modules/MODULE"),
        (EnrollmentGroupProvider, "HUB/enrollmentGroups/presses", r"it names IoT hub '.*', which has no such resource"),
        (
            DeviceFleetProvider,
            "HUB/devices/press-{001..002}",
            r"2 of the 2 devices that the id names don't exist: 'press-001', 'press-002'",
        ),
        (DeviceFleetProvider, "HUB/devices/press-{9..1}", "9..1 is not a valid range"),
        (DeviceIdentityProvider, "HUB/devices/with-keys", r"its authentication is 'sas', and a resource declares certificates only"),
        (DeviceFleetProvider, "HUB/devices/with-keys", r"its authentication is 'sas'"),
        (DeviceFleetProvider, "HUB/devices/mine theirs", "its devices have 2 owners, such as those of 'mine', 'theirs'"),
        (PossessionProofProvider, "HUB/certificates/ca", "'.*' as PossessionProof: it has no object of its own in Azure"),
    ],
)
def test_what_can_not_be_imported_is_one_true_line(many: str, provider: type[Reconciler[Any]], path: str, match: str) -> None:
    with pytest.raises(HubtrustError) as refused:
        provider().on_import(path.replace("HUB", many), OWNER)
    assert re.search(match, str(refused.value))
    assert "\n" not in str(refused.value)


@pytest.fixture(scope="module")
def many(azure: LocalAzure) -> Iterator[str]:
    """A hub with devices that can't be imported, or not together."""
    client = HubClient(azure, azure.hub())
    with client.http:
        there = DeviceRegistry(azure, client)
        there.grant()
        for device_id in ("mine", "theirs"):
            client.put(device_id)
        client.put("with-keys", authentication={"type": "sas"})
        there.tag("mine", hubtrust=OWNER)
        yield client.hub.id


def test_what_does_not_exist_is_none(many: str) -> None:
    """The shell answers with an empty id, and the engine says that it does not exist."""
    assert DeviceIdentityProvider().on_import(f"{many}/devices/none", OWNER) is None
