"""The client of a provisioning service: what it sends, what each answer means, and what is no answer of Azure's."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from hubtrust.azure import enrollment_service, errors
from hubtrust.azure import throttle_pace as pace
from hubtrust.azure.clouds import PUBLIC
from hubtrust.azure.enrollment_service import _REMEDIES, EXISTS, GROUPS, INDIVIDUALS, BulkMode, Enrollment, EnrollmentService
from tests.azure.test_answer_shapes import EMPTY, FOREIGN, NULL, fails
from tests.kit.repository import SHARED
from tests.kit.scripted_azure import Reply, Script, scripted

RECORDED = SHARED / "azure-traffic" / "dps_enrollment_group_x509_lifecycle.json"
INFO = {"subjectName": "CN=ca", "sha256Thumbprint": "AB" * 32, "issuerName": "CN=ca", "version": 3}
SHOWN = {
    "enrollmentGroupId": "Presses",
    "attestation": {"type": "x509", "x509": {"signingCertificates": {"primary": {"info": INFO}, "secondary": {"info": INFO}}}},
    "etag": "IjBh=",
    "provisioningStatus": "enabled",
    "createdDateTimeUtc": "2023-05-19T23:10:35.7799084Z",
    "lastUpdatedDateTimeUtc": "2023-05-19T23:10:35.7799084Z",
}
INDIVIDUAL = {
    "registrationId": "press-1",
    "attestation": {"type": "x509", "x509": {"clientCertificates": {"primary": {"info": INFO}}}},
    "etag": "IjBi=",
    "createdDateTimeUtc": "2023-05-19T23:10:35.477793Z",
}
ASSIGNED = {
    "registrationId": "press-1",
    "createdDateTimeUtc": "2023-05-19T23:10:35.7799084Z",
    "assignedHub": "hub-7.azure-devices.net",
    "deviceId": "press-1",
    "status": "assigned",
    "substatus": "initialAssignment",
    "lastUpdatedDateTimeUtc": "2023-05-19T23:10:35.7799084Z",
    "etag": "IjBj=",
}
ABSENT: Reply = (404, {}, {"errorCode": 404202, "message": "EnrollmentGroup not found.", "trackingId": "t", "timestampUtc": "…"})


@contextmanager
def opened(*replies: Reply) -> Iterator[tuple[EnrollmentService, Script]]:
    """A client on the scripted server, with a pace that never waits."""
    with scripted(*replies) as script:
        created = EnrollmentService(
            "dps-7.azure-devices-provisioning.net",
            PUBLIC,
            None,  # type: ignore[arg-type] # the script's client has its own
            script.retry_limits(),
            script.messages.append,
        )
        created._client = script.client(_REMEDIES, deadline=2)
        pace._PACES.clear()
        enrollment_service._WITHOUT_NEWEST.clear()
        yield created, script
        pace._PACES.clear()
        enrollment_service._WITHOUT_NEWEST.clear()


def test_requests_are_those_that_azure_takes() -> None:
    """Etags are sent as they are, a create has none, ids are quoted, and what is written has the api-version that was recorded."""
    replies: list[Reply] = [(200, {}, SHOWN), (200, {}, SHOWN), (200, {}, SHOWN), (204, {}, b""), ABSENT]
    with opened(*replies) as (service, script):
        found = service.get(GROUPS, "presses")
        assert found == Enrollment(GROUPS, SHOWN)
        assert (found.id, found.etag, found.created) == ("Presses", "IjBh=", "2023-05-19T23:10:35.7799084Z")
        service.put(GROUPS, "presses", {"attestation": {}}, etag=None)
        service.put(GROUPS, "presses", {"attestation": {}}, etag=found.etag)
        service.delete(found)
        assert service.get(GROUPS, "a:b") is None
        sent = [(one.method, one.path, one.headers.get("If-Match")) for one in script.requests]
    version, newest = "?api-version=2021-10-01", "?api-version=2026-11-01"
    assert sent == [
        ("GET", f"/enrollmentGroups/presses{newest}", None),
        ("PUT", f"/enrollmentGroups/presses{version}", None),
        ("PUT", f"/enrollmentGroups/presses{version}", "IjBh="),
        ("DELETE", f"/enrollmentGroups/Presses{version}", "IjBh="),
        ("GET", f"/enrollmentGroups/a%3Ab{newest}", None),
    ]
    assert script.requests[1].json == {"enrollmentGroupId": "presses", "attestation": {}}


def test_a_cloud_without_the_newest_version_is_asked_with_the_other_one() -> None:
    """Once: after that the older one is known to be right. Another refusal is told as it is."""
    unknown: Reply = (400, {}, {"errorCode": 400000, "message": "Unknown api version."})
    with opened(unknown, (200, {}, SHOWN), (200, {}, SHOWN)) as (service, script):
        assert service.get(GROUPS, "presses") == service.get(GROUPS, "presses")
        assert [one.path.rpartition("=")[2] for one in script.requests] == ["2026-11-01", "2021-10-01", "2021-10-01"]
    with opened(unknown, unknown) as (service, _), pytest.raises(errors.RefusedError, match="Unknown api version"):
        service.get(GROUPS, "presses")


def test_one_that_exists_is_refused_at_once() -> None:
    """A create that meets an existing enrollment is not tried again: waiting does not change it."""
    exists: Reply = (409, {}, {"errorCode": 409202, "message": "EnrollmentGroup already exists."})
    with opened(exists, exists) as (service, script):
        with pytest.raises(errors.RefusedError) as caught:
            service.put(GROUPS, "presses", {}, etag=None)
        assert caught.value.code in EXISTS
        assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (400, errors.RefusedError, "Azure answers 400 400004: Invalid RegistrationId"),
        (401, errors.DeniedError, "role 'Device Provisioning Service Data Contributor'"),
        (412, errors.EtagError, "run again; each run reads it first"),
        (429, errors.BusyError, "run again later"),
    ],
)
def test_refusals_say_what_to_do(status: int, kind: type[errors.AzureError], words: str) -> None:
    """Each error has Azure's code and message, names the service, and says what to do."""
    reply: Reply = (status, {}, {"errorCode": status * 1000 + 4, "message": "Invalid RegistrationId", "trackingId": "t"})
    with opened(*[reply] * 20) as (service, _), pytest.raises(kind) as caught:
        service.put(INDIVIDUALS, "press-1", {}, etag="e")
    assert str(caught.value).startswith("individual enrollment 'press-1' on provisioning service 'dps-7': ")
    assert words in str(caught.value)


