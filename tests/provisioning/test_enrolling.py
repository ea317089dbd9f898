"""Devices that register over HTTPS: what they are told, what their hub gets, and what the log says."""

import asyncio
import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from local_azure_iot.hub_registry import identities
from tests.kit.device_certificates import DAY, Party
from tests.kit.hub_client import signature
from tests.provisioning.enrolling import GLOBAL, Enrolling, by_certificate, by_reference, by_signing


@pytest.fixture
def root(enrolling: Enrolling) -> Party:
    """A CA that is verified with the service as `ca`, and a hub `north` that is linked."""
    enrolling.link(enrolling.hub("north"))
    found = Party("root")
    enrolling.trust("ca", found)
    return found


def _thumbprint(party: Party) -> str:
    return party.certificate.fingerprint(hashes.SHA256()).hex().upper()


def test_a_device_is_told_to_wait_and_then_which_hub_is_its_own(enrolling: Enrolling, root: Party) -> None:
    """The hub gets the leaf's thumbprint alone, twice, and the initial twin; no CA is there."""
    enrolling.put_group("press", by_reference("ca"), initialTwin={"tags": {"site": "a"}, "properties": {"desired": {"rate": 1}}})
    leaf = root.device("press-001")
    begun = enrolling.register([leaf, root])
    assert (begun.status, begun.headers["Retry-After"]) == (202, "3")
    assert begun.headers["Location"] == f"https://{GLOBAL}/{enrolling.scope}/registrations/press-001/register"
    operation = begun.json()["operationId"]
    assert begun.json() == {"operationId": operation, "status": "assigning"}
    assert [len(part) for part in operation.split(".")] == [1, 16, 36]
    ended = enrolling.poll([leaf, root], operation)
    assert (ended.status, "Retry-After" in ended.headers) == (200, False)
    state = ended.json()["registrationState"]
    assert list(state) == [
        "x509", "registrationId", "createdDateTimeUtc", "assignedHub", "deviceId", "status", "substatus", "lastUpdatedDateTimeUtc", "etag",
    ]  # fmt: skip
    assert (state["x509"], state["assignedHub"], state["substatus"]) == ({}, enrolling.host("north"), "initialAssignment")
    device = enrolling.device("north", "press-001")
    assert device
    assert device["auth"] == {"type": "selfSigned", "keys": [None, None], "thumbprints": [_thumbprint(leaf)] * 2}
    assert (device["twin"]["tags"], device["twin"]["desired"]["values"]) == ({"site": "a"}, {"rate": 1})
    assert (device["status"], device["edge"]) == ("enabled", False)
    record = enrolling.operate("GET", "/registrations/press-001")
    assert record == {name: value for name, value in state.items() if name != "x509"}
    assert enrolling.operate("POST", "/registrations/press/query") == [record]


def test_a_poll_before_the_end(enrolling: Enrolling, root: Party) -> None:
    """202 with the state so far; the same id at once is refused until it has ended; then both operations can be asked for."""
    enrolling.put_group("press", by_reference("ca"))
    leaf = root.device("press-001")
    enrolling.azure.azure.settings = enrolling.azure.azure.settings.changed({"registration_seconds": 60, "retry_after": 1})
    try:
        begun = enrolling.register([leaf, root])
        operation = begun.json()["operationId"]
        waiting = enrolling.poll([leaf, root], operation)
        assert (waiting.status, waiting.headers["Retry-After"]) == (202, "1")
        shown = {"registrationId": "press-001", "status": "assigning"}
        assert waiting.json() == {"operationId": operation, "status": "assigning", "registrationState": shown}
        twice = enrolling.register([leaf, root])
        assert (twice.status, twice.json()["errorCode"], twice.json()["message"]) == (409, 409203, "Precondition failed.")
        assert enrolling.call("POST", "press-001", "", [leaf, root]).json() == shown
        enrolling.azure.azure.clock.advance(61)
        enrolling.finish(operation)
        assert enrolling.poll([leaf, root], operation).json()["status"] == "assigned"
        enrolling.azure.azure.settings = enrolling.azure.azure.settings.changed({"registration_seconds": 0.0})
        enrolling.assigned([leaf, root])
        assert enrolling.poll([leaf, root], operation).json()["status"] == "assigned"
    finally:
        enrolling.azure.azure.clock.follow_machine()
        enrolling.azure.azure.settings = enrolling.azure.azure.settings.changed({"registration_seconds": 0.0, "retry_after": None})


