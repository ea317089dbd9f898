"""What counts as a difference between an enrollment's declaration and what Azure shows of it; also on Azure's recorded answers."""

import json
from typing import Any

import pytest

from hubtrust.enrollments.description import (
    CLIENT,
    REFERENCES,
    SIGNING,
    Attestation,
    EnrollmentDescription,
    Terms,
    agrees,
    body,
    difference,
    found_attestation,
    unknown_members,
)
from hubtrust.enrollments.reconcile import same_moment
from tests.kit.repository import SHARED

ONE, TWO = "AB" * 32, "CD" * 32
RECORDED = SHARED / "azure-traffic" / "dps_enrollment_group_x509_lifecycle.json"


def shown(kind: str, primary: Any, secondary: Any = None, **members: Any) -> dict[str, Any]:
    """A record with this attestation."""
    return {
        ("enrollmentGroupId"): "a",
        "attestation": {"type": "x509", "x509": {kind: {"primary": primary, "secondary": secondary}}},
    } | members


def held(thumbprint: str) -> dict[str, Any]:
    """A certificate as Azure shows it."""
    return {"info": {"sha256Thumbprint": thumbprint, "subjectName": "CN=a", "version": 3}}


def by(kind: str, *names: str, **terms: Any) -> EnrollmentDescription:
    """A declaration."""
    return EnrollmentDescription(Attestation(kind, names), Terms(**terms))


SAME: list[tuple[dict[str, Any], EnrollmentDescription]] = [
    (shown(REFERENCES, "Root"), by(REFERENCES, "root")),
    (shown(REFERENCES, "old", "new"), by(REFERENCES, "new", "old")),
    (shown(SIGNING, held(ONE), held(ONE)), by(SIGNING, ONE)),
    (shown(CLIENT, held(ONE.lower())), by(CLIENT, ONE)),
    (shown(CLIENT, held(TWO), held(ONE)), by(CLIENT, ONE, TWO)),
    (shown(REFERENCES, "root", provisioningStatus=None, capabilities=None, initialTwin=None, iotHubs=None), by(REFERENCES, "root")),
    (shown(REFERENCES, "root"), by(REFERENCES, "root", reprovision="migrate", hubs=(), tags={}, desired={})),
    (shown(REFERENCES, "root", reprovisionPolicy={"updateHubAssignment": False}), by(REFERENCES, "root", reprovision="never")),
    (shown(REFERENCES, "root", iotHubHostName="H.azure-devices.net"), by(REFERENCES, "root", hubs=("h.azure-devices.net",))),
    (shown(REFERENCES, "root", initialTwin={"tags": {"a": 3}}), by(REFERENCES, "root", tags={"a": 3.0, "b": None})),
    (shown(REFERENCES, "root", allocationPolicy="static", iotHubs=["h"], initialTwin={"tags": {"a": 1}}), by(REFERENCES, "root")),
]
OTHER: list[tuple[dict[str, Any], EnrollmentDescription, str]] = [
    (
        shown(REFERENCES, "root", "next"),
        by(REFERENCES, "root"),
        ("its attestation is caReferences, next, root and declared caReferences, root"),
    ),
    (shown(REFERENCES, "root"), by(SIGNING, ONE), "its attestation is caReferences, root and declared signingCertificates, ABABABAB…"),
    ({"attestation": {"type": "symmetricKey"}}, by(REFERENCES, "root"), "its attestation is symmetricKey and declared caReferences, root"),
    (shown(REFERENCES, "root", provisioningStatus="disabled"), by(REFERENCES, "root"), "it is disabled and declared enabled"),
    (
        shown(REFERENCES, "root", capabilities={"iotEdge": True}),
        by(REFERENCES, "root"),
        ("its IoT Edge capability is set and declared not set"),
    ),
    (shown(REFERENCES, "root"), by(REFERENCES, "root", hubs=("h",)), "its list of hubs is empty and declared h"),
    (shown(REFERENCES, "root"), by(REFERENCES, "root", allocation="hashed"), "its allocation is not set and declared 'hashed'"),
    (
        shown(REFERENCES, "root", initialTwin={"tags": {"pin": "1"}}),
        by(REFERENCES, "root", tags={"pin": "2"}),
        ("its tags of the initial twin are another than declared"),
    ),
    (
        shown(REFERENCES, "root"),
        by(REFERENCES, "root", webhook="https://f/?code=1", webhook_version="v"),
        ("its webhook is another than declared"),
    ),
]


