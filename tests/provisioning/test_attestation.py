"""How an enrollment's devices prove who they are: certificates, references to a CA, keys. What a client that sends back an answer keeps."""

import base64
from typing import Any

import pytest

from local_azure_iot.provisioning import enrollments
from tests.local_azure.makers import authority
from tests.provisioning.service import Service, by_key, group, individual

_KINDS = pytest.mark.parametrize(("place", "make", "member"), [
    ("/enrollmentGroups/a", group, "signingCertificates"), ("/enrollments/a", individual, "clientCertificates"),
])  # fmt: skip


def _thumbprints(answer: Any, member: str) -> dict[str, str]:
    return {slot: each["info"]["sha256Thumbprint"] for slot, each in answer["attestation"]["x509"][member].items()}


def _stored(service: Service, place: str) -> dict[str, str]:
    """The certificates by which devices are let in."""
    kind = enrollments.GROUPS if "Group" in place else enrollments.INDIVIDUALS
    found = enrollments.find(service.azure.azure, service.key, kind, "a")
    assert found
    return dict(found["certificates"])


@_KINDS
def test_an_answer_that_is_sent_back_keeps_the_certificates(service: Service, place: str, make: Any, member: str) -> None:
    """GET shows facts of a certificate and not the certificate: a PUT of what GET answered, with another status, loses none."""
    service.must("PUT", place, make("a", authority().pem, authority().pem))
    before, stored = service.must("GET", place), _stored(service, place)
    assert set(before["attestation"]["x509"][member]["primary"]) == {"info"}
    assert stored["primary"] != stored["secondary"]
    after = service.must("PUT", place, before | {"provisioningStatus": "disabled"}, if_match=before["etag"])
    assert (after["attestation"], after["provisioningStatus"]) == (before["attestation"], "disabled")
    assert _stored(service, place) == stored


@_KINDS
def test_one_certificate_is_replaced_and_the_other_named(service: Service, place: str, make: Any, member: str) -> None:
    """A new primary beside the facts of the secondary; a secondary that becomes the primary; a primary that is left out."""
    old, new = authority(), authority()
    first = service.must("PUT", place, make("a", old.pem))
    slots = first["attestation"]["x509"][member]
    assert slots["primary"] == slots["secondary"]
    mixed = make("a") | {
        "attestation": {"type": "x509", "x509": {member: {"primary": {"certificate": new.pem}, **_only(slots, "secondary")}}}
    }
    second = service.must("PUT", place, mixed, if_match="*")
    changed = _thumbprints(second, member)
    assert changed["secondary"] == slots["primary"]["info"]["sha256Thumbprint"] != changed["primary"]
    slots = second["attestation"]["x509"][member]
    swapped = make("a") | {
        "attestation": {"type": "x509", "x509": {member: {"primary": slots["secondary"], "secondary": slots["primary"]}}}
    }
    assert _thumbprints(service.must("PUT", place, swapped, if_match="*"), member) == {
        "primary": changed["secondary"], "secondary": changed["primary"],
    }  # fmt: skip
    alone = make("a") | {"attestation": {"type": "x509", "x509": {member: {"primary": None, "secondary": slots["primary"]}}}}
    third = service.must("PUT", place, alone, if_match="*")
    assert _thumbprints(third, member) == {"secondary": changed["primary"]}
    assert set(_stored(service, place)) == {"secondary"}


def _only(slots: dict[str, Any], slot: str) -> dict[str, Any]:
    return {slot: slots[slot]}


@_KINDS
def test_facts_of_nothing(service: Service, place: str, make: Any, member: str) -> None:
    """Where there is no certificate to keep, facts alone are refused; so are empty ones, texts that are none, and private keys."""
    facts = {"info": {"sha256Thumbprint": "AB" * 32}}
    for slot in (
        facts,
        {},
        {"certificate": ""},
        {"certificate": "AAAA"},
        {"certificate": "-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----"},
    ):
        body = make("a") | {"attestation": {"type": "x509", "x509": {member: {"primary": slot}}}}
        assert service.refused("PUT", place, body) == (400, 400004)
    for x509 in ({}, {member: {}}, {member: None}, {member: {"primary": None}}, {"caReferences": {}}, {"caReferences": {"primary": ""}}):
        assert service.refused("PUT", place, make("a") | {"attestation": {"type": "x509", "x509": x509}}) == (400, 400004)
    both = {member: {"primary": {"certificate": authority().pem}}, "caReferences": {"primary": "ca"}}
    other = {"signingCertificates", "clientCertificates"} - {member}
    for x509 in (both, {other.pop(): both[member]}):
        assert service.refused("PUT", place, make("a") | {"attestation": {"type": "x509", "x509": x509}}) == (400, 400004)


