"""What `proof` says is what is known: possession only with its evidence, and never after one look at a certificate that others changed."""

import re
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from hubtrust import signer_inputs
from hubtrust.azure.certificates import RegisteredCertificate
from hubtrust.certificates import verification
from hubtrust.commit import program_commit
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from tests.kit.local_azure import Hub, LocalAzure
from tests.kit.provider_process import CallFailedError, Provider, ProviderProcess, ResourceState
from tests.kit.relay import Fault, Relay
from tests.kit.root_authority import RootAuthority

OFFLINE = signer_inputs.offline()
EVIDENCE = {"provenCode", "provenBy", "provenEtag", "provenAt", "proofs"}


@pytest.fixture
def authority() -> RootAuthority:
    """An authority of the test's own."""
    return RootAuthority()


def refreshed(provider: Provider, state: ResourceState) -> ResourceState:
    """The state after a refresh that must find the resource."""
    found = provider.read(state)
    assert found is not None
    return found


def attested_by_hand(hub: Hub, state: ResourceState, authority: RootAuthority) -> str:
    """Somebody marks the certificate as verified, in the portal or with az; returns its new etag."""
    etag: str = hub.put(state.outs["certificateName"], authority.pem, isVerified=True)["etag"]
    return etag


def of_an_earlier_version(state: ResourceState) -> ResourceState:
    """The state as versions wrote it that kept no evidence."""
    return ResourceState(state.id, {name: value for name, value in state.outs.items() if name not in EVIDENCE | {"codeEtag"}}, state.inputs)


def test_possession_comes_with_its_evidence(provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay) -> None:
    """Azure's code, the proof that it accepted, the etag of its answer and the time, in the state; a refresh keeps all of it."""
    created = provider.create(authority.declared(hub, relay))
    outs = created.outs
    assert outs["proof"] == "possession"
    assert re.fullmatch(r"[0-9A-F]{48}", outs["provenCode"])
    assert authority.signed(outs["provenBy"], outs["provenCode"])
    assert outs["provenEtag"] == outs["etag"] == hub.certificates()[outs["certificateName"]]["etag"]
    assert abs(datetime.fromisoformat(outs["provenAt"]) - datetime.now(UTC)) < timedelta(minutes=5)
    assert refreshed(provider, created).outs == outs


def test_every_accepted_proof_is_kept_with_who_sent_it(
    provider: Provider, azure: LocalAzure, authority: RootAuthority, hub: Hub, relay: Relay
) -> None:
    """The oldest first: a second proof is added to the first. Ids are Azure's, the deployer is the token's, the commit the program's."""
    news = authority.declared(hub, relay)
    created = provider.create(news)
    again = provider.update(created, news | {"reprove": created.outs["etag"]})
    first, second = again.outs["proofs"]
    assert [first] == created.outs["proofs"]
    claims = jwt.decode(azure.token["Authorization"].removeprefix("Bearer "), options={"verify_signature": False})
    for proof, state in ((first, created), (second, again)):
        shown = ("code", "proof", "etag", "acceptedAt")
        assert [proof[name] for name in shown] == [state.outs[name] for name in ("provenCode", "provenBy", "provenEtag", "provenAt")]
        assert proof["deployedBy"] == {"objectId": claims["oid"], "tenantId": claims["tid"]}
        assert uuid.UUID(proof["requestId"]) != uuid.UUID(proof["correlationId"])
        assert proof["commit"] == program_commit()
    assert provider.diff(again, news).changes is False
    assert refreshed(provider, again).outs["proofs"] == [first, second]
    assert provider.update(again, news | {"deadline": 30}).outs["proofs"] == [first, second]


def test_one_proof_of_an_earlier_version_counts_as_one_without_ids(
    provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay
) -> None:
    """Its state is no reason for a run; the next change adds what it recorded, and a proof after that comes behind it."""
    news = authority.declared(hub, relay)
    created = provider.create(news)
    old = ResourceState(created.id, {name: value for name, value in created.outs.items() if name != "proofs"}, created.inputs)
    assert provider.diff(old, news).changes is False
    assert "proofs" not in refreshed(provider, old).outs
    first, second = provider.update(old, news | {"reprove": created.outs["etag"]}).outs["proofs"]
    unknown = dict.fromkeys(("requestId", "correlationId", "deployedBy", "commit"))
    assert first == created.outs["proofs"][0] | unknown
    assert second["requestId"]