def test_two_at_once(enrolling: Enrolling, root: Party) -> None:
    """Of two requests for the same id one is carried out, and the other refused; the hub has one device, and no error follows."""
    enrolling.put_group("press", by_reference("ca"))
    leaf = root.device("press-001")
    path = f"/{enrolling.scope}/registrations/press-001/register?api-version=2019-03-31"

    async def both() -> list[int]:
        sent = [each.certificate for each in (leaf, root)]
        asked = [enrolling.azure.send_as(sent, "PUT", path, host=GLOBAL, token="", headers={}) for _ in range(2)]
        return sorted(answer.status for answer in await asyncio.gather(*asked))

    assert enrolling.azure.loop.run_until_complete(both()) == [202, 409]
    assert enrolling.assigned([leaf, root])["deviceId"] == "press-001"


@pytest.mark.parametrize("own", [True, False])
def test_status_without_an_operation(enrolling: Enrolling, root: Party, *, own: bool) -> None:
    """404 before it registered, then its state alone; at the service's own host name as at the one that all use."""
    host = enrolling.service.host if own else GLOBAL
    enrolling.put_group("press", by_reference("ca"))
    leaf = root.device("press-001")
    assert enrolling.call("POST", "press-001", "", [leaf, root], host=host).status == 404
    state = enrolling.assigned([leaf, root], host=host)
    assert enrolling.call("POST", "press-001", "", [leaf, root], {"registrationId": "press-001"}, host=host).json() == state
    other = root.device("press-001")
    assert enrolling.call("POST", "press-001", "", [other, root], host=host).status == 401
    assert "others than those with which it registered" in enrolling.reason()
    assert enrolling.poll([leaf, root], "4.0000000000000000.nonsense", host=host).status == 404


def test_what_is_no_request(enrolling: Enrolling, root: Party) -> None:
    """An unknown id scope, another service's at a service's own name, an unknown version, a body about another device, or none."""
    enrolling.put_group("press", by_reference("ca"))
    chain = [root.device("press-001"), root]
    assert enrolling.register(chain, scope="0ne00000000").status == 404
    assert enrolling.register(chain, host="nobody.azure-devices-provisioning.net").status == 404
    for version in ("", "2016-01-01", "9999-01-01", "latest"):
        assert enrolling.register(chain, version=version).status == 400, version
    assert enrolling.register(chain, body={"registrationId": "press-002"}).json()["errorCode"] == 400004
    assert enrolling.register(chain, body=b"{").status == 400
    assert enrolling.register(chain, body=b"[]").status == 400
    assert "Device Registry" in enrolling.register(chain, body={"csr": "AAAA"}).json()["message"]
    for name in ("press 001", "press-001.", "p" * 129, "prés"):
        answer = enrolling.register([root.device(name[:64]), root], name)
        assert (answer.status, answer.json()["message"]) == (400, "Invalid RegistrationId"), name
    assert enrolling.register([], "press-001").json()["errorCode"] == 401002
    for body in (b"", b" ", {}, {"registrationId": "PRESS-001", "payload": {"a": 1}}):
        assert enrolling.outcome(chain, body=body)["status"] == "assigned", body
    for version in ("2018-11-01", "2019-03-31", "2021-06-01", "2025-07-01-preview"):
        assert enrolling.register(chain, version=version).status == 202, version