def test_absence_is_confirmed_by_asking_again_and_by_the_list() -> None:
    """One 404 is not believed; what is still absent and yet listed is a contradiction."""
    with opened(ABSENT, (200, {}, SHOWN)) as (service, _):
        assert service.find(GROUPS, "presses") is not None
    with opened(*[ABSENT] * 4, (200, {}, [])) as (service, script):
        assert service.find(GROUPS, "presses") is None
        assert [one.method for one in script.requests] == ["GET"] * 4 + ["POST"]
    with (
        opened(*[ABSENT] * 4, (200, {}, [SHOWN])) as (service, _),
        pytest.raises(errors.UnreachableError, match="404 for it, but it is there"),
    ):
        service.find(GROUPS, "presses")


@pytest.mark.parametrize(("answer", "is_there"), [((200, {}, {"type": "x509"}), True), (ABSENT, False)])
def test_one_of_very_many_is_asked_for_at_another_address(monkeypatch: pytest.MonkeyPatch, answer: Reply, is_there: bool) -> None:
    """A long list is not read to its end."""
    monkeypatch.setattr(enrollment_service, "MOST_LISTED", 1)
    with opened(*[ABSENT] * 4, (200, {"x-ms-continuation": "t1"}, [INDIVIDUAL]), answer) as (service, script):
        if is_there:
            with pytest.raises(errors.UnreachableError, match="404 for it, but it is there"):
                service.find(INDIVIDUALS, "press-9")
        else:
            assert service.find(INDIVIDUALS, "press-9") is None
        assert script.requests[-1].path.startswith("/enrollments/press-9/attestationmechanism?")


def test_a_query_has_pages_that_must_not_lead_back() -> None:
    """All pages are read, each with the token of the one before; a token that comes again is not Azure's."""
    with opened((200, {"x-ms-continuation": "t1"}, [INDIVIDUAL]), (200, {}, [INDIVIDUAL | {"registrationId": "press-2"}])) as (
        service,
        script,
    ):
        assert [one.id for one in service.every(INDIVIDUALS)] == ["press-1", "press-2"]
        assert script.requests[0].json == {"query": "SELECT *"}
        assert script.requests[1].headers["x-ms-continuation"] == "t1"
    loop: Reply = (200, {"x-ms-continuation": "t1"}, [])
    with opened(loop, loop) as (service, _), pytest.raises(errors.UnreachableError, match="lead back to themselves"):
        list(service.every(INDIVIDUALS))


def test_bulk_calls_tell_what_was_refused() -> None:
    """A refusal has the id, Azure's code and its message."""
    refusals = [{"registrationId": "press-1", "errorCode": 409201, "errorStatus": "Enrollment already exists."}]
    with opened((200, {}, {"errors": refusals, "isSuccessful": False}), (200, {}, {"errors": [], "isSuccessful": True})) as (
        service,
        script,
    ):
        [refused] = service.bulk(INDIVIDUALS, BulkMode.CREATE, [{"registrationId": "press-1"}, {"registrationId": "press-2"}])
        assert (refused.id, refused.code, refused.message) == ("press-1", "409201", "409201: Enrollment already exists")
        assert service.bulk(INDIVIDUALS, BulkMode.DELETE, [{"registrationId": "press-1"}]) == []
        assert [one.json["mode"] for one in script.requests] == ["create", "delete"]


