"""Injected faults: at the calls that a rule selects, before or after the effect, with the error of the service that was called."""

import gzip
import json
import re

import pytest

from local_azure_iot import faults
from local_azure_iot.faults import Rule
from tests.local_azure.in_process import ARM, DROPPED, HUB, Answer, InProcess
from tests.local_azure.makers import authority, uploaded

CODES: dict[str, object] = {
    "401": "InvalidAuthenticationToken", "403": "AuthorizationFailed", "409": 409002, "412": 412001, "429": 429001, "500": 500019,
    "503": 503001, "504": "GatewayTimeout", "404": 404008,
}  # fmt: skip
GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/plants"


def rule(azure: InProcess, spec: str) -> None:
    """Put rules in force, written as `--hostile` takes them."""
    azure.application.faults.rules.extend(faults.parse(spec))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", [*CODES, "drop"])
def test_each_fault_before_and_after_the_effect(azure: InProcess, fault: str, when: str) -> None:
    """The client sees the fault; the certificate is there only when it came after the effect; the next request is served."""
    url = f"{azure.hub()}/certificates/ca?api-version={HUB}"
    rule(azure, f"{fault}:method=PUT:path=*/certificates/ca:nth=1:when={when}")
    answer = azure.ask("PUT", url, uploaded(authority().pem))

    assert answer.status == (DROPPED if fault == "drop" else int(fault))
    assert fault == "drop" or answer.code == CODES[fault]
    assert azure.ask("GET", url).status == (200 if when == "after" else 404)
    assert [entry.fault for entry in azure.application.entries][-2:] == [fault, None]


WRONG = {
    "html": (200, "text/html; charset=utf-8"), "empty": (200, None), "foreign": (200, "application/json; charset=utf-8"),
    "truncated": (200, "application/json; charset=utf-8"), "deep": (200, "application/json; charset=utf-8"),
    "bomb": (200, "application/json; charset=utf-8"), "redirect": (302, "text/html; charset=utf-8"),
}  # fmt: skip


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", WRONG)
def test_each_wrong_answer_before_and_after_the_effect(azure: InProcess, fault: str, when: str) -> None:
    """The client gets an answer that is not Azure's, without Azure's headers; the certificate is there only if it came after the effect."""
    url = f"{azure.hub()}/certificates/ca?api-version={HUB}"
    rule(azure, f"{fault}:method=PUT:nth=1:when={when}")
    answer = azure.ask("PUT", url, uploaded(authority().pem))

    assert (answer.status, answer.headers.get("content-type")) == WRONG[fault]
    assert {"date", "content-length"} <= set(answer.headers)
    assert not [name for name in answer.headers if name.startswith("x-ms-")]
    assert azure.ask("GET", url).status == (200 if when == "after" else 404)
    entry = azure.application.entries[-2]
    assert (entry.fault, entry.effect) == (fault, 200 if when == "after" else None)


def test_what_wrong_answers_contain(azure: InProcess) -> None:
    """A login page, nothing, half of the JSON, JSON nested 100,000 deep, 255 KiB that become 256 MiB, and a redirect to a login page."""
    group = azure.group()
    rule(azure, "html:nth=1;empty:nth=1;truncated:nth=1:when=after;deep:nth=1;bomb:nth=1;redirect:nth=1")
    page, empty, truncated, deep, bomb, redirect = (azure.ask("GET", f"{group}?api-version=2021-04-01") for _ in range(6))
    followed = azure.ask("GET", redirect.headers["location"].partition("azure.com")[2])

    assert b"password" in page.body
    assert (empty.body, empty.headers["content-length"]) == (b"", "0")
    assert truncated.body.startswith(b'{"id":"/subscriptions/')
    assert int(truncated.headers["content-length"]) == len(truncated.body)
    for unreadable in (truncated, deep):
        with pytest.raises((ValueError, RecursionError)):
            unreadable.json()
    assert deep.body.count(b"[") == deep.body.count(b"]") == 100_000
    assert bomb.headers["content-encoding"] == "gzip"
    assert len(bomb.body) < 300_000
    assert gzip.decompress(bomb.body).strip(b" ") == b"{}"
    assert redirect.headers["location"] == f"https://management.azure.com/captive-portal{group}"
    assert (followed.status, followed.body) == (200, page.body)
    azure.application.faults.rules.clear()
    assert azure.ask("GET", f"/captive-portal{group}").status == 404