@pytest.mark.parametrize(("case", "told", "reason"), [
    ("no enrollment", "Unauthorized", "no enrollment has its certificate"),
    ("intermediate not sent", "Unauthorized", "'CN=issuing', which is neither verified here"),
    ("intermediate not sent, root sent", "Unauthorized", "'CN=issuing', which is neither verified here"),
    ("not verified", "CA certificate not found.", "group 'unproven' matches"),
    ("unknown root", "CA certificate not found.", "'CN=other' is a root, and it is not verified here"),
    ("signing certificate not sent", "Signing certificate info did not match chain elements.", "group 'line' ('CN=root') was not sent"),
    ("reissued CA", "Signing certificate info did not match chain elements.", "has the name of a CA of this device, 'CN=issuing'"),
    ("expired", "Invalid certificate.", "certificate has expired"),
    ("not yet valid", "Invalid certificate.", "not yet valid"),
    ("for servers", "Invalid certificate.", "no clientAuth"),
    ("other individual", "Invalid certificate.", "has another certificate than the one that was sent"),
    ("other name", "Unauthorized", "its certificate is that of the individual enrollment 'somebody'"),
    ("other common name", "Unauthorized", "the common name of its certificate is 'press-002'"),
    ("too long", "Invalid certificate.", "too many certificates"),
])  # fmt: skip
def test_who_is_refused(case: str, told: str, reason: str, enrolling: Enrolling) -> None:
    """Azure tells the device little, and the log everything; no registration is left behind."""
    enrolling.link(enrolling.hub("north"))
    root, other, unproven = Party("root"), Party("other"), Party("unproven")
    issuing = root.authority_below("issuing")
    enrolling.trust("ca", root)
    enrolling.trust("unproven", unproven, verified=False)
    groups: dict[str, dict[str, Any]] = {
        "not verified": {"unproven": by_reference("unproven")},
        "signing certificate not sent": {"line": by_signing(root)},
        "reissued CA": {"line": by_signing(Party("issuing", root))},
        "no enrollment": {},
    }
    for name, attestation in groups.get(case, {"press": by_reference("ca")}).items():
        enrolling.put_group(name, attestation)
    leaf, late = root.device("press-001"), {"start": root.start - 365 * DAY}
    if case == "other individual":
        enrolling.put_individual("press-001", by_certificate(root.device("press-001")))
    if case == "other name":
        enrolling.put_individual("somebody", by_certificate(leaf))
    below = issuing.device("press-001")
    later = root.start + 365 * DAY
    sent: dict[str, list[Party]] = {
        "intermediate not sent": [below],
        "intermediate not sent, root sent": [below, root],
        "not verified": [unproven.device("press-001"), unproven],
        "unknown root": [other.device("press-001"), other],
        "signing certificate not sent": [below, issuing],
        "reissued CA": [below, issuing, root],
        "expired": [root.device("press-001", **late), root],
        "not yet valid": [root.device("press-001", start=later), root],
        "for servers": [root.device("press-001", usages=(ExtendedKeyUsageOID.SERVER_AUTH,)), root],
        "other common name": [root.device("press-002"), root],
        "too long": [leaf, *[root] * 10],
    }
    answer = enrolling.register(sent.get(case, [leaf, root]), "press-001")
    assert (answer.status, answer.json()["errorCode"], answer.json()["message"]) == (401, 401002, told)
    assert answer.headers["x-ms-error-code"] == "401002"
    assert reason in enrolling.reason()
    assert enrolling.service.ask("GET", "/registrations/press-001").status == 404
    assert enrolling.device("north", "press-001") is None


def test_the_first_match_upward_decides(enrolling: Enrolling, root: Party) -> None:
    """The device's own certificate before its CAs, the lower CA before the upper, in whichever order they are sent."""
    issuing = root.authority_below("issuing")
    lower = issuing.authority_below("lower")
    first, second, third = (lower.device(name) for name in ("press-001", "press-002", "press-003"))
    enrolling.put_group("upper", by_reference("ca"), initialTwin={"tags": {"by": "upper"}})
    enrolling.put_individual("press-001", by_certificate(first), initialTwin={"tags": {"by": "individual"}})
    enrolling.assigned([second, root, issuing, lower])
    enrolling.put_group("lower", by_signing(lower), initialTwin={"tags": {"by": "lower"}})
    enrolling.assigned([third, root, lower, issuing])
    enrolling.assigned([first])
    found = {name: enrolling.device("north", name) for name in ("press-001", "press-002", "press-003")}
    assert {name: device and device["twin"]["tags"]["by"] for name, device in found.items()} == {
        "press-001": "individual", "press-002": "upper", "press-003": "lower",
    }  # fmt: skip


