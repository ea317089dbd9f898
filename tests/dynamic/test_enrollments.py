"""EnrollmentGroupEntry and IndividualEnrollmentEntry over gRPC: created, resumed, repaired, refused, adopted, deleted by etag."""

import json
from collections.abc import Iterator

import pytest

from hubtrust.dynamic.enrollment_group import EnrollmentGroupProvider
from hubtrust.dynamic.individual_enrollment import IndividualEnrollmentProvider
from tests.kit.device_certificates import Party
from tests.kit.enrollments import INDIVIDUALS, Enrollments
from tests.kit.local_azure import Hub, LocalAzure
from tests.kit.provider_process import UNKNOWN, CallFailedError, Provider, ProviderProcess
from tests.kit.provisioning_client import ProvisioningClient

ROOT = Party("Plant root")
OTHER = Party("Other root")
TERMS = {
    "allocation": "hashed",
    "tags": json.dumps({"plant_line": "A", "floor": {"level": 2}}),
    "desired": json.dumps({"interval": 60}),
    "edge": True,
    "reprovision": "reset",
}


@pytest.fixture(scope="module")
def linked(azure: LocalAzure) -> list[Hub]:
    """Two hubs that every service of these tests is linked to."""
    return [azure.hub(), azure.hub()]


@pytest.fixture
def enrollments(azure: LocalAzure, linked: list[Hub]) -> Iterator[Enrollments]:
    """A service of the test's own with two linked hubs and a proven root, whose enrollments the deployer may manage."""
    client = ProvisioningClient(azure, azure.hub("provisioningServices"))
    with client.http:
        found = Enrollments(azure, client)
        found.link(*linked)
        found.prove("root", ROOT)
        found.grant()
        found.clear()
        yield found
        found.clear()


@pytest.fixture
def groups(named_process: ProviderProcess) -> Provider:
    return named_process.of(EnrollmentGroupProvider)


@pytest.fixture
def individuals(named_process: ProviderProcess) -> Provider:
    return named_process.of(IndividualEnrollmentProvider)


def test_the_life_of_a_group(groups: Provider, enrollments: Enrollments) -> None:
    """Created with a GET and a PUT, changed with a GET and a PUT, read with one GET; what is not declared any more is removed."""
    hub, other = (one.host for one in enrollments.hubs)
    news = enrollments.group(hubs=[hub.upper().replace("AZURE-DEVICES.NET", "azure-devices.net")], **TERMS)
    created = groups.create(news)
    assert enrollments.calls() == [
        "GET /enrollmentGroups/presses",
        "POST /enrollmentGroups/query",
        "PUT /enrollmentGroups/presses",
    ]
    found = enrollments.read("presses")
    assert found["attestation"]["x509"] == {"caReferences": {"primary": "root"}}
    assert found["initialTwin"] == {"tags": {"plant_line": "A", "floor": {"level": 2}}, "properties": {"desired": {"interval": 60}}}
    assert (found["capabilities"], found["reprovisionPolicy"]["migrateDeviceData"]) == ({"iotEdge": True}, False)
    assert created.id == f"{enrollments.client.host}/enrollmentGroups/presses"
    assert (created.outs["created"], created.outs["hubs"]) == (found["createdDateTimeUtc"], [hub])
    enrollments.clear()
    assert groups.up(created, news).outs == created.outs
    assert enrollments.calls() == ["GET /enrollmentGroups/presses"]
    enrollments.clear()
    less = enrollments.group(hubs=[hub, other], status="disabled")
    changed = groups.update(created, less)
    registrations = ["POST /registrations/presses/query"] * 2  # of a disabled group: its devices are disabled too
    assert enrollments.calls() == ["GET /enrollmentGroups/presses", "PUT /enrollmentGroups/presses", *registrations]
    found = enrollments.read("presses")
    assert ("initialTwin" in found, found["provisioningStatus"], found["capabilities"]) == (False, "disabled", {"iotEdge": False})
    assert {"allocation", "tags", "desired", "reprovision"} & changed.outs.keys() == set()
    assert groups.diff(changed, less).changes is False
    for other_input in ({"groupId": "lamps"}, {"groupId": UNKNOWN}, {"serviceId": enrollments.service.id + "x"}):
        assert groups.diff(changed, {**less, **other_input}).replaces == list(other_input)
    assert groups.diff(changed, {**less, "groupId": "PRESSES"}).replaces == []
    groups.delete(changed)
    groups.delete(changed)
    assert enrollments.read("presses") == {}


