"""EnrollmentFleet over gRPC, as the engine calls it: thousands of individual enrollments as one resource, ten a call."""

import hashlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from hubtrust.dynamic.enrollment_fleet import EnrollmentFleetProvider
from hubtrust.dynamic.individual_enrollment import IndividualEnrollmentProvider
from hubtrust.enrollments.fleet_files import enrollments_from_list
from hubtrust.enrollments.fleet_roster import EnrollmentRoster
from hubtrust.pki.certificate import load_certificate
from hubtrust.pki.certificate import pem as text_of
from tests.kit.enrollment_client import EnrollmentClient, client_certificate
from tests.kit.local_azure import LocalAzure
from tests.kit.provider_process import CallFailedError, Provider, ProviderProcess, ResourceState

IDS = [f"press-{number:03d}" for number in range(1, 26)]
certificate = cache(client_certificate)


def roster(ids: list[str] = IDS, tags: dict[str, Any] | None = None, **own: dict[str, Any]) -> EnrollmentRoster:
    """Enrollments of these devices, and changes to some of them."""
    lines = [{"registrationId": one, "certificate": certificate(one), **own.get(one.replace("-", "_"), {})} for one in ids]
    return enrollments_from_list(lines, {"plant": "A"} if tags is None else tags)


@pytest.fixture
def service(azure: LocalAzure) -> Iterator[EnrollmentClient]:
    """A provisioning service of the test's own, whose enrollments the deployer may manage."""
    client = EnrollmentClient(azure, azure.hub("provisioningServices"))
    with client.http:
        client.grant()
        client.clear()
        yield client
        client.clear()


@pytest.fixture
def fleets(named_process: ProviderProcess) -> Provider:
    """The provider of EnrollmentFleet."""
    return named_process.of(EnrollmentFleetProvider)


def shown(found: ResourceState | None) -> dict[str, Any]:
    """The outputs apart from the time of the last write."""
    assert found is not None
    return {name: value for name, value in found.outs.items() if name != "lastWrite"}


def test_a_fleet_is_created_ten_a_call(fleets: Provider, service: EnrollmentClient) -> None:
    """25 enrollments take three calls, after a look at others' certificates; the outputs have thumbprints and no certificates."""
    wanted = roster()
    created = fleets.create(service.fleet(wanted))
    assert service.calls() == ["POST /enrollments/query", *["POST /enrollments"] * 3]
    found = service.every()
    assert sorted(found) == IDS
    assert found["press-007"]["initialTwin"]["tags"] == {"plant": "A"}
    assert (
        found["press-007"]["attestation"]["x509"]["clientCertificates"]["primary"]["info"]["sha256Thumbprint"]
        == (wanted.attestations["press-007"].held[0])
    )
    assert {name: created.outs[name] for name in ("count", "enabled", "digest", "exceptions")} == {
        "count": 25,
        "enabled": 25,
        "digest": wanted.digest,
        "exceptions": [],
    }
    assert len(created.outs["recorded"]) < 25 * 60
    assert "members" not in created.outs


def test_a_second_run_reads_a_page_and_writes_nothing(fleets: Provider, service: EnrollmentClient) -> None:
    """The refresh finds no difference."""
    news = service.fleet(roster())
    created = fleets.create(news)
    service.clear()
    again = fleets.up(created, news)
    assert (again.outs, service.calls()) == (created.outs, ["POST /enrollments/query"])


def test_drift_is_found_and_repaired_in_the_fewest_calls(fleets: Provider, service: EnrollmentClient) -> None:
    """Deleted, disabled, another tag, another certificate: found by a refresh, and repaired by a create and an update call."""
    news = service.fleet(roster())
    created = fleets.create(news)
    service.delete("press-003", "press-014")
    service.change("press-005", provisioningStatus="disabled")
    service.change("press-006", initialTwin={"tags": {"plant": "B"}, "properties": {"desired": {}}})
    service.change(
        "press-007", attestation={"type": "x509", "x509": {"clientCertificates": {"primary": {"certificate": certificate("x")}}}}
    )
    drifted = fleets.read(created)
    assert drifted is not None
    assert (drifted.outs["count"], drifted.outs["enabled"], drifted.outs["exceptions"]) == (23, 22, ["press-005: disabled"])
    assert (fleets.diff(drifted, news).changes, fleets.diff(drifted, news).replaces) == (True, [])
    service.clear()
    again = fleets.update(drifted, news)
    assert service.writes == 2
    assert shown(again) == shown(created)
    assert again.outs["lastWrite"] > created.outs["lastWrite"]
    assert shown(fleets.read(again)) == shown(created)


def test_what_is_not_declared_is_kept(fleets: Provider, service: EnrollmentClient) -> None:
    """Information, an allocation and a hub's device id that others set are no drift, and an update sends them again."""
    news = service.fleet(roster())
    created = fleets.create(news)
    service.change("press-001", allocationPolicy="geoLatency", optionalDeviceInformation={"rack": 7})
    assert shown(fleets.read(created)) == shown(created)
    changed = fleets.update(created, service.fleet(roster(press_001={"status": "disabled"})))
    found = service.get("press-001")
    assert (found["allocationPolicy"], found["optionalDeviceInformation"]) == ("geoLatency", {"rack": 7})
    assert (found["provisioningStatus"], changed.outs["exceptions"]) == ("disabled", ["press-001: disabled"])