def test_a_verified_ca_need_not_be_sent(enrolling: Enrolling, root: Party) -> None:
    """Neither for a group by reference to it, nor for one whose signing certificate is below it."""
    issuing = root.authority_below("issuing")
    enrolling.put_group("by-root", by_reference("ca"))
    assert enrolling.assigned([root.device("press-001")])
    enrolling.put_group("by-issuing", by_signing(issuing))
    assert enrolling.assigned([issuing.device("press-002"), issuing])
    assert enrolling.operate("POST", "/registrations/by-issuing/query")[0]["registrationId"] == "press-002"


def test_a_ca_that_is_cross_signed(enrolling: Enrolling, root: Party) -> None:
    """Each of its certificates is a way up, in whichever order they are sent; one that leads nowhere is no way."""
    old_root = Party("old root")
    old = old_root.authority_below("issuing")
    new = Party("issuing", root, key=old.key)
    leaf = old.device("press-001")
    for attestation in (by_reference("ca"), by_signing(new), by_signing(old)):
        enrolling.put_group("press", attestation)
        for sent in ([old, new], [new, old], [old, old_root, new, root]):
            assert enrolling.assigned([leaf, *sent])
        assert enrolling.register([leaf, old, old_root]).json()["message"] in {
            "CA certificate not found.", "Signing certificate info did not match chain elements.",
        }  # fmt: skip
        enrolling.operate("DELETE", "/enrollmentGroups/press")


@pytest.mark.parametrize("lower", [True, False])
def test_a_disabled_entry(enrolling: Enrolling, root: Party, *, lower: bool) -> None:
    """A disabled first match is not passed over: 200 with that status and no operation, and the service shows the registration."""
    issuing = root.authority_below("issuing")
    leaf = issuing.device("press-001")
    enrolling.put_group("upper", by_reference("ca"), provisioningStatus="enabled" if lower else "disabled")
    if lower:
        enrolling.put_group("lower", by_signing(issuing), provisioningStatus="disabled")
    answer = enrolling.register([leaf, issuing, root])
    shown = {"registrationId": "press-001", "status": "disabled"}
    assert (answer.status, answer.json()) == (200, {"operationId": "", "status": "disabled", "registrationState": shown})
    record = enrolling.operate("GET", "/registrations/press-001")
    assert (record["status"], "assignedHub" in record, bool(record["etag"])) == ("disabled", False, True)
    assert enrolling.device("north", "press-001") is None
    assert enrolling.reason() == f"the group '{'lower' if lower else 'upper'}' is disabled"


def test_a_certificate_in_two_entries(enrolling: Enrolling, root: Party) -> None:
    """The disabled one blocks, for groups and for individual enrollments, also after either was changed."""
    enrolling.put_group("one", by_signing(root))
    enrolling.put_group("two", by_reference("ca"), provisioningStatus="disabled")
    leaf = root.device("press-001")
    assert enrolling.outcome([leaf, root])["status"] == "disabled"
    other = Party("other")
    enrolling.put_group("two", by_signing(other), replace=True, provisioningStatus="disabled")
    assert enrolling.outcome([leaf, root])["status"] == "assigned"
    enrolling.operate("DELETE", "/enrollmentGroups/one")
    assert enrolling.register([leaf, root]).status == 401


def test_registering_with_the_secondary(enrolling: Enrolling, root: Party) -> None:
    """Both certificates of an individual enrollment count, and the hub follows the one that came last."""
    old, new = Party("press-001", authority=False), root.device("press-001")
    enrolling.put_individual("press-001", by_certificate(old, new), deviceId="Press-1")
    assert enrolling.assigned([old])["deviceId"] == "Press-1"
    assert enrolling.assigned([new])["substatus"] == "initialAssignment"
    device = enrolling.device("north", "Press-1")
    assert device
    assert device["auth"]["thumbprints"] == [_thumbprint(new)] * 2
    assert enrolling.operate("GET", "/enrollments/press-001")["registrationState"]["substatus"] == "reprovisionedToInitialAssignment"


