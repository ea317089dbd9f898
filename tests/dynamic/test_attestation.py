"""Verified without proof: reported as what it is when it is requested or found, and never shown as possession."""

from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from tests.kit.local_azure import Hub
from tests.kit.provider_process import Provider, ProviderProcess
from tests.kit.relay import Relay
from tests.kit.root_authority import RootAuthority

PROVEN = ["GET", "PUT", "generate", "verify"]


def test_attesting_is_shown_and_never_taken_for_proof(environment: dict[str, str], hub: Hub, relay: Relay) -> None:
    """`attest` makes two calls and proves nothing: the name and the output say so; proving later is a replacement."""
    authority = RootAuthority()
    news = authority.declared(hub, relay, attest=True, signer=None)
    with ProviderProcess(environment) as process:
        provider = process.of(VerifiedCertificateProvider)
        created = provider.create(news)
        assert relay.steps == ["GET", "PUT"]
        assert (created.outs["proof"], created.outs["state"]) == ("attestation", "verified")
        assert created.outs["certificateName"] == f"plant-a-g1-{authority.thumbprint[:8].lower()}-attested"
        assert provider.diff(created, news).changes is False
        with ProviderProcess(environment) as next_run:
            assert next_run.of(VerifiedCertificateProvider).create(news).outs["proof"] == "attestation", "found after a dead run"
        proven = authority.declared(hub, relay)
        assert provider.diff(created, proven).replaces == ["attest"]
        after = provider.up(created, proven)
    assert (after.outs["proof"], hub.verified()) == ("possession", {after.outs["certificateName"]: True})
    assert "attest" not in process.printed, "the program's own warning is the only one"


def test_attested_under_a_declared_name_is_proven_in_place(provider: Provider, hub: Hub, relay: Relay) -> None:
    """With an explicit name, removing `attest` uploads the certificate again and proves it."""
    authority = RootAuthority()
    created = provider.create(authority.declared(hub, relay, certificateName="fixed", attest=True, signer=None))
    hub.put("fixed", authority.pem)
    lost = provider.read(created)
    assert lost is not None
    attested = authority.declared(hub, relay, certificateName="fixed", attest=True, signer=None)
    assert provider.update(lost, attested).outs["proof"] == "attestation"
    news = authority.declared(hub, relay, certificateName="fixed")
    assert (provider.diff(created, news).changes, provider.diff(created, news).replaces) == (True, [])
    relay.clear()
    assert provider.update(created, news).outs["proof"] == "possession"
    assert (relay.steps, hub.verified()) == (PROVEN, {"fixed": True})


def test_a_certificate_verified_by_others_is_found(provider: Provider, hub: Hub, relay: Relay) -> None:
    """A verified certificate without a key here is reported as `found`; with the key, as `possession`."""
    authority = RootAuthority()
    hub.put("portal-made", authority.pem, isVerified=True)
    news = authority.declared(hub, relay, certificateName="portal-made", signer={"custody": "offline"})
    created = provider.create(news)
    assert (created.outs["state"], created.outs["proof"], provider.diff(created, news).changes) == ("verified", "found", False)
    held = authority.declared(hub, relay, certificateName="portal-made")
    assert provider.diff(created, held).changes is True
    assert provider.up(created, held).outs["proof"] == "possession"