@_KINDS
def test_references_to_a_ca(service: Service, place: str, make: Any, member: str) -> None:
    """Names, taken as they are: nobody looks whether it is verified. A secondary is no copy. Then certificates in their place."""
    body = make("a") | {"attestation": {"type": "x509", "x509": {"caReferences": {"primary": "root", "secondary": None}}}}
    answer = service.must("PUT", place, body)
    assert answer["attestation"] == {"type": "x509", "x509": {"caReferences": {"primary": "root"}}}
    again = service.must("PUT", place, service.must("GET", place), if_match="*")
    assert again["attestation"] == answer["attestation"]
    changed = service.must("PUT", place, make("a", authority().pem), if_match="*")
    assert set(changed["attestation"]["x509"]) == {member}
    service.must("PUT", place, body, if_match="*")
    assert _stored(service, place) == {}


@pytest.mark.parametrize(("place", "make"), [("/enrollmentGroups/a", by_key), ("/enrollments/a", individual)])
def test_symmetric_keys(service: Service, place: str, make: Any) -> None:
    """New ones, or those that are sent; PUT and attestationmechanism answer them, GET and queries do not; what GET answered keeps them."""
    made = service.must("PUT", place, make("a"))["attestation"]
    keys = made["symmetricKey"]
    assert {len(base64.b64decode(each)) for each in keys.values()} == {32}
    assert keys["primaryKey"] != keys["secondaryKey"]
    shown = service.must("GET", place)
    assert shown["attestation"] == {"type": "symmetricKey"}
    assert service.must("POST", f"{place.rpartition('/')[0]}/query", {"query": "select * "})[0]["attestation"] == shown["attestation"]
    assert service.must("POST", f"{place}/attestationmechanism") == {"type": "symmetricKey", "symmetricKey": keys}
    assert service.must("PUT", place, shown, if_match="*")["attestation"] == made
    own = base64.b64encode(b"a key that we have").decode()
    changed = make("a") | {"attestation": {"type": "symmetricKey", "symmetricKey": {"primaryKey": own, "secondaryKey": None}}}
    assert service.must("PUT", place, changed, if_match="*")["attestation"]["symmetricKey"] == {**keys, "primaryKey": own}
    for wrong in ("no base64", "AAAA", own[:-1]):
        bad = make("a") | {"attestation": {"type": "symmetricKey", "symmetricKey": {"primaryKey": wrong}}}
        assert service.refused("PUT", place, bad, if_match="*") == (400, 400004)


def test_what_is_no_attestation(service: Service) -> None:
    """Without one Azure says which it wants. A TPM is for individual enrollments alone, and its keys are shown."""
    for place, make in (("/enrollmentGroups/a", by_key), ("/enrollments/a", individual)):
        for attestation in (None, {}, {"type": None}, {"type": "none"}, {"type": "magic"}):
            answer = service.ask("PUT", place, make("a") | {"attestation": attestation})
            assert (answer.status, answer.json()["message"]) == (400, "TPM or X509 attestation is required.")
    tpm = {"type": "tpm", "tpm": {"endorsementKey": "AToAAQALAAMAsgAg", "storageRootKey": None}}
    assert service.refused("PUT", "/enrollmentGroups/a", by_key("a") | {"attestation": tpm})[0] == 400
    service.must("PUT", "/enrollments/a", individual("a") | {"attestation": tpm})
    assert service.must("GET", "/enrollments/a")["attestation"] == {"type": "tpm", "tpm": {"endorsementKey": "AToAAQALAAMAsgAg"}}
    assert service.refused("PUT", "/enrollments/b", individual("b") | {"attestation": {"type": "tpm"}})[0] == 400


def test_the_mechanism_of_certificates(service: Service) -> None:
    """It is what GET answers; of nothing it is 404."""
    service.must("PUT", "/enrollmentGroups/a", group("a", authority().pem))
    expected = service.must("GET", "/enrollmentGroups/a")["attestation"]
    assert service.must("POST", "/enrollmentgroups/A/attestationmechanism/") == expected
    assert service.refused("POST", "/enrollmentGroups/b/attestationmechanism") == (404, 404202)
    assert service.refused("POST", "/enrollments/b/attestationmechanism") == (404, 404201)