def test_the_life_of_an_individual_enrollment(individuals: Provider, enrollments: Enrollments) -> None:
    """By one or two certificates of the device; the second one that Azure shows as a copy of the first is no difference."""
    device, hub = ROOT.device("Press-1"), enrollments.hubs[0].host
    news = enrollments.individual(device, deviceId="press-in-hall-2", hubs=[hub], **TERMS)
    created = individuals.create(news)
    found = enrollments.read("press-1", INDIVIDUALS)
    assert (found["deviceId"], found["attestation"]["x509"]["clientCertificates"].keys()) == ("press-in-hall-2", {"primary", "secondary"})
    assert found["iotHubs"] == [hub], "linked hubs are checked, and no CA: the device's own certificate is enrolled"
    assert (len(created.outs["thumbprints"]), individuals.diff(created, news).changes) == (1, False)
    assert individuals.up(created, news).outs == created.outs
    renewed = ROOT.device("press-1")
    both = enrollments.individual(device, certificates=[renewed.pem, device.pem])
    changed = individuals.up(created, both)
    assert len(changed.outs["thumbprints"]) == 2
    assert "deviceId" not in changed.outs
    assert "press-in-hall-2" not in str(enrollments.read("press-1", INDIVIDUALS))
    individuals.delete(changed)
    assert enrollments.read("press-1", INDIVIDUALS) == {}


def test_a_signing_certificate_is_below_a_proven_ca(groups: Provider, enrollments: Enrollments) -> None:
    """Its issuers follow it in the same text; only the certificate itself is the group's."""
    issuing = ROOT.authority_below("Hall 2")
    news = enrollments.group(caReferences=None, signingCertificates=[issuing.pem + ROOT.pem])
    created = groups.create(news)
    assert created.outs["attestation"] == "signingCertificates"
    shown = enrollments.read("presses")["attestation"]["x509"]["signingCertificates"]
    assert shown["primary"]["info"]["sha256Thumbprint"] == shown["secondary"]["info"]["sha256Thumbprint"] == created.outs["thumbprints"][0]
    by_reference = enrollments.group()
    moved = groups.up(created, by_reference)
    assert (moved.outs["attestation"], moved.outs["caReferences"], "thumbprints" in moved.outs) == ("caReferences", ["root"], False)


def test_every_drift_is_found_and_repaired(groups: Provider, enrollments: Enrollments) -> None:
    """Disabled by hand, another CA, a changed twin, hubs; what is not declared may be set by others and stays."""
    enrollments.prove("next", OTHER)
    news = enrollments.group(tags=json.dumps({"plant": "A"}), hubs=[enrollments.hubs[0].host])
    state = groups.create(news)
    for members in (
        {"provisioningStatus": "disabled"},
        {"attestation": {"type": "x509", "x509": {"caReferences": {"primary": "root", "secondary": "next"}}}},
        {"attestation": {"type": "symmetricKey"}},
        {"initialTwin": {"tags": {"plant": "B"}, "properties": {"desired": {}}}},
        {"initialTwin": None},
        {"iotHubs": [one.host for one in enrollments.hubs]},
        {"capabilities": {"iotEdge": True}},
    ):
        enrollments.change("presses", **members)
        drifted = groups.read(state)
        assert drifted is not None
        assert groups.diff(drifted, news).changes is True, members
        state = groups.update(drifted, news)
        assert groups.diff(state, news).changes is False
        assert enrollments.read("presses")["initialTwin"]["tags"] == {"plant": "A"}
    theirs = {"allocationPolicy": "geoLatency", "reprovisionPolicy": {"updateHubAssignment": False, "migrateDeviceData": False}}
    enrollments.change("presses", **theirs)
    state = groups.read(state) or state
    assert groups.diff(state, news).changes is False
    state = groups.update(state, enrollments.group(tags=json.dumps({"plant": "C"}), hubs=[enrollments.hubs[0].host]))
    assert enrollments.read("presses").items() >= theirs.items()
    enrollments.delete("presses")
    assert groups.read(state) is None


def test_what_azure_adds_is_no_drift(groups: Provider, enrollments: Enrollments) -> None:
    """Empty parts, defaults and null mean the same as nothing; another case of a name means the same name."""
    news = enrollments.group(reprovision="migrate")
    state = groups.create(news)
    enrollments.change(
        "presses",
        attestation={"type": "x509", "x509": {"caReferences": {"primary": "Root", "secondary": None}}},
        initialTwin={"tags": {}, "properties": {"desired": {}}},
        capabilities=None,
        reprovisionPolicy=None,
    )
    assert groups.diff(groups.read(state) or state, news).changes is False