def test_an_individual_enrollment_that_refers_to_a_ca(enrolling: Enrolling, root: Party) -> None:
    """Its devices need a leaf below that CA, and no other."""
    enrolling.put_individual("press-001", by_reference("ca"))
    assert enrolling.assigned([root.device("press-001"), root])
    other = Party("other")
    enrolling.trust("other", other)
    answer = enrolling.register([other.device("press-001"), other])
    assert (answer.status, answer.json()["message"]) == (401, "Invalid certificate.")


def test_ids_in_another_case(enrolling: Enrolling, root: Party) -> None:
    """They are the same device, under the id by which it came first."""
    enrolling.put_group("press", by_reference("ca"))
    assert enrolling.assigned([root.device("Press-001"), root])["deviceId"] == "Press-001"
    again = enrolling.assigned([root.device("press-001"), root], "PRESS-001")
    assert (again["deviceId"], again["registrationId"]) == ("Press-001", "Press-001")
    assert enrolling.device("north", "press-001") is None


def test_a_device_that_is_in_the_hub(enrolling: Enrolling, root: Party) -> None:
    """It is taken over: its authentication is replaced, and its twin, status and generation stay."""
    enrolling.put_group("press", by_reference("ca"), initialTwin={"tags": {"by": "enrollment"}}, capabilities={"iotEdge": True})
    found = enrolling.hub_key("north")
    azure = enrolling.azure.azure
    with azure.store.transaction():
        body = {"deviceId": "press-001", "status": "disabled", "statusReason": "repair", "authentication": {"type": "certificateAuthority"}}
        before = identities.create(azure, found, body)
        identities.change_twin(azure, found, before, {"tags": {"by": "hand"}})
    leaf = root.device("press-001")
    assert enrolling.assigned([leaf, root])["substatus"] == "initialAssignment"
    device = enrolling.device("north", "press-001")
    assert device
    assert (device["auth"]["type"], device["auth"]["thumbprints"]) == ("selfSigned", [_thumbprint(leaf)] * 2)
    assert (device["status"], device["reason"], device["twin"]["tags"]) == ("disabled", "repair", {"by": "hand"})
    assert (device["generation"], device["edge"]) == (before["generation"], True)


def test_deleting_a_registration_leaves_the_hub_alone(enrolling: Enrolling, root: Party) -> None:
    """Also deleting its enrollment does; a group of the same name is another one, and assigns again."""
    enrolling.put_group("press", by_reference("ca"))
    chain = [root.device("press-001"), root]
    enrolling.assigned(chain)
    enrolling.operate("DELETE", "/registrations/press-001")
    assert enrolling.device("north", "press-001")
    enrolling.operate("DELETE", "/enrollmentGroups/press")
    assert enrolling.device("north", "press-001")
    enrolling.put_group("press", by_reference("ca"))
    assert enrolling.assigned(chain)["substatus"] == "initialAssignment"


def _signed(enrolling: Enrolling, registration_id: str, key: str, **options: Any) -> str:
    return signature(f"{enrolling.scope}/registrations/{registration_id}", "registration", key, **options)


def test_a_symmetric_key(enrolling: Enrolling, root: Party) -> None:
    """An individual enrollment's own key; the hub gets both keys. Another key, resource or time is refused."""
    enrolling.put_individual("press-001", by_certificate(root.device("press-001")))
    keys = enrolling.put_individual("press-002", {"type": "symmetricKey"})["attestation"]["symmetricKey"]
    for key in (keys["secondaryKey"], keys["primaryKey"]):
        found = enrolling.assigned([], "press-002", authorization=_signed(enrolling, "press-002", key))
        assert (found["symmetricKey"], found["deviceId"], "x509" in found) == ({}, "press-002", False)
    device = enrolling.device("north", "press-002")
    assert device
    assert device["auth"] == {"type": "sas", "keys": [keys["primaryKey"], keys["secondaryKey"]], "thumbprints": [None, None]}
    wrong = {
        "not made with a valid key": _signed(enrolling, "press-002", "a2V5" * 8),
        "covers": _signed(enrolling, "press-003", keys["primaryKey"]),
        "has expired": _signed(enrolling, "press-002", keys["primaryKey"], seconds=-1),
        "not a shared access signature": "nonsense",
    }
    for reason, authorization in wrong.items():
        answer = enrolling.register([], "press-002", authorization=authorization)
        assert (answer.status, answer.json()["message"]) == (401, "Unauthorized")
        assert reason in enrolling.reason()
    assert enrolling.register([], "press-001", authorization=_signed(enrolling, "press-001", keys["primaryKey"])).status == 401
    assert "is by x509, and a signature was sent" in enrolling.reason()
    leaf = root.device("press-002")
    assert enrolling.register([leaf, root]).status == 401
    assert "is by symmetricKey, and a certificate was sent" in enrolling.reason()