def test_a_certificate_that_takes_the_place_of_another_names_it(
    provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay
) -> None:
    """`adopt` consents to it; afterwards only this output says what was there before."""
    other = RootAuthority("Somebody else")
    hub.put("fixed", other.pem, isVerified=True)
    created = provider.create(authority.declared(hub, relay, certificateName="fixed", adopt=[other.thumbprint]))
    assert (created.outs["adopted"], created.outs["proof"]) == ([other.thumbprint], "possession")
    assert provider.update(created, authority.declared(hub, relay, certificateName="fixed")).outs["adopted"] == [other.thumbprint]


@pytest.mark.parametrize(("signer", "proof"), [("state", "key-held"), ("offline", "found")])
def test_reattested_by_hand_is_not_possession(
    environment: dict[str, str], authority: RootAuthority, hub: Hub, relay: Relay, signer: str, proof: str
) -> None:
    """Proven, then un-verified and attested by hand: a refresh and an `up` say what is left, with a warning that has the remedy."""
    given = {"signer": OFFLINE} if signer == "offline" else {}
    with ProviderProcess(environment) as process:
        provider = process.of(VerifiedCertificateProvider)
        created = provider.create(authority.declared(hub, relay, **given))
        if given:
            answer = {"proofCertificate": authority.proof(created.outs["code"])}
            created = provider.update(created, created.inputs | answer)
        assert created.outs["proof"] == "possession"
        hub.put(created.outs["certificateName"], authority.pem)
        etag = attested_by_hand(hub, created, authority)
        after = refreshed(provider, created)
        assert (after.outs["state"], after.outs["proof"], after.outs["etag"]) == ("verified", proof, etag)
        news = authority.declared(hub, relay, **given)
        assert provider.up(created, news).outs["proof"] == proof
        assert provider.update(after, news).outs["proof"] == proof
        assert provider.update(created, news).outs["proof"] == proof, "without a refresh before it"
        assert refreshed(provider, after).outs["proof"] == proof
    assert hub.verified() == {created.outs["certificateName"]: True}
    assert created.outs["etag"] in process.printed
    assert f"set reprove to '{etag}'" in process.printed


def test_evidence_counts_again_once_the_etag_is_read_again(provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay) -> None:
    """One answer with another etag degrades the proof; the next true answer restores it, because the evidence is kept."""
    news = authority.declared(hub, relay)
    created = provider.create(news)
    found = hub.certificates()[created.outs["certificateName"]]
    relay.clear({0: Fault("status", 200, found | {"etag": "another"})})
    once = refreshed(provider, created)
    assert once.outs["proof"] == "key-held"
    assert provider.up(once, news).outs == created.outs


@pytest.mark.parametrize("lie", [{"isVerified": False}, {"thumbprint": "AB" * 20}], ids=["not verified", "another certificate"])
def test_one_answer_that_contradicts_its_etag_costs_no_verification(
    provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay, lie: dict[str, Any]
) -> None:
    """Every change gives another etag. An answer with the known etag that shows something else is asked again, not acted upon."""
    news = authority.declared(hub, relay)
    created = provider.create(news)
    found = hub.certificates()[created.outs["certificateName"]]
    wrong = {0: Fault("status", 200, found | {"properties": found["properties"] | lie})}
    relay.clear(dict(wrong))
    assert refreshed(provider, created).outs == created.outs
    assert relay.steps == ["GET", "GET"]
    relay.clear(dict(wrong))
    assert provider.update(created, news | {"deadline": 30}).outs == created.outs | {"deadline": 30}
    assert relay.steps == ["GET", "GET"]
    assert hub.certificates()[created.outs["certificateName"]] == found


