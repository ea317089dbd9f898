"""A kill at every call of a proof, refusals, and invalid answers: the next run converges, or one line says what to do.

Temporary faults at every call of every operation are tested in `tests/faults`.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from tests.kit.local_azure import Hub
from tests.kit.provider_process import CallFailedError, Provider, ProviderProcess
from tests.kit.relay import Fault, Relay
from tests.kit.root_authority import RootAuthority

CALLS = ("GET", "PUT", "generate", "verify")
STALE = {"code": 412001, "httpStatusCode": 412, "message": "Invalid ETag supplied."}
FAULTS = {
    "412": Fault("status", 412, STALE),
    "409 busy": Fault("status", 409, {"code": 409002, "httpStatusCode": 409, "message": "hub is not currently in Active state."}),
    "429": Fault("status", 429),
    "503": Fault("status", 503),
    "role spreading": Fault("status", 403, {"error": {"code": "AuthorizationFailed", "message": "It may not."}}),
    "dropped before": Fault("drop-before"),
    "dropped after": Fault("drop-after"),
}


@pytest.mark.parametrize("call", range(4), ids=CALLS)
def test_a_403_from_a_new_role_is_retried(provider: Provider, hub: Hub, relay: Relay, call: int) -> None:
    """A single 403 at any call still ends in a proven certificate, in the same run, with a few more calls."""
    relay.clear({call: FAULTS["role spreading"]})
    created = provider.create(RootAuthority().declared(hub, relay))
    assert (created.outs["state"], created.outs["proof"]) == ("verified", "possession")
    assert hub.verified() == {created.outs["certificateName"]: True}
    assert len(relay.calls) <= 8


@pytest.mark.parametrize("effect", ["before", "after"])
@pytest.mark.parametrize("call", range(4), ids=CALLS)
def test_the_next_run_continues_after_a_kill_at_any_call(
    environment: dict[str, str], hub: Hub, relay: Relay, killed_create: Callable[..., None], call: int, effect: str
) -> None:
    """Kill -9 of the provider while a call is under way, before or after its effect: the next run proves the one certificate.

    What the dead run proved nobody can show: no state has the code and the proof.
    """
    news = RootAuthority().declared(hub, relay)
    killed_create(news, {call: Fault(f"hold-{effect}")})
    with ProviderProcess(environment) as next_run:
        created = next_run.of(VerifiedCertificateProvider).create(news)
    proof = "key-held" if (CALLS[call], effect) == ("verify", "after") else "possession"
    assert (created.outs["proof"], hub.verified()) == (proof, {created.outs["certificateName"]: True})
    assert len(relay.calls) <= 4


def fails(provider: Provider, news: dict[str, Any]) -> str:
    """The error of a create that must fail; the name of its class is not in it."""
    text = provider.create_error(news)
    assert not re.match(r"[\w.]*(Error|Exception)\b", text)
    return text


def always(fault: Fault) -> dict[int, Fault]:
    return dict.fromkeys(range(200), fault)


def test_a_lasting_403_is_reported_after_the_deadline(provider: Provider, hub: Hub, relay: Relay) -> None:
    """A lasting 403 is reported after the deadline with Azure's words and the role to assign, and nothing is left behind."""
    relay.clear(always(FAULTS["role spreading"]))
    text = fails(provider, RootAuthority().declared(hub, relay, deadline=2))
    assert re.search(r"Azure answers 403 AuthorizationFailed: It may not \(tried \d+ times in", text)  # how often depends on the machine
    assert "give this identity the role that allows it" in text
    assert hub.certificates() == {}


def test_a_busy_hub_is_reported_after_the_deadline(provider: Provider, hub: Hub, relay: Relay) -> None:
    """A hub that is not active before the deadline is reported."""
    relay.clear(always(FAULTS["409 busy"]))
    assert "409002: hub is not currently in Active state" in fails(provider, RootAuthority().declared(hub, relay, deadline=1))


