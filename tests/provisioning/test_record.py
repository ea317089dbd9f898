"""What a request says of an enrollment beside its attestation: null, defaults, words in any case, ids, and what each api-version knows."""

from typing import Any

import pytest

from local_azure_iot.provisioning.versions import VERSIONS
from tests.local_azure.makers import authority
from tests.provisioning.service import Service, by_key, group, individual

_NULLS = dict.fromkeys((
    "capabilities", "reprovisionPolicy", "iotHubs", "iotHubHostName", "initialTwin", "customAllocationDefinition", "allocationPolicy",
))  # fmt: skip
_FULL: dict[str, Any] = {
    "capabilities": {"iotEdge": True},
    "iotHubs": ["a.azure-devices.net", "b.azure-devices.net"],
    "initialTwin": {"tags": {"site": "north", "count": None}, "properties": {"desired": {"speed": [1, {"x": 2}]}}},
    "provisioningStatus": "disabled",
    "reprovisionPolicy": {"updateHubAssignment": True, "migrateDeviceData": False},
    "allocationPolicy": "custom",
    "customAllocationDefinition": {"webhookUrl": "https://nobody.example", "apiVersion": "2021-10-01"},
}


def test_null_is_as_good_as_missing(service: Service) -> None:
    """Both are absent in the answer; only a status of null is answered as null."""
    for place, body in (("/enrollmentGroups/a", by_key("a")), ("/enrollments/a", individual("a"))):
        plain = {"etag", "createdDateTimeUtc", "lastUpdatedDateTimeUtc", "attestation", "provisioningStatus", next(iter(body))}
        more = {} if "Group" in place else {"deviceId": None, "optionalDeviceInformation": None, "registrationState": None}
        answer = service.must("PUT", place, body | _NULLS | more | {"provisioningStatus": None})
        assert (set(answer), answer["provisioningStatus"]) == (plain, None)
        answer = service.must("PUT", place, body, if_match="*")
        assert (set(answer), answer["provisioningStatus"]) == (plain, "enabled")


def test_every_member_is_answered(service: Service) -> None:
    """As it was sent, in Azure's order; the state of an individual enrollment's registration in GET alone."""
    sent = individual("Press-1", deviceId="press.one", optionalDeviceInformation={"made": 2026}, **_FULL)
    put = service.must("PUT", "/enrollments/Press-1", sent)
    got = service.must("GET", "/enrollments/press-1")
    (listed,) = service.must("POST", "/enrollments/query", {"query": "SELECT *"})
    assert {name: got[name] for name in sent if name != "attestation"} == {name: sent[name] for name in sent if name != "attestation"}
    assert got.pop("registrationState") == {"registrationId": "Press-1", "status": "unassigned"}
    assert got == listed == put | {"attestation": {"type": "symmetricKey"}}
    assert list(put) == [
        "registrationId", "deviceId", "attestation", "capabilities", "iotHubs", "initialTwin", "etag", "provisioningStatus",
        "reprovisionPolicy", "createdDateTimeUtc", "lastUpdatedDateTimeUtc", "allocationPolicy", "customAllocationDefinition",
        "optionalDeviceInformation",
    ]  # fmt: skip
    assert service.must("PUT", "/enrollments/press-1", got, if_match=got["etag"])["initialTwin"] == _FULL["initialTwin"]


def test_defaults_inside_of_members_and_words_in_any_case(service: Service) -> None:
    """An edge capability that is not said is false, both parts of a policy are true; words come back as Azure writes them."""
    sent = by_key(
        "a", capabilities={}, reprovisionPolicy={"migrateDeviceData": None}, allocationPolicy="GEOLATENCY", provisioningStatus="Enabled"
    )
    answer = service.must("PUT", "/enrollmentGroups/a", sent)
    assert answer["capabilities"] == {"iotEdge": False}
    assert answer["reprovisionPolicy"] == {"updateHubAssignment": True, "migrateDeviceData": True}
    assert (answer["allocationPolicy"], answer["provisioningStatus"]) == ("geoLatency", "enabled")


@pytest.mark.parametrize("members", [
    {"allocationPolicy": "random"}, {"provisioningStatus": "paused"}, {"allocationPolicy": "custom"},
    {"allocationPolicy": "custom", "customAllocationDefinition": {"webhookUrl": "https://x"}}, {"customAllocationDefinition": {}},
])  # fmt: skip
def test_what_is_refused(service: Service, members: dict[str, Any]) -> None:
    """Words that are none; a webhook without its address or version."""
    assert service.refused("PUT", "/enrollmentGroups/a", by_key("a", **members)) == (400, 400004)
    assert service.refused("GET", "/enrollmentGroups/a") == (404, 404202)