def test_one_that_others_made_is_refused_adopted_or_the_same(groups: Provider, enrollments: Enrollments) -> None:
    """An equal one is what an interrupted run left; another is unchanged unless `adopt` is set, and the first difference is told."""
    enrollments.put_by_reference("presses", "root", provisioningStatus="disabled")
    with pytest.raises(CallFailedError) as caught:
        groups.create(enrollments.group())
    name = enrollments.client.host.partition(".")[0]
    assert str(caught.value).strip() == (
        f"enrollment group 'presses' on provisioning service '{name}': one with this id exists with other content: it is disabled and "
        "declared enabled; use another id, declare what is there, or set adopt: true (of a group: setting adoptEnrollments) to take it over"
    )
    assert enrollments.read("presses")["provisioningStatus"] == "disabled"
    same = groups.create(enrollments.group(status="disabled"))
    assert same.outs["created"] == enrollments.read("presses")["createdDateTimeUtc"]
    created = groups.create(enrollments.group(adopt=True))
    read = groups.read(created)
    assert (created.outs["adopted"], read and read.outs["adopted"]) == (True, True)
    assert enrollments.read("presses")["provisioningStatus"] == "enabled"
    groups.delete(created)
    assert enrollments.read("presses"), "another resource has taken it over in this run"
    groups.delete(created)
    assert enrollments.read("presses") == {}


def test_a_404_that_is_wrong_takes_nothing_away(groups: Provider, enrollments: Enrollments) -> None:
    """A resource gets another name, and the group that is there is not seen at first: the old resource still leaves it to the new one."""
    created = groups.create(enrollments.group())
    enrollments.azure.control("PUT", "/clock", {"advance": 2})
    try:
        enrollments.clear("404:method=GET:path=/enrollmentGroups/presses:nth=1")
        renamed = groups.create(enrollments.group())
        groups.delete(created)
        assert enrollments.read("presses")["createdDateTimeUtc"] == renamed.outs["created"]
    finally:
        enrollments.azure.control("DELETE", "/clock")


def test_a_404_that_lasts_is_waited_for_or_told(groups: Provider, enrollments: Enrollments) -> None:
    """Azure answers it for a while for what is there. It is asked again over some seconds; what contradicts itself is told so."""
    created = groups.create(enrollments.group())
    at = "404:method=GET:path=/enrollmentGroups/presses"
    for write in (lambda: groups.create(enrollments.group()), lambda: groups.update(created, enrollments.group(status="disabled"))):
        enrollments.clear(f"{at}:times=3")
        assert write().outs["created"] == created.outs["created"]
        enrollments.clear(at)
        with pytest.raises(CallFailedError, match="Azure answers 404 for it, but also that it exists; run again in a few minutes"):
            write()
    enrollments.clear()


def test_another_one_in_its_place_is_not_ours(groups: Provider, enrollments: Enrollments) -> None:
    """Deleted and made again by others: a refresh shows it, an update refuses it, and a deletion keeps it."""
    news = enrollments.group()
    created = groups.create(news)
    enrollments.delete("presses")
    enrollments.put_by_reference("presses", "root", provisioningStatus="disabled")
    drifted = groups.read(created)
    assert drifted is not None
    assert drifted.outs["created"] == ""
    assert groups.diff(drifted, news).changes is True
    with pytest.raises(CallFailedError, match="one with this id exists with other content"):
        groups.update(drifted, news)
    for state in (drifted, created):
        groups.delete(state)
        assert enrollments.read("presses")
    enrollments.change("presses", provisioningStatus="enabled")
    assert groups.update(drifted, news).outs["created"] == enrollments.read("presses")["createdDateTimeUtc"]


def test_a_member_that_we_do_not_know_is_not_removed(groups: Provider, enrollments: Enrollments) -> None:
    """A write at our api-version would remove it, so the update is refused and names it."""
    created = groups.create(enrollments.group())
    enrollments.change("presses", version="2026-11-01", certificatePolicyName="leaves")
    assert groups.diff(groups.read(created) or created, enrollments.group()).changes is False
    with pytest.raises(CallFailedError) as caught:
        groups.update(created, enrollments.group(status="disabled"))
    assert "it has certificatePolicyName, which this version does not know and would remove with its write" in str(caught.value)
    assert enrollments.read("presses")["provisioningStatus"] == "enabled"


def test_lost_answers_are_no_differences(groups: Provider, enrollments: Enrollments) -> None:
    """A PUT or DELETE whose answer is lost was done: the next call finds it so."""
    for method in ("PUT", "GET"):
        enrollments.clear(f"drop:method={method}:path=/enrollmentGroups/*:nth=1:when=after")
        created = groups.create(enrollments.group())
        enrollments.clear(f"drop:method={method}:path=/enrollmentGroups/*:nth=1:when=after")
        changed = groups.update(created, enrollments.group(status="disabled"))
        enrollments.clear("drop:method=DELETE:path=/enrollmentGroups/*:nth=1:when=after")
        groups.delete(changed)
        assert enrollments.read("presses") == {}