def test_a_contradiction_that_lasts_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked again as often as an absence; a certificate that changed, and one that is as it was, are not asked again."""
    monkeypatch.setattr(verification, "ABSENCE_WAITS", (0.0,) * 3)
    verified, waiting = (verification.LastRun("E1", state, thumbprint="AB") for state in ("verified", "waiting"))
    for last_run, etag, is_verified, times in (
        (verified, "E1", False, 4),
        (verified, "E2", False, 1),
        (verified, "E1", True, 1),
        (waiting, "E1", True, 4),
        (waiting, "E1", False, 1),
        (None, "E1", True, 1),
    ):
        answer = RegisteredCertificate("ca", etag, "AB", is_verified, None, datetime.now(UTC))
        answers = [answer] * 9
        assert verification.settled(answers.pop, last_run) is answer
        assert 9 - len(answers) == times


def test_a_certificate_of_the_same_thumbprint_is_not_ours_to_call_proven(
    provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay
) -> None:
    """Verified before this stack: with the key it is `key-held`, without it `found`; finding the key later proves nothing to Azure."""
    hub.put("portal-made", authority.pem, isVerified=True)
    held = authority.declared(hub, relay, certificateName="portal-made")
    created = provider.create(held | {"signer": OFFLINE})
    assert (created.outs["state"], created.outs["proof"], EVIDENCE & created.outs.keys()) == ("verified", "found", set())
    assert provider.diff(created, held).changes is True
    relay.clear()
    after = provider.up(created, held)
    assert (after.outs["proof"], EVIDENCE & after.outs.keys(), relay.steps) == ("key-held", set(), ["GET", "GET"])
    assert provider.diff(after, held).changes is False
    relay.clear()
    assert (provider.create(held).outs["proof"], relay.steps) == ("key-held", ["GET"]), "it is taken over without a gap"
    kept = provider.up(after, held | {"signer": OFFLINE})
    assert kept.outs["proof"] == "key-held", "a local signature has shown it; that the key went offline later does not undo it"


@pytest.mark.parametrize("back", ["put back and verified by hand", "put back by hand, then proven here"])
def test_replaced_and_restored_is_not_possession(provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay, back: str) -> None:
    """Another certificate took the name, and ours came back by hand: only a proof of this stack makes it `possession` again."""
    news = authority.declared(hub, relay)
    created = provider.create(news)
    name = created.outs["certificateName"]
    hub.put(name, RootAuthority("Somebody else").pem, isVerified=True)
    replaced = refreshed(provider, created)
    assert (replaced.outs["state"], "proof" in replaced.outs) == ("replaced", False)
    by_hand = back == "put back and verified by hand"
    hub.put(name, authority.pem, **({"isVerified": True} if by_hand else {}))
    after = provider.up(replaced, news)
    assert after.outs["proof"] == ("key-held" if by_hand else "possession")
    assert (after.outs["provenEtag"] == after.outs["etag"]) is not by_hand


def test_a_declared_certificate_that_changes_brings_no_proof_with_it(provider: Provider, hub: Hub, relay: Relay) -> None:
    """Under a declared name another certificate is declared, which somebody put there already: nothing is known about its key."""
    old, new = RootAuthority(), RootAuthority("Plant B")
    hub.put("fixed", old.pem, isVerified=True)
    created = provider.create(old.declared(hub, relay, certificateName="fixed"))
    assert created.outs["proof"] == "key-held"
    hub.put("fixed", new.pem, isVerified=True)
    changed = provider.up(created, new.declared(hub, relay, certificateName="fixed", signer=OFFLINE))
    assert changed.outs["proof"] == "found"


def test_a_state_of_an_earlier_version_keeps_possession_while_its_etag_is_unchanged(
    provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay
) -> None:
    """It has no evidence but the etag of its last run: `possession` ends with that etag."""
    news = authority.declared(hub, relay)
    created = provider.create(news)
    old = of_an_earlier_version(created)
    assert provider.diff(old, news).changes is False
    read = refreshed(provider, old)
    assert (read.outs["proof"], read.outs["provenEtag"], "provenCode" in read.outs) == ("possession", created.outs["etag"], False)
    assert provider.update(old, news | {"deadline": 30}).outs["proof"] == "possession"
    attested_by_hand(hub, created, authority)
    for state in (old, read):
        assert refreshed(provider, state).outs["proof"] == "key-held"
        assert provider.update(state, news).outs["proof"] == "key-held"


def test_a_waiting_state_of_an_earlier_version_is_continued(provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay) -> None:
    """Its code is valid with its etag, as it was."""
    waiting = of_an_earlier_version(provider.create(authority.declared(hub, relay, signer=OFFLINE)))
    code = waiting.outs["code"]
    read = refreshed(provider, waiting)
    assert read.outs["code"] == code
    for state in (waiting, read):
        again = provider.update(state, state.inputs)
        assert (again.outs["code"], again.outs["state"]) == (code, "waiting")
    proven = provider.update(waiting, waiting.inputs | {"proofCertificate": authority.proof(code)})
    assert (proven.outs["proof"], proven.outs["provenCode"]) == ("possession", code)


def test_a_lost_verify_is_concluded_in_the_same_process(provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay) -> None:
    """Azure accepted the proof and its answer was lost: the next read shows it verified, and its etag is the evidence."""
    relay.clear({3: Fault("drop-after")})
    created = provider.create(authority.declared(hub, relay))
    assert relay.steps == ["GET", "PUT", "generate", "verify", "verify", "GET"]
    assert (created.outs["proof"], created.outs["provenEtag"]) == (
        "possession",
        hub.certificates()[created.outs["certificateName"]]["etag"],
    )
    assert authority.signed(created.outs["provenBy"], created.outs["provenCode"])
    (proof,) = created.outs["proofs"]
    assert (proof["etag"], proof["requestId"], proof["correlationId"]) == (created.outs["etag"], None, None)
    assert proof["deployedBy"], "the same login sent the proof and read the certificate"


@pytest.mark.parametrize("moment", ["after", "before"])
def test_a_verify_without_any_answer_is_looked_up(
    provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay, moment: str
) -> None:
    """Every answer to the proof is lost: the certificate itself shows whether it was accepted, before the run fails."""
    relay.clear(dict.fromkeys(range(100), Fault(f"drop-{moment}", step="verify")))
    news = authority.declared(hub, relay, deadline=1)
    if moment == "after":
        created = provider.create(news)
        assert (created.outs["proof"], created.outs["provenEtag"]) == ("possession", created.outs["etag"])
        assert authority.signed(created.outs["provenBy"], created.outs["provenCode"])
    else:
        with pytest.raises(CallFailedError, match="the connection was closed before an answer came"):
            provider.create(news)
    assert hub.verified() == {f"plant-a-g1-{authority.thumbprint[:8].lower()}": moment == "after"}


def test_a_verify_that_was_refused_is_not_a_lost_one(provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay) -> None:
    """Somebody attests the certificate between our code and our proof: Azure refuses the proof, so nothing was proven."""
    relay.clear({3: Fault("pause-before")})
    news = authority.declared(hub, relay)
    name = f"plant-a-g1-{authority.thumbprint[:8].lower()}"
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(provider.create, news)
        assert relay.held.wait(120)
        hub.put(name, authority.pem, isVerified=True)
        relay.released.set()
        outs = running.result().outs
    assert (outs["state"], outs["proof"], EVIDENCE & outs.keys()) == ("verified", "key-held", set())


def test_a_killed_first_create_claims_no_more_than_it_can_show(
    environment: dict[str, str], authority: RootAuthority, hub: Hub, relay: Relay, killed_create: Callable[..., None]
) -> None:
    """Killed after Azure accepted the proof: no state has the code, so the next run shows the key and says `key-held`."""
    news = authority.declared(hub, relay)
    killed_create(news, {3: Fault("hold-after")})
    with ProviderProcess(environment) as next_run:
        provider = next_run.of(VerifiedCertificateProvider)
        created = provider.create(news)
        assert (created.outs["state"], created.outs["proof"], relay.steps) == ("verified", "key-held", ["GET"])
        reproven = provider.up(created, news | {"reprove": created.outs["etag"]})
    assert (reproven.outs["proof"], reproven.outs["provenEtag"]) == ("possession", reproven.outs["etag"])
    assert f"set reprove to '{created.outs['etag']}'" in next_run.printed


def test_proving_again_holds_once(provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay) -> None:
    """`reprove` names the etag that it is for: it proves once, and left in the settings it does nothing to any later state."""
    hub.put("portal-made", authority.pem, isVerified=True)
    held = authority.declared(hub, relay, certificateName="portal-made")
    created = provider.create(held | {"reprove": "an-earlier-one"})
    assert created.outs["proof"] == "key-held"
    assert provider.diff(created, held | {"reprove": "an-earlier-one"}).changes is False
    asked = held | {"reprove": created.outs["etag"]}
    assert (provider.diff(created, asked).changes, provider.diff(created, asked).replaces) == (True, [])
    relay.clear()
    proven = provider.update(created, asked)
    assert (relay.steps, proven.outs["proof"], hub.verified()) == (["GET", "generate", "verify"], "possession", {"portal-made": True})
    assert provider.diff(proven, asked).changes is False
    relay.clear()
    assert provider.up(proven, asked).outs == proven.outs
    assert relay.steps == ["GET"]
    etag = attested_by_hand(hub, proven, authority)
    again = provider.up(proven, asked)
    assert (again.outs["proof"], again.outs["etag"]) == ("key-held", etag), "it consented to another state than this one"


def test_proving_again_a_proven_certificate(provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay) -> None:
    """A state without evidence, or one that nobody trusts any more, is proven again on request."""
    created = of_an_earlier_version(provider.create(authority.declared(hub, relay)))
    asked = authority.declared(hub, relay, reprove=created.outs["etag"])
    assert provider.diff(created, asked).changes is True
    proven = provider.update(created, asked)
    assert (proven.outs["proof"], proven.outs["provenEtag"] != created.outs["etag"]) == ("possession", True)


def test_proving_again_offline_starts_a_ceremony(environment: dict[str, str], authority: RootAuthority, hub: Hub, relay: Relay) -> None:
    """The code that `reprove` asks for takes the verification away until its proof is there; the message says so."""
    hub.put("portal-made", authority.pem, isVerified=True)
    news = authority.declared(hub, relay, certificateName="portal-made", signer=OFFLINE)
    with ProviderProcess(environment) as process:
        provider = process.of(VerifiedCertificateProvider)
        created = provider.create(news)
        waiting = provider.update(created, news | {"reprove": created.outs["etag"]})
        assert (waiting.outs["state"], hub.verified()) == ("waiting", {"portal-made": False})
        assert waiting.outs["code"] in waiting.outs["ceremony"]
        proven = provider.update(waiting, news | {"proofCertificate": authority.proof(waiting.outs["code"])})
    assert (proven.outs["proof"], hub.verified()) == ("possession", {"portal-made": True})
    assert "removes its verification until the proof is there" in process.printed


def test_reprove_needs_something_to_prove_with(provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay) -> None:
    """With `attest` nothing is proven, so the two contradict each other; an empty value names nothing."""
    ((_, reason),) = provider.check(authority.declared(hub, relay, attest=True, reprove="E")).failures
    assert re.search(r"reprove: attest is set.*remove one of them", reason)
    ((_, reason),) = provider.check(authority.declared(hub, relay, reprove=" ")).failures
    assert "use the etag" in reason


def test_attest_that_is_removed_is_never_possession_by_itself(provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay) -> None:
    """Under a declared name the key is found here; Azure is asked for a code only with `reprove`, because devices are cut off meanwhile."""
    attested = authority.declared(hub, relay, certificateName="fixed", attest=True, signer=None)
    created = provider.create(attested)
    assert created.outs["proof"] == "attestation"
    hub.put("fixed", authority.pem)
    unverified = refreshed(provider, created)
    attested_by_hand(hub, created, authority)
    for before in (created, unverified, refreshed(provider, unverified)):
        after = provider.up(before, authority.declared(hub, relay, certificateName="fixed"))
        assert (after.outs["proof"], EVIDENCE & after.outs.keys()) == ("key-held", set())
    proven = provider.up(after, authority.declared(hub, relay, certificateName="fixed", reprove=after.outs["etag"]))
    assert (proven.outs["proof"], hub.verified()) == ("possession", {"fixed": True})


def test_attest_beside_evidence_does_not_lose_it(provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay) -> None:
    """`attest` set on a proven certificate and removed again: the certificate did not change, and neither did what is known of it."""
    news = authority.declared(hub, relay, certificateName="fixed")
    created = provider.create(news)
    attested = provider.up(created, news | {"attest": True})
    assert attested.outs["proof"] == "possession"
    relay.clear()
    assert provider.up(attested, news).outs["proof"] == "possession"
    assert set(relay.steps) == {"GET"}


def test_a_dead_ceremony_is_concluded_in_a_later_run(environment: dict[str, str], authority: RootAuthority, hub: Hub, relay: Relay) -> None:
    """The run was killed after Azure accepted the offline proof: the state's code, the given proof and the certificate conclude it."""
    with ProviderProcess(environment) as dying:
        provider = dying.of(VerifiedCertificateProvider)
        waiting = provider.create(authority.declared(hub, relay, signer=OFFLINE))
        answered = waiting.inputs | {"proofCertificate": authority.proof(waiting.outs["code"])}
        relay.clear({1: Fault("hold-after")})
        request = provider.request("Update", olds=waiting.outs, news=answered)
        request.id = waiting.id
        running = dying.stub.Update.future(request)
        assert relay.held.wait(120)
        dying.process.kill()
        assert running.exception() is not None
    relay.released.set()
    relay.clear()
    etag = hub.certificates()[waiting.outs["certificateName"]]["etag"]
    with ProviderProcess(environment) as next_run:
        provider = next_run.of(VerifiedCertificateProvider)
        for state in (waiting, refreshed(provider, waiting)):
            assert provider.diff(state, answered).changes is True
            proven = provider.update(state, answered)
            assert (proven.outs["state"], proven.outs["proof"], proven.outs["provenEtag"]) == ("verified", "possession", etag)
            assert (proven.outs["provenCode"], proven.outs["provenBy"]) == (waiting.outs["code"], answered["proofCertificate"])
            assert "ceremony" not in proven.outs
            assert [proven.outs["proofs"][0][name] for name in ("requestId", "deployedBy", "commit")] == [None] * 3, "another run sent it"
            assert provider.diff(proven, answered).changes is False


