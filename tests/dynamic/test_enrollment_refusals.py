"""What a provisioning service refuses of a bulk call, entry by entry: told together, tried again, or read again. On scripted answers."""

from functools import cache
from typing import Any

import pytest

from hubtrust.enrollments.fleet_files import enrollments_from_list
from hubtrust.enrollments.fleet_reconcile import FleetReconciliation
from hubtrust.enrollments.fleet_roster import EnrollmentRoster
from hubtrust.reconcile_errors import FleetError
from tests.azure.test_enrollment_service import opened
from tests.kit.enrollment_client import client_certificate
from tests.kit.scripted_azure import Reply

IDS = ("press-1", "press-2", "press-3")
NONE = EnrollmentRoster((), {})
DONE: Reply = (200, {}, {"errors": [], "isSuccessful": True})


_certificate = cache(client_certificate)


def roster(*ids: str, **terms: Any) -> EnrollmentRoster:
    """These enrollments."""
    return enrollments_from_list([{"registrationId": one, "certificate": _certificate(one), **terms} for one in ids])


ALL, ONE, ONE_DISABLED = roster(*IDS), roster("press-1"), roster("press-1", status="disabled")


def refused(**codes: tuple[int, str]) -> Reply:
    """The answer to a bulk call in which these were refused."""
    errors = [{"registrationId": one.replace("_", "-"), "errorCode": code, "errorStatus": text} for one, (code, text) in codes.items()]
    return 200, {}, {"errors": errors, "isSuccessful": False}


def shown(etag: str) -> dict[str, Any]:
    """The first enrollment as the service shows it."""
    info = {"sha256Thumbprint": ONE.attestations["press-1"].held[0]}
    x509 = {"clientCertificates": {"primary": {"info": info}}}
    made = "2023-05-19T23:10:35.477793Z"
    return {"registrationId": "press-1", "attestation": {"type": "x509", "x509": x509}, "etag": etag, "createdDateTimeUtc": made}


def reconciled(*replies: Reply, last: EnrollmentRoster = NONE, declared: EnrollmentRoster = ALL) -> tuple[Any, list[Any]]:
    """A reconciliation that gets these answers, and the bodies that it sent."""
    with opened(*replies) as (service, script):
        run = FleetReconciliation(service, "the fleet", declared, last, report=lambda _: None, sleep=waits.append)
        try:
            run.run()
        finally:
            bodies = [one.json for one in script.requests]
        return run, bodies


waits: list[float] = []


def test_reasons_are_told_together_and_the_others_are_done() -> None:
    """Azure's code and text for each; the rest is created."""
    with pytest.raises(FleetError) as error:
        reconciled(refused(press_1=(400004, "Invalid RegistrationId"), press_3=(403001, "Quota exceeded")))
    assert str(error.value) == (
        "the fleet: 2 of 3 are refused: enrollment 'press-1': 400004: Invalid RegistrationId; "
        "enrollment 'press-3': 403001: Quota exceeded; run again: work already done is kept, and the next run continues from it"
    )


def test_one_that_is_busy_is_sent_again() -> None:
    """Alone, after a wait."""
    waits.clear()
    run, bodies = reconciled(refused(press_2=(429001, "Throttled")), DONE)
    assert [len(body["enrollments"]) for body in bodies] == [3, 1]
    assert (run.done, waits) == ({"created": set(IDS)}, [0.5])


def test_one_that_changed_meanwhile_is_read_and_sent_with_its_new_etag() -> None:
    """412 for an update."""
    changed = refused(press_1=(412001, "Precondition failed."))
    run, bodies = reconciled((200, {}, shown("IjBi=")), changed, (200, {}, shown("IjBj=")), DONE, last=ONE, declared=ONE_DISABLED)
    assert run.done == {"updated": {"press-1"}}
    assert [(body["mode"], body["enrollments"][0]["etag"]) for body in bodies if body] == [
        ("updateIfMatchETag", "IjBi="),
        ("updateIfMatchETag", "IjBj="),
    ]


def test_one_that_keeps_changing_is_given_up() -> None:
    """After eight rounds, and the error says so."""
    turn: list[Reply] = [(200, {}, shown("IjBi=")), refused(press_1=(412001, "Precondition failed."))]
    with pytest.raises(FleetError, match="'press-1': still not as declared after 8 attempts"):
        reconciled(*turn * 9, last=ONE, declared=ONE_DISABLED)