@pytest.mark.parametrize(("record", "wanted"), SAME)
def test_what_means_the_same_is_no_difference(record: dict[str, Any], wanted: EnrollmentDescription) -> None:
    """Letter case of names, order, copies, defaults, nothing in place of empty; what is not declared may be anything."""
    assert agrees(record, wanted)


@pytest.mark.parametrize(("record", "wanted", "words"), OTHER)
def test_the_first_difference_is_told(record: dict[str, Any], wanted: EnrollmentDescription, words: str) -> None:
    """Without values that may be secrets."""
    assert not agrees(record, wanted)
    assert difference(record, wanted) == words


def test_what_is_not_declared_any_more_is_removed() -> None:
    """Unless others have changed it since: then it is theirs."""
    wanted, last = by(REFERENCES, "root"), by(REFERENCES, "root", allocation="static", hubs=("h",), tags={"a": 1}).parts
    record = shown(REFERENCES, "root", allocationPolicy="static", iotHubs=["H"], initialTwin={"tags": {"a": 1}}, etag="e")
    assert not agrees(record, wanted, last)
    assert body(wanted, record, last).keys() == {"attestation", "capabilities", "provisioningStatus"}
    assert agrees(shown(REFERENCES, "root", allocationPolicy="hashed"), wanted, last)


def test_a_write_keeps_what_is_not_declared() -> None:
    """A PUT replaces the enrollment as a whole."""
    theirs = {"allocationPolicy": "geoLatency", "optionalDeviceInformation": {"a": 1}, "deviceId": "d"}
    record = shown(REFERENCES, "root", **theirs, etag="e", createdDateTimeUtc="2023", registrationState={})
    sent = body(by(REFERENCES, "root", enabled=False, desired={"b": 2}), record)
    assert sent == {
        **theirs,
        "attestation": {"type": "x509", "x509": {"caReferences": {"primary": "root"}}},
        "capabilities": {"iotEdge": False},
        "provisioningStatus": "disabled",
        "initialTwin": {"tags": {}, "properties": {"desired": {"b": 2}}},
    }


def test_unknown_members_are_named() -> None:
    """At the top and inside; null is nothing."""
    known = shown(REFERENCES, "root", etag="e", registrationState={}, capabilities={"iotEdge": True, "new": 1}, later=None)
    assert unknown_members(known | {"certificatePolicyName": "p"}) == ["capabilities.new", "certificatePolicyName"]


def test_times_are_compared_as_times() -> None:
    """Azure leaves out zeros at the end of a fraction."""
    assert same_moment("2023-05-19T23:10:35.477793Z", "2023-05-19T23:10:35.4777930Z")
    assert not same_moment("2023-05-19T23:10:35.477793Z", "2023-05-19T23:10:35.477794Z")
    assert not same_moment("2023-05-19T23:10:35Z", "")


@pytest.mark.recorded
def test_azures_recorded_answers_agree_with_what_was_sent() -> None:
    """What Azure shows after each recorded write is no difference from it; its test proxy had replaced the thumbprints."""
    entries = json.loads(RECORDED.read_text().replace('"sha256Thumbprint": "thumbprint"', f'"sha256Thumbprint": "{ONE}"'))["Entries"]
    writes = [one for one in entries if one["RequestMethod"] == "PUT"]
    assert len(writes) >= 2
    for write in writes:
        sent, answered = write["RequestBody"], write["ResponseBody"]
        webhook = sent["customAllocationDefinition"] or {}
        terms = Terms(
            enabled=sent["provisioningStatus"] == "enabled",
            allocation=sent["allocationPolicy"],
            webhook=webhook.get("webhookUrl"),
            webhook_version=webhook.get("apiVersion"),
            reprovision="migrate",
        )
        wanted = EnrollmentDescription(Attestation(SIGNING, (ONE,), ("certificate",)), terms)
        assert agrees(answered, wanted)
        assert unknown_members(answered) == []
        given = {name: value for name, value in sent.items() if value is not None and name != "enrollmentGroupId"}
        assert body(wanted) == given | {"capabilities": {"iotEdge": False}}
        found = found_attestation(answered)
        assert found is not None
        assert found.held == (ONE,)