def test_a_hand_made_verification_does_not_end_a_ceremony(
    environment: dict[str, str], authority: RootAuthority, hub: Hub, relay: Relay
) -> None:
    """Somebody marks the waiting certificate as verified: every run still asks for its proof, and says what happened."""
    with ProviderProcess(environment) as process:
        provider = process.of(VerifiedCertificateProvider)
        waiting = provider.create(authority.declared(hub, relay, signer=OFFLINE))
        etag = attested_by_hand(hub, waiting, authority)
        read = refreshed(provider, waiting)
        for state in (read, provider.update(waiting, waiting.inputs), provider.up(read, waiting.inputs), refreshed(provider, read)):
            assert (state.outs["state"], state.outs["proof"], state.outs["code"]) == ("verified", "found", waiting.outs["code"])
            assert waiting.outs["code"] in state.outs["ceremony"]
            assert provider.diff(state, waiting.inputs).changes is True
        late = provider.up(state, waiting.inputs)
        answered = waiting.inputs | {"proofCertificate": authority.proof(waiting.outs["code"])}
        shown = provider.up(late, answered)
        assert shown.outs["proof"] == "key-held", "a run without the proof saw it verified: it was not this proof that Azure accepted"
        assert ("ceremony" in shown.outs, provider.diff(shown, answered).changes) == (False, False)
        again = provider.up(shown, answered | {"reprove": etag})
        assert (again.outs["state"], again.outs["code"] != waiting.outs["code"]) == ("waiting", True)
    assert "it became verified while it waited for its proof, and not by a proof of this stack" in process.printed
    assert f"set reprove to '{etag}'" in process.printed