def test_registrations_are_read() -> None:
    """A registration has its hub, its device and, where it failed, Azure's reason."""
    failed = {
        "registrationId": "press-2",
        "status": "failed",
        "errorCode": 400207,
        "errorMessage": "Custom allocation failed.",
        "etag": "e",
    }
    with opened((200, {}, [ASSIGNED, failed]), (200, {}, ASSIGNED), ABSENT, (204, {}, b"")) as (service, script):
        first, second = service.registrations("presses")
        assert (first.assigned_hub, first.device_id, first.status, first.error) == (
            "hub-7.azure-devices.net",
            "press-1",
            "assigned",
            None,
        )
        assert second.error == "400207 Custom allocation failed"
        assert service.registration("press-1") == first
        assert service.registration("press-9") is None
        service.delete_registration(first)
        assert script.requests[0].path.startswith("/registrations/presses/query?")
        assert script.requests[-1].headers["If-Match"] == "IjBj="


CALLS: dict[str, Callable[[EnrollmentService], object]] = {
    "get": lambda to: to.get(GROUPS, "presses"),
    "put": lambda to: to.put(GROUPS, "presses", {}, etag=None),
    "query": lambda to: list(to.every(GROUPS)),
    "bulk": lambda to: to.bulk(GROUPS, BulkMode.CREATE, [{"enrollmentGroupId": "presses"}]),
    "registration": lambda to: to.registration("press-1"),
    "registrations": lambda to: list(to.registrations("presses")),
}


def test_what_is_not_azures_answer_is_no_answer() -> None:
    """A page, an empty answer, another's JSON: none is taken for an enrollment, for its absence or for a deletion."""
    with opened() as (service, script):
        for call in CALLS.values():
            for reply, fact in (*FOREIGN.values(), EMPTY, NULL):
                fails(script, lambda call=call: call(service), reply, fact)
        for reply, _ in FOREIGN.values():
            fails(script, lambda: service.delete(Enrollment(GROUPS, SHOWN)), reply, "")


def _attested(**x509: Any) -> dict[str, Any]:
    return SHOWN | {"attestation": {"type": "x509", "x509": x509}}


@pytest.mark.parametrize(
    "lie",
    [
        SHOWN | {"enrollmentGroupId": "others"},
        SHOWN | {"etag": ""},
        SHOWN | {"createdDateTimeUtc": "yesterday"},
        SHOWN | {"provisioningStatus": "on"},
        SHOWN | {"iotHubs": [7]},
        SHOWN | {"initialTwin": {"tags": []}},
        SHOWN | {"initialTwin": {"properties": {"desired": 7}}},
        SHOWN | {"attestation": {}},
        SHOWN | {"attestation": {"type": "x509"}},
        SHOWN | {"allocationPolicy": 1},
        SHOWN | {"capabilities": True},
        _attested(),
        _attested(caReferences={}),
        _attested(caReferences={"primary": 7}),
        _attested(caReferences={"primary": "ca"}, signingCertificates={"primary": {"info": INFO}}),
        _attested(signingCertificates={"primary": {"certificate": "…"}}),
        _attested(signingCertificates={"primary": {"info": {"sha256Thumbprint": "AB"}}}),
        INDIVIDUAL,
        [SHOWN],
    ],
)
def test_another_enrollment_is_not_the_one_that_was_asked_for(lie: Any) -> None:
    """An answer has the id that was asked for, an etag, a time of creation and an attestation of a known form."""
    with opened(*[(200, {}, lie)] * 12) as (service, _), pytest.raises(errors.UnreachableError, match="the answer is not Azure's"):
        service.get(GROUPS, "presses")


def test_members_that_are_not_known_here_are_kept() -> None:
    """A record of a later api-version, a null status, another kind of attestation: they are Azure's, and nothing of them is lost."""
    for shown in (
        SHOWN | {"certificatePolicyName": "p", "provisioningStatus": None},
        SHOWN | {"attestation": {"type": "symmetricKey"}},
        _attested(caReferences={"primary": "ca", "secondary": None}, clientCertificates=None),
    ):
        with opened((200, {}, shown)) as (service, _):
            found = service.get(GROUPS, "presses")
            assert found is not None
            assert found.record == shown


@pytest.mark.recorded
def test_recorded_answers_are_taken() -> None:
    """What Azure answered to each operation in May 2023 has the shape that is expected; its test proxy had replaced the thumbprints."""
    entries = json.loads(RECORDED.read_text().replace('"sha256Thumbprint": "thumbprint"', f'"sha256Thumbprint": "{"AB" * 32}"'))["Entries"]
    taken = 0
    for entry in entries:
        path, _, _ = entry["RequestUri"].partition("?")
        if "/enrollmentGroups/" not in path or entry["RequestMethod"] not in ("GET", "PUT") or entry["StatusCode"] != 200:
            continue
        with opened((200, {}, entry["ResponseBody"])) as (service, _):
            assert service.get(GROUPS, path.rpartition("/")[2]) == Enrollment(GROUPS, entry["ResponseBody"])
        taken += 1
    assert taken >= 3
