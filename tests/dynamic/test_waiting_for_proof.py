"""Custody offline: a certificate may wait for its proof for weeks, over any number of runs, until a valid proof is given."""

import pytest

from hubtrust import signer_inputs
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from tests.kit.local_azure import Hub
from tests.kit.provider_process import CallFailedError, Provider, ProviderProcess, ResourceState
from tests.kit.relay import Relay
from tests.kit.root_authority import RootAuthority

OFFLINE = signer_inputs.offline()


@pytest.fixture
def authority() -> RootAuthority:
    """An authority whose key no provider ever sees."""
    return RootAuthority()


@pytest.fixture
def waiting(provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay) -> ResourceState:
    """A certificate that is registered, has a code, and waits for its proof."""
    created = provider.create(authority.declared(hub, relay, signer=OFFLINE))
    assert relay.steps == ["GET", "PUT", "generate"]
    relay.clear()
    return created


def test_waiting_for_proof_is_not_a_failure(
    provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay, waiting: ResourceState
) -> None:
    """The code is an output; every run shows a difference while it waits, asks Azure once, and keeps the same code."""
    assert (waiting.outs["state"], len(waiting.outs["code"]), "proof" in waiting.outs) == ("waiting", 48, False)
    news = authority.declared(hub, relay, signer=OFFLINE)
    assert (provider.diff(waiting, news).changes, provider.diff(waiting, news).replaces) == (True, [])
    again = provider.up(provider.up(waiting, news), news)
    assert (again.outs, relay.steps) == (waiting.outs, ["GET", "GET"] * 2)


def test_the_proof_is_given_as_an_input(
    provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay, waiting: ResourceState
) -> None:
    """A valid proof is accepted in any later run, with the code of the first run; after that there is no difference."""
    news = authority.declared(hub, relay, signer=OFFLINE, proofCertificate=authority.proof(waiting.outs["code"]))
    proven = provider.update(waiting, news)
    assert relay.steps == ["GET", "verify"]
    assert (proven.outs["state"], proven.outs["proof"], "code" in proven.outs) == ("verified", "possession", False)
    assert hub.verified() == {waiting.outs["certificateName"]: True}
    assert provider.diff(proven, news).changes is False
    assert provider.diff(proven, authority.declared(hub, relay, signer=OFFLINE)).changes is False, (
        "the answer may be taken out of the config"
    )


@pytest.mark.parametrize(
    ("kind", "match"),
    [
        ("another key", "sign it with the authority's own key"),
        ("an old code", "it is for the code ABAB[^\n]*, and the verification code is now"),
        ("expired", "it expired on"),
    ],
)
def test_an_invalid_proof_keeps_the_code(
    provider: Provider, authority: RootAuthority, relay: Relay, waiting: ResourceState, kind: str, match: str
) -> None:
    """A proof by another key, for another code or that has expired is refused in one line; the code stays valid."""
    code, news = waiting.outs["code"], waiting.inputs
    answers = {
        "another key": RootAuthority().proof(code),
        "an old code": authority.proof("AB" * 24),
        "expired": authority.proof(code, days_ago=3),
    }
    with pytest.raises(CallFailedError, match=rf"^[^\n]*{match}[^\n]*\n?$"):
        provider.update(waiting, news | {"proofCertificate": answers[kind]})
    assert relay.steps == ["GET"]
    assert provider.update(waiting, news | {"proofCertificate": authority.proof(code)}).outs["state"] == "verified"


def test_an_invalidated_code_is_replaced(
    provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay, waiting: ResourceState
) -> None:
    """A code that others requested makes ours invalid: a refresh shows it, the old proof does not fail the run; a new one is requested."""
    hub.generate(waiting.outs["certificateName"])
    refreshed = provider.read(waiting)
    assert refreshed is not None
    assert (refreshed.outs["state"], "code" in refreshed.outs) == ("unverified", False)
    stale = authority.declared(hub, relay, signer=OFFLINE, proofCertificate=authority.proof(waiting.outs["code"]))
    relay.clear()
    again = provider.update(refreshed, stale)
    assert relay.steps == ["GET", "generate"]
    assert (again.outs["state"], again.outs["code"] != waiting.outs["code"]) == ("waiting", True)
    fresh = authority.declared(hub, relay, signer=OFFLINE, proofCertificate=authority.proof(again.outs["code"]))
    assert provider.update(again, fresh).outs["state"] == "verified"


def test_an_old_proof_does_not_block_the_next_certificate(
    environment: dict[str, str], authority: RootAuthority, hub: Hub, relay: Relay
) -> None:
    """A new certificate is registered and waits, even if another proof is still in the configuration; the run says why it is not used."""
    with ProviderProcess(environment) as process:
        provider = process.of(VerifiedCertificateProvider)
        created = provider.create(authority.declared(hub, relay, signer=OFFLINE, proofCertificate=authority.proof("AB" * 24)))
    assert created.outs["state"] == "waiting"
    told = f"the given proof is not used: it is for the code {'AB' * 24}, and the verification code is now {created.outs['code']}"
    assert told in process.printed


def test_changing_custody_to_state_proves_the_waiting_certificate(
    provider: Provider, authority: RootAuthority, hub: Hub, relay: Relay, waiting: ResourceState
) -> None:
    """Custody changes from offline to state while it waits: the proof for the same code is signed here."""
    news = authority.declared(hub, relay)
    assert provider.diff(waiting, news).replaces == []
    relay.clear()
    assert (provider.update(waiting, news).outs["state"], relay.steps) == ("verified", ["GET", "verify"])
