"""Changes by others on the hub: verification lost, certificate replaced or deleted, name taken; and what is left alone."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from hubtrust.pki import issue
from tests.kit.authorities import name, pem_of
from tests.kit.local_azure import Hub
from tests.kit.provider_process import CallFailedError, Provider, ResourceState
from tests.kit.relay import Relay
from tests.kit.root_authority import RootAuthority


def test_lost_verification_is_found_and_proven_again(provider: Provider, hub: Hub, relay: Relay) -> None:
    """Somebody uploads the certificate again and Azure resets its verification: a refresh shows it and `up` proves it again."""
    authority = RootAuthority()
    news = authority.declared(hub, relay)
    created = provider.create(news)
    hub.put(created.outs["certificateName"], authority.pem)
    drifted = provider.read(created)
    assert drifted is not None
    assert (drifted.outs["state"], drifted.outs.get("proof")) == ("unverified", None)
    assert (provider.diff(drifted, news).changes, provider.diff(drifted, news).replaces) == (True, [])
    assert provider.diff(drifted, drifted.inputs).changes is True
    relay.clear()
    proven = provider.update(drifted, news)
    assert relay.steps == ["GET", "generate", "verify"]
    assert (proven.outs["state"], proven.outs["proof"]) == ("verified", "possession")
    assert hub.verified() == {created.outs["certificateName"]: True}


def test_a_replaced_certificate_is_found_and_restored(provider: Provider, hub: Hub, relay: Relay) -> None:
    """Another certificate was uploaded under our name: a refresh shows its thumbprint, and `up` restores and proves ours."""
    authority, other = RootAuthority(), RootAuthority("Somebody else")
    news = authority.declared(hub, relay)
    created = provider.create(news)
    hub.put(created.outs["certificateName"], other.pem)
    drifted = provider.read(created)
    assert drifted is not None
    assert (drifted.outs["state"], drifted.outs["thumbprint"]) == ("replaced", other.thumbprint)
    assert (provider.diff(drifted, news).changes, provider.diff(drifted, news).replaces) == (True, [])
    proven = provider.up(created, news)
    assert (proven.outs["thumbprint"], proven.outs["state"], proven.outs["proof"]) == (authority.thumbprint, "verified", "possession")
    assert hub.certificates()[created.outs["certificateName"]]["properties"]["thumbprint"] == authority.thumbprint


def test_a_state_of_another_version_is_read(provider: Provider, hub: Hub, relay: Relay) -> None:
    """An output that this version does not know is not an error and is dropped at the next refresh."""
    created = provider.create(RootAuthority().declared(hub, relay))
    refreshed = provider.read(ResourceState(created.id, created.outs | {"colour": "red"}, created.inputs))
    assert refreshed is not None
    assert refreshed.outs == created.outs


def test_a_deleted_certificate_is_created_again(provider: Provider, hub: Hub, relay: Relay) -> None:
    """A certificate that was deleted, or whose hub was deleted, is read as gone; the first is created again."""
    authority = RootAuthority()
    news = authority.declared(hub, relay)
    created = provider.create(news)
    hub.delete(created.outs["certificateName"])
    assert provider.read(created) is None
    again = provider.up(created, news)
    assert hub.verified() == {again.outs["certificateName"]: True}
    hub.delete_hub()
    assert provider.read(again) is None
    provider.delete(again)


def test_a_certificate_of_others_under_our_name_is_refused(provider: Provider, hub: Hub, relay: Relay) -> None:
    """Another certificate of the same name is refused and unchanged, unless `adopt` names its thumbprint."""
    authority, other = RootAuthority(), RootAuthority("Somebody else")
    before = hub.put("portal-made", other.pem, isVerified=True)
    news = authority.declared(hub, relay, certificateName="portal-made")
    with pytest.raises(
        CallFailedError, match=f'another certificate .{other.thumbprint}. has this name; .* set adopt: ."{other.thumbprint}"'
    ):
        provider.create(news)
    assert hub.certificates()["portal-made"]["etag"] == before["etag"]
    with pytest.raises(CallFailedError, match="another certificate"):
        provider.create(news | {"adopt": [authority.thumbprint]})
    with pytest.raises(CallFailedError, match="adopt: it is True; list the SHA-1 thumbprints"):
        provider.create(news | {"adopt": True})
    with pytest.raises(CallFailedError, match="adopt: 'AB' is not a SHA-1 thumbprint"):
        provider.create(news | {"adopt": ["AB"]})
    colons = ":".join(other.thumbprint[place : place + 2].lower() for place in range(0, 40, 2))
    created = provider.create(news | {"adopt": [colons]})
    assert (created.outs["thumbprint"], created.outs["proof"], hub.verified()) == (
        authority.thumbprint,
        "possession",
        {"portal-made": True},
    )


def test_delete_sends_the_etag_and_keeps_other_certificates(provider: Provider, hub: Hub, relay: Relay) -> None:
    """Delete is one call with the etag, and a look whether it is gone; after a change by others it reads first; another is kept."""
    authority, other = RootAuthority(), RootAuthority("Somebody else")
    created = provider.create(authority.declared(hub, relay))
    name = created.outs["certificateName"]
    relay.clear()
    provider.delete(created)
    assert [(call.step, call.etag) for call in relay.calls] == [("DELETE", created.outs["etag"]), ("GET", None)]
    provider.delete(created)
    created = provider.create(authority.declared(hub, relay))
    hub.put(name, authority.pem)
    relay.clear()
    provider.delete(created)
    assert (relay.steps, hub.certificates()) == (["DELETE", "GET", "DELETE", "GET"], {})
    created = provider.create(authority.declared(hub, relay))
    hub.put(name, other.pem)
    for state in (created, provider.read(created)):
        assert state is not None
        provider.delete(state)
        assert hub.certificates()[name]["properties"]["thumbprint"] == other.thumbprint


def test_an_authority_that_expired_later_is_refused(provider: Provider, hub: Hub, relay: Relay) -> None:
    """An authority that has expired since it was proven is refused with the date and the remedy; it can still be read and deleted."""
    now, authority = datetime.now(UTC), RootAuthority()
    validity = issue.Validity.lasting(timedelta(seconds=4), now=now)
    short = pem_of(issue.root(authority.signer, subject=name("Short"), validity=validity, path_length=0, serial=7))
    news = authority.declared(hub, relay, certificate=short)
    created = provider.create(news)
    hub.azure.until(lambda: provider.check(news).failures)
    ((_, reason),) = provider.check(news).failures
    assert re.search(r"'CN=Short' .*: it expired on .*; renew it and give the new certificate", reason)
    found = provider.read(created)
    assert found is not None
    assert found.outs["state"] == "verified", "the hub says so; devices are refused by their chain"
    provider.delete(found)
    assert hub.certificates() == {}
