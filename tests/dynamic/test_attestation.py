"""Verified without proof: reported as what it is when it is requested or found, and never shown as possession."""

from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from tests.kit.local_azure import Hub
from tests.kit.provider_process import Provider, ProviderProcess
from tests.kit.relay import Relay
from tests.kit.root_authority import RootAuthority


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


def test_a_lost_attestation_is_repeated(provider: Provider, hub: Hub, relay: Relay) -> None:
    """Somebody uploads the certificate again and Azure resets its verification: `attest` sets it again, and `proof` says how."""
    authority = RootAuthority()
    attested = authority.declared(hub, relay, certificateName="fixed", attest=True, signer=None)
    created = provider.create(attested)
    hub.put("fixed", authority.pem)
    lost = provider.read(created)
    assert lost is not None
    assert provider.update(lost, attested).outs["proof"] == "attestation"