def test_two_hands_are_no_proof(provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay) -> None:
    """A refresh saw the waiting certificate verified, and then it changed again: the proof that comes now was not the one accepted."""
    waiting = provider.create(authority.declared(hub, relay, signer=OFFLINE))
    answered = waiting.inputs | {"proofCertificate": authority.proof(waiting.outs["code"])}
    attested_by_hand(hub, waiting, authority)
    read = refreshed(provider, waiting)
    attested_by_hand(hub, waiting, authority)
    for state in (read, refreshed(provider, read)):
        assert provider.update(state, answered).outs["proof"] == "key-held"


def test_a_proof_by_another_key_concludes_nothing(provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay) -> None:
    """Marked verified by hand while it waits, and a proof that is not for the code or not by the key: the ceremony stays."""
    waiting = provider.create(authority.declared(hub, relay, signer=OFFLINE))
    attested_by_hand(hub, waiting, authority)
    for proof in (
        RootAuthority().proof(waiting.outs["code"]),
        authority.proof("AB" * 24),
        authority.proof(waiting.outs["code"], days_ago=3),
    ):
        after = provider.up(waiting, waiting.inputs | {"proofCertificate": proof})
        assert (after.outs["proof"], after.outs["code"]) == ("found", waiting.outs["code"])


def test_the_key_ends_a_ceremony_that_was_overtaken(provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay) -> None:
    """Custody moves here after a run without the key saw the certificate verified by hand: the key is shown, nothing more."""
    waiting = provider.create(authority.declared(hub, relay, signer=OFFLINE))
    attested_by_hand(hub, waiting, authority)
    seen = provider.up(waiting, waiting.inputs)
    after = provider.up(seen, authority.declared(hub, relay))
    assert (after.outs["proof"], "ceremony" in after.outs, EVIDENCE & after.outs.keys()) == ("key-held", False, set())


def test_a_lost_verify_that_fails_the_run_says_so(provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay) -> None:
    """Every answer after the proof is lost: the run fails with one line, and the next one claims only what it can show."""
    relay.clear(dict.fromkeys(range(3, 100), Fault("drop-after")))
    with pytest.raises(CallFailedError, match="the connection was closed before an answer came"):
        provider.create(authority.declared(hub, relay, deadline=1))
    relay.clear()
    assert provider.create(authority.declared(hub, relay)).outs["proof"] == "key-held"