def test_only_the_difference_is_written(fleets: Provider, service: EnrollmentClient) -> None:
    """One added, one removed, one with a second certificate, one without the tags: one call of each kind."""
    created = fleets.create(service.fleet(roster()))
    ids = [*IDS[1:], "press-026"]
    second = client_certificate("press-005")
    news = service.fleet(roster(ids, press_005={"secondaryCertificate": second}, press_006={"deviceId": "Press", "edge": True}))
    service.clear()
    after = fleets.update(created, news)
    assert service.writes == 3
    found = service.every()
    assert sorted(found) == ids
    slots = found["press-005"]["attestation"]["x509"]["clientCertificates"]
    assert len({slots[one]["info"]["sha256Thumbprint"] for one in ("primary", "secondary")}) == 2
    assert (found["press-006"]["deviceId"], found["press-006"]["capabilities"]) == ("Press", {"iotEdge": True})
    assert shown(fleets.read(after)) == shown(after)


def test_tags_that_are_no_longer_declared_are_removed(fleets: Provider, service: EnrollmentClient) -> None:
    """They were ours, so they don't stay."""
    created = fleets.create(service.fleet(roster(IDS[:3])))
    after = fleets.update(created, service.fleet(roster(IDS[:3], tags={})))
    assert "initialTwin" not in service.get("press-001")
    assert shown(fleets.read(after)) == shown(after)


def test_an_interrupted_create_is_continued(fleets: Provider, service: EnrollmentClient) -> None:
    """What is as declared is ours: the next run creates the rest, and reads only what a create met."""
    news = service.fleet(roster(), deadline=2)
    service.clear("500:path=/enrollments:since=3")
    with pytest.raises(CallFailedError):
        fleets.create(news)
    service.clear()
    left = len(service.every())
    assert 0 < left < 25
    service.clear()
    created = fleets.create(news)
    assert (sorted(service.every()), created.outs["count"]) == (IDS, 25)


def test_a_lost_answer_is_no_failure(fleets: Provider, service: EnrollmentClient) -> None:
    """The call was carried out, so its retry meets what it created."""
    service.clear("drop:path=/enrollments:nth=2:when=after")
    created = fleets.create(service.fleet(roster()))
    assert (sorted(service.every()), created.outs["count"]) == (IDS, 25)


def test_others_enrollments_are_refused_or_adopted(fleets: Provider, service: EnrollmentClient) -> None:
    """One with other content is refused and unchanged, all others are created; `adopt` takes over what it names; equal content is ours."""
    service.put("press-007", certificate("press-007"), provisioningStatus="disabled")
    text = fleets.create_error(service.fleet(roster()))
    assert "enrollment fleet 'presses' on provisioning service 'trial-" in text
    assert "enrollment 'press-007' is there already, with other content ('press-007': it is disabled and declared enabled)" in text
    assert 'set adoptEnrollments: ["press-007"] (the argument adopt in a program)' in text
    assert (service.get("press-007")["provisioningStatus"], len(service.every())) == ("disabled", 25)
    created = fleets.create(service.fleet(roster(), adopt=["PRESS-007"]))
    assert created.outs["adopted"] == {"count": 1, "digest": hashlib.sha256(b"press-007\n").hexdigest()}
    assert (service.get("press-007")["provisioningStatus"], created.outs["count"]) == ("enabled", 25)


def test_one_that_others_created_again_is_not_deleted(fleets: Provider, service: EnrollmentClient) -> None:
    """It has another time of creation and other content: the fleet's end leaves it, and says so."""
    created = fleets.create(service.fleet(roster(IDS[:3])))
    earlier = {**created.outs, "lastWrite": "2020-01-01T00:00:00.000+00:00"}
    service.change("press-002", provisioningStatus="disabled")
    fleets.delete(ResourceState(created.id, earlier, created.inputs))
    assert sorted(service.every()) == ["press-002"]


def test_the_end_of_a_fleet(fleets: Provider, service: EnrollmentClient) -> None:
    """All are deleted, ten a call, also one that somebody changed or deleted; nothing of others is."""
    service.put("other", client_certificate("other"))
    created = fleets.create(service.fleet(roster()))
    service.change("press-002", provisioningStatus="disabled")
    service.delete("press-003")
    service.clear()
    fleets.delete(created)
    assert (sorted(service.every()), service.writes) == (["other"], 3)