def test_json_of_another_kind_differs_at_each_hit(azure: InProcess) -> None:
    """First another resource of the same type, then every other kind of JSON; the seed says where it begins."""
    hub = azure.hub()
    url = f"{hub}/certificates/ca/verify?api-version={HUB}"
    rule(azure, "foreign")
    answers = [azure.ask("POST", url).json() for _ in range(11)]
    azure.application.faults.rules.clear()
    rule(azure, "foreign:seed=3")

    assert (answers[0]["id"], answers[0]["type"]) == (f"{hub}/certificates/another", "Microsoft.Devices/IotHubs/certificates")
    assert {type(answer) for answer in answers} == {dict, list, str, bool, int, type(None)}
    assert answers[10] == answers[0]
    assert len({json.dumps(answer) for answer in answers}) == 10
    assert azure.ask("POST", url).json() == answers[3]


@pytest.mark.parametrize(("path", "host", "member", "value"), [
    ("{group}", "management.azure.com", "type", "Microsoft.Resources/subscriptions/resourceGroups"),
    ("{group}/providers/Microsoft.Devices/IotHubs/x", "management.azure.com", "type", "Microsoft.Devices/IotHubs"),
    ("/devices/press-1", "x.azure-devices.net", "deviceId", "another"),
    ("/enrollmentGroups/line-7", "x.azure-devices-provisioning.net", "enrollmentGroupId", "another"),
    ("/enrollments/press-1", "x.azure-devices-provisioning.net", "registrationId", "another"),
    ("/registrations/press-1", "x.azure-devices-provisioning.net", "deviceId", "another"),
    ("/keys/ca", "x.vault.azure.net", "kid", "https://x.vault.azure.net/keys/another/0123456789abcdef0123456789abcdef"),
    ("/common/oauth2/v2.0/token", "login.microsoftonline.com", "status", "ok"),
])  # fmt: skip
def test_another_resource_is_of_the_service_that_was_asked(azure: InProcess, path: str, host: str, member: str, value: str) -> None:
    """What a cache that mixes up its answers would send."""
    rule(azure, "foreign:nth=1")

    assert azure.ask("GET", path.format(group=GROUP), host=host).json()[member] == value


DEVICES = f"{GROUP}/providers/Microsoft.Devices"
GONE = "'Microsoft.Devices/{} under resource group 'plants' was not found. "


