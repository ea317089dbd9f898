"""Injected faults: at the calls that a rule selects, before or after the effect, with the error of the service that was called."""

import pytest

from sandbox.azure import faults
from sandbox.azure.faults import Rule
from tests.local_azure.in_process import DROPPED, HUB, InProcess
from tests.local_azure.makers import authority, uploaded

CODES: dict[str, object] = {
    "401": "InvalidAuthenticationToken", "403": "AuthorizationFailed", "409": 409002, "412": 412001, "429": 429001, "500": 500019,
    "503": 503001, "504": "GatewayTimeout",
}  # fmt: skip


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


@pytest.mark.parametrize(("spec", "retry_after"), [("429", None), ("429:retry-after=7", "7"), ("503", None)])
def test_retry_after_is_sent_only_where_a_rule_asks_for_it(azure: InProcess, spec: str, retry_after: str | None) -> None:
    """Throttled with or without it."""
    hub = azure.hub()
    rule(azure, f"{spec}:path=*/certificates")

    assert azure.ask("GET", f"{hub}/certificates?api-version={HUB}").headers.get("retry-after") == retry_after


def test_each_service_has_its_own_errors(azure: InProcess) -> None:
    """ARM's for a group, a hub's and a provisioning service's for theirs, Entra's at the login."""
    paths = [azure.group(), azure.hub(), azure.hub(kind="provisioningServices")]
    rule(azure, "503")
    answers = [azure.ask("GET", f"{path}?api-version=2021-10-15") for path in paths]
    login = azure.ask("POST", f"/{azure.azure.tokens.tenant_id}/oauth2/v2.0/token", b"a=b", host="login.windows.net")

    assert [answer.code for answer in answers] == ["ServerTimeout", 503001, 503001]
    assert [answer.json()["httpStatusCode"] for answer in answers[1:]] == [503, "ServiceUnavailable"]
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

    monkeypatch.setattr("sandbox.azure.https_application.asyncio.sleep", sleep)
    group = azure.group()
    rule(azure, "latency:seconds=2:times=1;500:times=2")
    statuses = [azure.ask("GET", f"{group}?api-version=2021-04-01").status for _ in range(3)]

    assert (statuses, waited) == ([500, 500, 200], [2.0])
    assert [(each.hits, each.seconds) for each in azure.application.faults.rules] == [(1, 2.0), (2, 0.0)]


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

    assert text == Rule(fault="429", method="POST", path="*/verify", times=3, retry_after=2, seconds=0.5)
    value = {name: item for name, item in text.to_json().items() if name not in {"seen", "hits"}}
    assert faults.from_json({**value, "fault": 429}) == text