def test_an_etag_that_always_changes_is_reported(provider: Provider, hub: Hub, relay: Relay) -> None:
    """Another client writes between all our calls: after a few attempts this is reported."""
    relay.clear(dict.fromkeys(range(1, 200), FAULTS["412"]))
    relay.faults = dict.fromkeys(range(1, 200, 2), FAULTS["412"])
    assert "412001: Invalid ETag supplied; run again" in fails(provider, RootAuthority().declared(hub, relay, deadline=2))


def test_the_next_run_proves_after_a_rejected_proof(provider: Provider, hub: Hub, relay: Relay) -> None:
    """Azure rejects the proof: the error has its words and what to do; the next run asks for a new code and is accepted."""
    news = RootAuthority().declared(hub, relay)
    refused = {"code": 400053, "httpStatusCode": 400, "message": "Proof-Of-Possession failed."}
    relay.clear({3: Fault("status", 400, refused, {"Date": "Mon, 09 Oct 2023 19:12:05 GMT"})})
    text = fails(provider, news)
    assert "the proof was rejected: Azure answers 400 400053: Proof-Of-Possession failed; check that the key belongs" in text
    relay.clear()
    assert provider.create(news).outs["state"] == "verified"
    assert relay.steps == ["GET", "generate", "verify"]


def test_a_clock_difference_is_reported(provider: Provider, hub: Hub, relay: Relay) -> None:
    """Azure's clock differs from ours by years here: proofs are dated by Azure's, and a rejection says by how much it differs."""
    authority = RootAuthority()
    news = authority.declared(hub, relay)
    unproven = shown(hub, authority)
    early = {"Date": "Mon, 09 Oct 2023 19:12:05 GMT"}
    code = shown(hub, authority, verificationCode="AB" * 24)
    refused = {"code": 400053, "httpStatusCode": 400, "message": "Proof-Of-Possession failed."}
    recent = {"Date": (datetime.now(UTC) - timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")}
    faults = [Fault("status", 200, unproven, early), Fault("status", 200, code, recent), Fault("status", 400, refused)]
    relay.clear(dict(enumerate(faults)))
    assert "(this machine's clock is 60 minutes ahead of Azure's)" in fails(provider, news)


def test_a_full_quota_names_the_certificates(provider: Provider, hub: Hub, relay: Relay) -> None:
    """The 26th certificate: the error says that there are 25, and names them."""
    for number in range(25):
        hub.put(f"old-{number:02}", RootAuthority().pem)
    text = fails(provider, RootAuthority().declared(hub, relay))
    assert "there are 25 certificates already and Azure allows 25: old-00, old-01," in text
    assert "delete one that no device needs any more" in text


def test_another_refusal_has_azures_words(provider: Provider, hub: Hub, relay: Relay) -> None:
    """A certificate that Azure rejects for another reason than the quota: the error has Azure's words."""
    relay.clear({1: Fault("status", 400, {"code": 400010, "httpStatusCode": 400, "message": "No."})})
    assert "Azure answers 400 400010: No; correct the input that Azure names" in fails(provider, RootAuthority().declared(hub, relay))


@pytest.mark.parametrize("call", range(4))
@pytest.mark.parametrize("lie", [{"name": "x", "etag": "e", "properties": {"isVerified": False}}, {}, "Please log in"])
def test_an_answer_that_is_not_azures_is_asked_for_again(provider: Provider, hub: Hub, relay: Relay, call: int, lie: object) -> None:
    """A 200 that is not the asked certificate, or has no code: the request is sent again, and the same run ends proven."""
    relay.clear({call: Fault("status", 200, lie)})
    created = provider.create(RootAuthority().declared(hub, relay))
    assert (created.outs["proof"], hub.verified()) == ("possession", {created.outs["certificateName"]: True})
    assert len(relay.steps) == 5


def test_a_proof_that_changes_nothing_is_an_error(provider: Provider, hub: Hub, relay: Relay) -> None:
    """The service accepts the proof and still shows the certificate as unverified: an error, and the next run asks for a new code."""
    authority = RootAuthority()
    news = authority.declared(hub, relay)
    relay.clear({3: Fault("status", 200, shown(hub, authority))})
    assert "accepted the proof and still reports the certificate as unverified" in fails(provider, news)
    relay.clear()
    assert provider.create(news).outs["state"] == "verified"


def shown(hub: Hub, authority: RootAuthority, **properties: Any) -> dict[str, Any]:
    """The authority's certificate as Azure shows it before it is verified."""
    name = f"plant-a-g1-{authority.thumbprint[:8].lower()}"
    unproven = {"thumbprint": authority.thumbprint, "isVerified": False, **properties}
    return {"id": f"{hub.id}/certificates/{name}", "name": name, "etag": "e", "properties": unproven}


def test_a_missing_hub_is_reported(provider: Provider, hub: Hub, relay: Relay) -> None:
    """A hub that does not exist (deleted or misspelt) is reported after a short wait."""
    text = fails(provider, RootAuthority().declared(hub, relay, serviceId=f"{hub.id}-none", deadline=1))
    assert "Azure answers 404" in text
    assert "check the subscription and the name" in text


def test_a_wrong_subscription_does_not_count_as_deleted(provider: Provider, hub: Hub, relay: Relay) -> None:
    """404 because the subscription is wrong must not drop the certificate from the state."""
    created = provider.create(RootAuthority().declared(hub, relay))
    relay.clear(
        always(Fault("status", 404, {"error": {"code": "SubscriptionNotFound", "message": "The subscription could not be found."}}))
    )
    with pytest.raises(CallFailedError, match="check the subscription id and the tenant of the login"):
        provider.read(created)


def test_a_wrong_client_secret_is_reported(hub: Hub, relay: Relay, relay_and_roots: Any) -> None:
    """Wrong credentials are reported in one line with what to do, and are never in the message."""
    environment = hub.azure.environment | {"AZURE_CLIENT_SECRET": "wrong-and-hush", "REQUESTS_CA_BUNDLE": str(relay_and_roots[1])}
    with ProviderProcess(environment) as process:
        text = fails(process.of(VerifiedCertificateProvider), RootAuthority().declared(hub, relay))
    assert "check the tenant, the client id and the secret or federated credential that this login uses: Azure refuses them" in text
    assert "hush" not in text
    assert process.error_output == "", "azure-identity's own warnings would only repeat it"


def test_a_certificate_deleted_meanwhile_counts_as_deleted(provider: Provider, hub: Hub, relay: Relay) -> None:
    """The certificate was deleted by somebody else meanwhile: delete succeeds when the list and three more reads confirm it."""
    created = provider.create(RootAuthority().declared(hub, relay))
    hub.delete(created.outs["certificateName"])
    relay.clear({0: FAULTS["412"]})
    provider.delete(created)
    assert relay.steps == ["DELETE", *["GET"] * 6]
    assert [call.path.endswith("/certificates") for call in relay.calls[1:]] == [False, True, False, False, False, True]


def test_temporary_faults_during_delete_are_retried(provider: Provider, hub: Hub, relay: Relay) -> None:
    """Delete with a changed etag, a dropped response or a throttle: the certificate is deleted in one run."""
    for fault in ("412", "dropped before", "dropped after", "429", "503"):
        created = provider.create(RootAuthority().declared(hub, relay))
        relay.clear({0: FAULTS[fault]})
        provider.delete(created)
        assert hub.certificates() == {}


def test_a_run_prints_no_line_of_a_library(environment: dict[str, str], hub: Hub, relay: Relay) -> None:
    """Requests that are tried again, and a login that is refused: the user sees our own line about a long wait, and no raw log line."""
    news = RootAuthority().declared(hub, relay)
    relay.clear(dict.fromkeys(range(4), FAULTS["dropped before"]))
    with ProviderProcess(environment) as process:
        assert process.of(VerifiedCertificateProvider).create(news).outs["proof"] == "possession"
    (line,) = process.printed.splitlines()
    assert re.fullmatch(
        r"certificate '[^']*' on IoT hub '[^']*': the connection was closed before an answer came; trying again for .* s", line
    )
    assert process.error_output == ""