def test_an_etag_that_is_stale_is_read_again(groups: Provider, enrollments: Enrollments) -> None:
    """412 once: it was changed in between."""
    created = groups.create(enrollments.group())
    enrollments.clear("412:method=PUT:path=/enrollmentGroups/*:nth=1")
    groups.update(created, enrollments.group(status="disabled"))
    enrollments.clear("412:method=DELETE:path=/enrollmentGroups/*:nth=1")
    groups.delete(created)
    assert enrollments.read("presses") == {}


def test_a_group_with_another_id_may_have_the_same_ca_while_it_is_replaced(groups: Provider, enrollments: Enrollments) -> None:
    """The new one is there before the old one is deleted."""
    created = groups.create(enrollments.group())
    renamed = enrollments.group(groupId="lamps")
    assert groups.diff(created, renamed).replaces == ["groupId"]
    groups.create(renamed)
    groups.delete(created)
    assert (enrollments.read("presses"), bool(enrollments.read("lamps"))) == ({}, True)


def test_the_state_has_no_webhook(groups: Provider, enrollments: Enrollments) -> None:
    """Its URL has a key: the state has a digest, in which a change shows."""
    news = enrollments.group(allocation="custom", webhook="https://f.example/api?code=SECRET", webhookVersion="2019-03-31")
    created = groups.create(news)
    assert enrollments.read("presses")["customAllocationDefinition"]["webhookUrl"] == "https://f.example/api?code=SECRET"
    assert "SECRET" not in str(created.outs)
    assert groups.diff(created, news).changes is False
    assert groups.diff(created, {**news, "webhook": "https://f.example/api?code=NEXT"}).changes is True
    enrollments.change("presses", customAllocationDefinition={"webhookUrl": "https://g.example", "apiVersion": "2019-03-31"})
    assert groups.diff(groups.read(created) or created, news).changes is True
    plain = groups.update(created, enrollments.group())
    assert ("customAllocationDefinition" in enrollments.read("presses"), "webhookDigest" in plain.outs) == (False, False)


def test_one_that_is_not_written_yet_is_written_when_it_may_be(groups: Provider, enrollments: Enrollments) -> None:
    """While there is a reason, nobody is asked; an entry of an earlier run stays as it is."""
    waiting = enrollments.group(skip="its CA waits", hostName=enrollments.client.host)
    created = groups.create(waiting)
    assert enrollments.calls() == []
    assert groups.diff(created, waiting).changes is False
    assert (groups.read(created) or created).outs == created.outs
    written = groups.up(created, enrollments.group())
    assert ("skip" in written.outs, enrollments.read("presses")["provisioningStatus"]) == (False, "enabled")
    enrollments.clear()
    kept = groups.up(written, enrollments.group(skip="its CA waits", status="disabled"))
    assert (enrollments.calls(writes=True), kept.outs["created"]) == ([], written.outs["created"])
    groups.delete(created)
    assert enrollments.read("presses"), "that state has no entry"
    groups.delete(kept)
    assert enrollments.read("presses") == {}


def test_a_service_that_is_gone_takes_its_enrollments_along(groups: Provider, enrollments: Enrollments) -> None:
    """A refresh finds nothing, and a deletion is done."""
    created = groups.create(enrollments.group())
    enrollments.service.delete_hub()
    assert groups.read(created) is None
    groups.delete(created)


def test_a_service_that_admits_nobody_is_not_read(groups: Provider, enrollments: Enrollments) -> None:
    """A refresh keeps what was there and says so; the next `up` reads and writes it."""
    created = groups.create(enrollments.group())
    service = enrollments.azure.ask("GET", enrollments.service.id).json()
    closed = {"properties": service["properties"] | {"publicNetworkAccess": "Disabled"}}
    enrollments.azure.ask("PUT", enrollments.service.id, json={"location": "westus", "sku": service["sku"], **closed})
    enrollments.clear("401:path=/enrollmentGroups/*")
    unread = groups.read(created)
    assert unread is not None
    assert "so it admits only connections through a private endpoint" in unread.outs["unread"]
    assert groups.diff(unread, enrollments.group()).changes is True
    enrollments.clear()
    opened = {"properties": service["properties"] | {"publicNetworkAccess": "Enabled"}}
    enrollments.azure.ask("PUT", enrollments.service.id, json={"location": "westus", "sku": service["sku"], **opened})
    read = groups.update(unread, enrollments.group())
    assert ("unread" in read.outs, groups.diff(read, enrollments.group()).changes) == (False, False)