def test_what_azure_takes_and_fails_later(service: Service) -> None:
    """Static without a hub, a hub that is not linked, a webhook where nobody is, another name in the certificate than the id."""
    for number, members in enumerate((
        {"allocationPolicy": "static"}, {"iotHubs": ["unlinked.azure-devices.net"]}, {"iotHubHostName": "unlinked.azure-devices.net"},
        {"allocationPolicy": "custom", "customAllocationDefinition": {"webhookUrl": "https://nobody.example", "apiVersion": "x"}},
    )):  # fmt: skip
        answer = service.must("PUT", f"/enrollments/e{number}", individual(f"e{number}", authority().pem, **members))
        assert {name: answer[name] for name in members} == members


@pytest.mark.parametrize(("name", "valid"), [
    ("a", True), ("A.b_c:d-e", True), ("-", True), ("x" * 128, True), ("x" * 129, False), ("a.", False), ("a_", False), ("a:", False),
    ("a b", False), ("a*", False), ("\u00e4", False), ("a%0a", False),
])  # fmt: skip
def test_ids(service: Service, name: str, valid: bool) -> None:
    """Up to 128 letters, digits and - . _ :, at the end a letter, a digit or a dash."""
    path = name.encode().decode("latin-1")
    for place, body in ((f"/enrollmentGroups/{path}", by_key(name)), (f"/enrollments/{path}", individual(name))):
        if valid:
            assert service.must("PUT", place, body)[next(iter(body))] == name
        else:
            assert service.refused("PUT", place, body) == (400, 400004)


def test_the_id_of_the_path_and_that_of_the_body(service: Service) -> None:
    """They may differ in case alone; the body must have one; an individual enrollment's device has an id of a hub's."""
    assert service.must("PUT", "/enrollments/PRESS-1", individual("press-1"))["registrationId"] == "press-1"
    for body in (individual("press-2"), {"attestation": {"type": "symmetricKey"}}, individual("")):
        assert service.refused("PUT", "/enrollments/press-1", body, if_match="*") == (400, 400004)
    assert service.must("PUT", "/enrollments/b", individual("b", deviceId="Press's (1)!".replace(" ", "_")))["deviceId"] == "Press's_(1)!"
    assert service.refused("PUT", "/enrollments/c", individual("c", deviceId="a b")) == (400, 400004)


_REGISTRY = ("namespaceName", "certificateAuthorityName", "certificatePolicyName")


@pytest.mark.parametrize("version", VERSIONS)
def test_what_an_api_version_knows(service: Service, version: str) -> None:
    """Where devices get operational certificates from: each version has its own members, and drops the others."""
    sent = dict.fromkeys((*_REGISTRY, "credentialPolicyName"), "plant")
    known = set(_REGISTRY) if version >= "2026" else {"credentialPolicyName"} if version.endswith("preview") else set()
    answer = service.must("PUT", "/enrollmentGroups/a", by_key("a", **sent), version=version)
    assert set(sent) & set(answer) == known
    assert set(sent) & set(service.must("GET", "/enrollmentGroups/a", version="2021-10-01")) == set()
    assert set(sent) & set(service.must("GET", "/enrollmentGroups/a", version=version.upper())) == known
    service.must("PUT", "/enrollmentGroups/a", by_key("a"), version="2021-10-01", if_match="*")
    assert set(sent) & set(service.must("GET", "/enrollmentGroups/a", version=version)) == set()


@pytest.mark.parametrize("version", ["", "2018", "2031-01-01", "2021-10-15"])
def test_unknown_versions(service: Service, version: str) -> None:
    """Those of Resource Manager are others; 400 once the caller is known."""
    assert service.refused("GET", "/enrollments/a", version=version) == (400, 400001)
    assert service.refused("GET", "/enrollments/a", version=version, authorization="x") == (401, 401002)


def test_a_hundred_groups_of_each_kind(service: Service) -> None:
    """The 101st with certificates is refused by name, one with keys is not; one that is there can be changed, or make room for another."""
    text = authority().pem
    for number in range(100):
        service.must("PUT", f"/enrollmentGroups/g{number}", group(f"g{number}", text))
    answer = service.ask("PUT", "/enrollmentGroups/one-more", group("one-more", text))
    assert (answer.status, "100 X.509 enrollment groups" in answer.json()["message"]) == (400, True)
    service.must("PUT", "/enrollmentGroups/by-key", by_key("by-key"))
    assert service.refused("PUT", "/enrollmentGroups/by-key", group("by-key", text), if_match="*")[0] == 400
    service.must("PUT", "/enrollmentGroups/g7", group("g7", text), if_match="*")
    service.must("DELETE", "/enrollmentGroups/g7")
    service.must("PUT", "/enrollmentGroups/one-more", group("one-more", text))