def test_a_key_of_a_group(enrolling: Enrolling, root: Party) -> None:
    """A device's key is derived from the group's; the group's own key is nobody's."""
    del root
    keys = enrolling.put_group("press", {"type": "symmetricKey"})["attestation"]["symmetricKey"]
    key = _derived(keys["primaryKey"], "press-001")
    assert enrolling.assigned([], "press-001", authorization=_signed(enrolling, "press-001", key))["deviceId"] == "press-001"
    device = enrolling.device("north", "press-001")
    assert device
    assert device["auth"]["keys"] == [key, _derived(keys["secondaryKey"], "press-001")]
    answer = enrolling.register([], "press-001", authorization=_signed(enrolling, "press-001", keys["primaryKey"]))
    assert (answer.status, answer.json()["message"]) == (401, "Unauthorized")
    enrolling.put_group("press", {"type": "symmetricKey"}, replace=True, provisioningStatus="disabled")
    assert enrolling.outcome([], "press-001", authorization=_signed(enrolling, "press-001", key))["status"] == "disabled"
    record = enrolling.operate("GET", "/registrations/press-001")
    assert (record["status"], record["assignedHub"]) == ("disabled", enrolling.host("north"))


def _derived(key: str, registration_id: str) -> str:
    return base64.b64encode(hmac.new(base64.b64decode(key), registration_id.encode(), hashlib.sha256).digest()).decode()


def test_too_many_in_a_minute(enrolling: Enrolling, root: Party) -> None:
    """Off by default. With the dial, 429 says when to come again; polls are counted for themselves."""
    enrolling.put_group("press", by_reference("ca"))
    settings = enrolling.azure.azure.settings
    chain = [root.device("press-001"), root]
    for wrong in (0, -1, 1.5, True, "1000"):
        with pytest.raises(ValueError, match="registrations_per_minute"):
            settings.changed({"registrations_per_minute": wrong})
    enrolling.azure.azure.settings = settings.changed({"registrations_per_minute": 3})
    try:
        operations = [enrolling.register(chain).json()["operationId"] for _ in range(3)]
        refused = enrolling.register(chain)
        assert refused.status == 429
        assert 5 <= int(refused.headers["Retry-After"]) <= 20
        assert str(refused.json()["errorCode"]).startswith("429")
        assert enrolling.azure.azure.registrations.entries[-1].outcome == "throttled"
        assert [enrolling.poll(chain, operations[-1]).status for _ in range(6)] == [200] * 5 + [429]
        assert enrolling.poll([root.device("press-002"), root], "4.0.none").status == 404
    finally:
        enrolling.azure.azure.settings = settings
    assert enrolling.outcome(chain)["status"] == "assigned"


def test_the_log_has_all(enrolling: Enrolling, root: Party) -> None:
    """Each step, for the control port: JSON, with the enrollment and the hub."""
    enrolling.put_group("press", by_reference("ca"))
    enrolling.assigned([root.device("press-001"), root])
    begun, ended = list(enrolling.azure.azure.registrations.entries)[-2:]
    assert (begun.outcome, begun.status, begun.enrollment) == ("assigning", 202, "group 'press'")
    assert (ended.outcome, ended.hub, ended.device, ended.operation) == ("assigned", enrolling.host("north"), "press-001", begun.operation)
    assert (ended.service, ended.subject, ended.issuer) == (enrolling.service.host, "CN=press-001", "CN=root")
    assert json.dumps(vars(ended))