def test_a_hub_that_is_not_linked_is_refused(fleets: Provider, service: EnrollmentClient) -> None:
    """Azure takes it, and no device could register: nothing is written."""
    lines = [{"registrationId": one, "certificate": certificate(one)} for one in IDS[:12]]
    bad = enrollments_from_list([{**one, "hubs": ["other.azure-devices.net"]} for one in lines])
    text = fleets.create_error(service.fleet(bad))
    assert "enrollment 'press-" in text
    assert "names hub 'other.azure-devices.net', which is not linked to the service (no hub is linked)" in text
    assert service.every() == {}


def test_a_throttled_service_is_used_at_its_pace(fleets: Provider, service: EnrollmentClient) -> None:
    """429 for three calls: all are written in the end."""
    service.clear("429:path=/enrollments:nth=1", "429:path=/enrollments:nth=3")
    created = fleets.create(service.fleet(roster()))
    assert created.outs["count"] == 25


def test_a_service_that_is_gone(fleets: Provider, service: EnrollmentClient) -> None:
    """Deleted with all that it had: the refresh says so, and the delete has nothing to do."""
    created = fleets.create(service.fleet(roster(IDS[:3]), deadline=2))
    service.service.delete_hub()
    assert fleets.read(created) is None
    fleets.delete(created)


def test_an_empty_fleet_asks_nothing(fleets: Provider, service: EnrollmentClient) -> None:
    """It is declared, so that a list that has become empty can be refused."""
    created = fleets.create(service.fleet(roster([])))
    assert (created.outs["count"], service.calls()) == (0, [])
    assert fleets.read(created) is not None
    fleets.delete(created)
    assert service.calls() == []


def test_a_list_that_lost_its_members_is_refused(fleets: Provider, service: EnrollmentClient) -> None:
    """Check compares with the list of the last run, and says what would allow it."""
    olds = service.fleet(roster())
    [(_, reason)] = fleets.check(service.fleet(roster([])), olds).failures
    assert "its list of enrollments is empty, so 25 enrollments would be deleted" in reason
    assert "set noEnrollments: true (no_enrollments in a program)" in reason
    [(_, reason)] = fleets.check(service.fleet(roster(IDS[:10])), olds).failures
    assert "15 of 25 enabled enrollments are not in its list any more and would be deleted" in reason
    assert "set deleteEnrollments: 15 (delete_enrollments in a program)" in reason
    assert fleets.check(service.fleet(roster(IDS[:10]), deleteEnrollments=15), olds).failures == []
    assert fleets.check(service.fleet(roster([]), noEnrollments=True), olds).failures == []


def test_certificates_that_ended_are_refused_where_they_are_new(fleets: Provider, service: EnrollmentClient) -> None:
    """Azure accepts them and refuses the device; one that ended since the last run keeps nobody from working."""
    from datetime import UTC, datetime, timedelta

    old = client_certificate("press-001", start=datetime.now(UTC) - timedelta(days=20), days=10)
    given = enrollments_from_list([{"registrationId": "press-001", "certificate": old}])
    [(_, reason)] = fleets.check(service.fleet(given), {}).failures
    assert "1 of 1 is invalid: enrollment 'press-001': its certificate ended at " in reason
    assert fleets.check(service.fleet(given), service.fleet(given)).failures == []


def test_static_needs_its_one_hub(fleets: Provider, service: EnrollmentClient) -> None:
    """The hubs of the fleet count where an enrollment names none."""
    given = roster(IDS[:1], press_001={"allocation": "static"})
    [(_, reason)] = fleets.check(service.fleet(given), {}).failures
    assert "enrollment 'press-001' of enrollment fleet 'presses' on provisioning service" in reason
    assert "its allocation is static, and it names no hubs; name the one hub to which its device goes" in reason
    assert fleets.check(service.fleet(given, hubs=["h1.azure-devices.net"]), {}).failures == []


def test_a_certificate_that_another_enrollment_has_is_refused(fleets: Provider, service: EnrollmentClient) -> None:
    """Azure takes it for both, and uses the first one it finds: nothing is written."""
    service.put("other", certificate("press-001"))
    text = fleets.create_error(service.fleet(roster()))
    assert "the certificate of 'press-001' is in individual enrollment 'other' too; use another one here" in text
    assert sorted(service.every()) == ["other"]


def test_a_member_goes_to_another_resource_and_back(named_process: ProviderProcess, fleets: Provider, service: EnrollmentClient) -> None:
    """Whichever has it no more, in the same run, leaves it: the entry has no owner's mark."""
    singles = named_process.of(IndividualEnrollmentProvider)
    pem = load_certificate(certificate("press-001"), what="it")
    single = {"serviceId": service.service.id, "hostName": service.host, "registrationId": "press-001", "certificates": [text_of(pem)]}
    fleet = fleets.create(service.fleet(roster(IDS[:3], tags={})))
    alone = singles.create(single)
    fleet = fleets.update(fleet, service.fleet(roster(IDS[1:3], tags={})))
    assert sorted(service.every()) == IDS[:3]
    fleet = fleets.update(fleet, service.fleet(roster(IDS[:3], tags={})))
    singles.delete(alone)
    assert sorted(service.every()) == IDS[:3]
    fleets.delete(fleet)
    assert service.every() == {}