@pytest.mark.parametrize(("host", "path", "code", "text"), [
    (ARM, "/subscriptions/11111111-1111-1111-1111-111111111111", "SubscriptionNotFound", "'11111111-1111-1111-1111-111111111111'"),
    (ARM, GROUP, "ResourceGroupNotFound", "'plants'"),
    (ARM, f"{DEVICES}/IotHubs", "ResourceGroupNotFound", "'plants'"),
    (ARM, f"{DEVICES}/IotHubs/h", "ResourceNotFound", GONE.format("IotHubs/h'")),
    (ARM, f"{DEVICES}/provisioningServices/p", "ResourceNotFound", GONE.format("provisioningServices/p'")),
    (ARM, f"{DEVICES}/IotHubs/h/certificates", "ResourceNotFound", GONE.format("IotHubs/h'")),
    (ARM, f"{DEVICES}/IotHubs/h/iothubkeys/k/listkeys", "ResourceNotFound", GONE.format("IotHubs/iothubkeys/h/k'")),
    (ARM, f"{DEVICES}/IotHubs/h/certificates/ca", 404008, "'ca'"),
    (ARM, f"{DEVICES}/provisioningServices/p/certificates/ca/verify", 404008, "'ca'"),
    (ARM, f"{GROUP}/providers/Microsoft.KeyVault/vaults", "ResourceGroupNotFound", "'plants'"),
    (ARM, f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv", "ResourceNotFound", "'Microsoft.KeyVault/vaults/kv'"),
    (ARM, f"{GROUP}/providers/Microsoft.Authorization/roleAssignments/r", "RoleAssignmentNotFound", "'r'"),
    (ARM, "/providers/Microsoft.Authorization/roleDefinitions/d", "RoleDefinitionDoesNotExist", "'d'"),
    (ARM, "/subscriptions/s/providers/Microsoft.Devices/locations/w/operationResults/o", "ResourceNotFound", "'o'"),
    ("h.azure-devices.net", "/devices/press-1", "DeviceNotFound", "'press-1'"),
    ("h.azure-devices.net", "/twins/press-1", "DeviceNotFound", "'press-1'"),
    ("h.azure-devices.net", "/devices/query", "GenericNotFound", "NotFound"),
    ("h.azure-devices.net", "/devices", "GenericNotFound", "NotFound"),
    ("h.azure-devices.net", "/digitaltwins/press-1", "DeviceNotFound", "'press-1'"),
    ("h.azure-devices.net", "/configurations/chill", "ConfigurationNotFound", "'chill'"),
    ("h.azure-devices.net", "/configurations/testQueries", "GenericNotFound", "NotFound"),
    ("h.azure-devices.net", "/jobs/v2/7/cancel", "JobNotFound", "NotFound"),
    ("h.azure-devices.net", "/jobs/7", "JobNotFound", "NotFound"),
    ("h.azure-devices.net", "/jobs/v2/query", "GenericNotFound", "NotFound"),
    ("p.azure-devices-provisioning.net", "/enrollmentGroups/line-7", 404202, "EnrollmentGroup not found"),
    ("p.azure-devices-provisioning.net", "/enrollmentGroups/line-7/attestationmechanism", 404202, "EnrollmentGroup not found"),
    ("p.azure-devices-provisioning.net", "/registrations/line-7/query", 404202, "EnrollmentGroup not found"),
    ("p.azure-devices-provisioning.net", "/enrollments/press-1", 404201, "Enrollment not found"),
    ("p.azure-devices-provisioning.net", "/registrations/press-1", 404201, "Registration not found"),
    ("p.azure-devices-provisioning.net", "/enrollments/query", 404000, "no operation"),
    ("v.vault.azure.net", "/keys/ca/7", "KeyNotFound", " ca/7 "),
    ("v.vault.azure.net", "/keys/ca/7/sign", "KeyNotFound", " ca/7 "),
    ("login.microsoftonline.com", "/common/oauth2/v2.0/token", "", ""),
])  # fmt: skip
def test_absence_is_in_the_words_of_the_service(azure: InProcess, host: str, path: str, code: object, text: str) -> None:
    """404: what the path names does not exist; a hub's is Resource Manager's own, as azure-rest-api-specs #27183 has it."""
    rule(azure, "404")
    answer = azure.ask("POST", path, host=host)

    assert answer.status == 404
    assert text in answer.body.decode()
    assert worded(answer) == str(code)


def worded(answer: Answer) -> str:
    """The error's code in any service's envelope; empty if there is none."""
    found = re.search(r'"(?:code|errorCode)":"?(\w+)|ErrorCode:(\w+)', answer.body.decode())
    return next((each for each in found.groups() if each), "") if found else ""


@pytest.mark.parametrize(("fault", "path", "host", "status", "code"), [
    ("404-service", f"{DEVICES}/IotHubs/h", ARM, 404, 404002),
    ("404-service", f"{DEVICES}/IotHubs/h/certificates/ca", ARM, 404, 404002),
    ("404-service", f"{DEVICES}/provisioningServices/p/certificates", ARM, 404, 404002),
    ("404-service", "/devices/press-1", "h.azure-devices.net", 401, "IotHubNotFound"),
    ("404-group", GROUP, ARM, 404, "ResourceGroupNotFound"),
    ("404-group", f"{DEVICES}/IotHubs/h/certificates/ca", ARM, 404, "ResourceGroupNotFound"),
    ("404-group", "/subscriptions/11111111-1111-1111-1111-111111111111", ARM, 404, "SubscriptionNotFound"),
    ("404-service", "/enrollments/press-1", "p.azure-devices-provisioning.net", 401, 401002),
    ("404-service", "/keys/ca", "v.vault.azure.net", 404, "KeyNotFound"),
    ("404-group", "/common/oauth2/v2.0/token", "login.microsoftonline.com", 404, ""),
])  # fmt: skip
def test_absence_of_what_contains_it(azure: InProcess, fault: str, path: str, host: str, status: int, code: object) -> None:
    """Whatever is asked for in a hub or group that does not exist gets that hub's or group's error."""
    rule(azure, fault)
    answer = azure.ask("GET", path, host=host)

    assert (answer.status, worded(answer)) == (status, str(code))


@pytest.mark.parametrize(("spec", "retry_after"), [
    ("429", None), ("429:retry-after=7", "7"), ("503", None), ("503:retry-after=-1", "-1"), ("429:retry-after=nan", "nan"),
    ("429:retry-after=99999999999999999999", "99999999999999999999"),
    ("503:retry-after=Wed, 21 Oct 2065 07:28:00 GMT:times=1", "Wed, 21 Oct 2065 07:28:00 GMT"),
])  # fmt: skip
def test_retry_after_is_sent_only_where_a_rule_asks_for_it(azure: InProcess, spec: str, retry_after: str | None) -> None:
    """Throttled with or without it."""
    hub = azure.hub()
    rule(azure, f"{spec}:path=*/certificates")

    assert azure.ask("GET", f"{hub}/certificates?api-version={HUB}").headers.get("retry-after") == retry_after


def test_each_service_has_its_own_errors(azure: InProcess) -> None:
    """ARM's for a group, a hub's and a provisioning service's for theirs, the latter's own at its host name, Entra's at the login."""
    paths = [azure.group(), azure.hub(), azure.hub(kind="provisioningServices")]
    rule(azure, "503")
    answers = [azure.ask("GET", f"{path}?api-version=2021-10-15") for path in paths]
    service = azure.ask("GET", "/enrollments/press-1", host="p.azure-devices-provisioning.net")
    login = azure.ask("POST", f"/{azure.azure.tokens.tenant_id}/oauth2/v2.0/token", b"a=b", host="login.windows.net")

    assert [answer.code for answer in answers] == ["ServerTimeout", 503001, 503001]
    assert [answer.json()["httpStatusCode"] for answer in answers[1:]] == [503, "ServiceUnavailable"]
    assert (service.status, service.code) == (503, 503001)
    assert (login.status, login.code) == (503, 90033)


@pytest.mark.parametrize(("spec", "hits"), [
    ("500", "xxxxxx"), ("500:nth=3", "..x..."), ("500:times=2", "xx...."),
    ("500:nth=2;500:nth=3", ".x.x.."), ("500:share=0", "......"),
    ("500:share=1", "xxxxxx"), ("500:method=put", "......"), ("500:host=*.azure-devices.net", "......"),
    ("500:path=*/RESOURCEGROUPS/*", "xxxxxx"),
])  # fmt: skip
def test_which_requests_are_hit(azure: InProcess, spec: str, hits: str) -> None:
    """The n-th, a number of them, a share, by method, host and path in any case; each rule counts the requests that reach it."""
    group = azure.group()
    rule(azure, spec)
    seen = ["x" if azure.ask("GET", f"{group}?api-version=2021-04-01").status == 500 else "." for _ in hits]

    assert "".join(seen) == hits


def test_a_share_repeats_with_its_seed(azure: InProcess) -> None:
    """The same seed hits the same requests; another seed hits others."""
    group = azure.group()

    def pattern(seed: int) -> list[int]:
        azure.application.faults.rules.clear()
        rule(azure, f"500:share=0.5:seed={seed}")
        return [azure.ask("GET", f"{group}?api-version=2021-04-01").status for _ in range(40)]

    first = pattern(7)
    assert (first == pattern(7), first == pattern(8)) == (True, False)
    assert {200, 500} == set(first)


def test_latency_waits_and_answers(azure: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a latency rule a later rule applies too, with its own wait; after every other fault none does."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("local_azure_iot.https_application.asyncio.sleep", sleep)
    group = azure.group()
    rule(azure, "latency:seconds=2:times=1;500:times=2")
    statuses = [azure.ask("GET", f"{group}?api-version=2021-04-01").status for _ in range(3)]

    assert (statuses, waited) == ([500, 500, 200], [2.0])
    assert [(each.hits, each.seconds) for each in azure.application.faults.rules] == [(1, 2.0), (2, 0.0)]


@pytest.mark.parametrize("fault", ["cut", "drip"])
def test_a_true_answer_that_is_never_complete(azure: InProcess, fault: str) -> None:
    """`cut` announces all of it and sends half; `drip` announces no length and sends a byte at a time. Both take effect."""
    url = f"{azure.hub()}/certificates/ca?api-version={HUB}"
    rule(azure, f"{fault}:method=PUT:nth=1")
    answer = azure.ask("PUT", url, uploaded(authority().pem))
    true = azure.ask("GET", url).body

    assert true.startswith(answer.body)
    assert len(answer.body) == (int(answer.headers["content-length"]) // 2 if fault == "cut" else 1)
    assert (answer.closed, "content-length" in answer.headers) == (fault == "cut", fault == "cut")
    assert (azure.application.entries[-2].fault, azure.application.entries[-2].effect) == (fault, 200)


@pytest.mark.parametrize(("written", "named"), [
    ("418", "418"),
    ("500:nth=x", "nth='x'"),
    ("500:nth=0", "nth=0"),
    ("500:share=2", "share=2"),
    ("500:share=nan", "share"),
    ("500:when=never", "never"),
    ("500:whom=me", "whom"),
    ("500:once", "once"),
    ("500:seconds=-1", "seconds"),
    ("429:retry-after=1:00:once", "once"),
    ("429:retry-after=1\r\nset-cookie x", "retry_after"),
    ({"fault": "429", "retryAfter": True}, "retry_after"),
    ({"fault": "429", "retryAfter": [1]}, "retry_after"),
    ({}, "fault"),
    ({"fault": "500", "path": 5}, "path"),
    ({"fault": "500", "nth": True}, "nth"),
    ({"fault": "500", "share": "half"}, "share"),
])  # fmt: skip
def test_an_invalid_rule_is_refused(written: str | dict[str, object], named: str) -> None:
    """Refused with the invalid part, before it is in force."""
    with pytest.raises(ValueError, match="fault") as refused:
        _ = faults.parse(written) if isinstance(written, str) else faults.from_json(written)

    assert named in str(refused.value)


def test_text_and_json_give_the_same_rule() -> None:
    """Both forms give the same rule."""
    text = faults.parse("429:method=POST:path=*/verify:times=3:retry-after=2:seconds=0.5")[0]

    assert text == Rule(fault="429", method="POST", path="*/verify", times=3, retry_after="2", seconds=0.5)
    value = {name: item for name, item in text.to_json().items() if name not in {"seen", "hits"}}
    assert faults.from_json({**value, "fault": 429}) == text
