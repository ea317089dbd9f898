"""VerifiedCertificate over gRPC against local Azure."""

import json
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hubtrust import signer_inputs
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from hubtrust.pki.keys import key_thumbprint
from tests.kit.authorities import rsa_key
from tests.kit.local_azure import Hub, LocalAzure, local_azure
from tests.kit.provider_process import UNKNOWN, CallFailedError, Provider, ProviderProcess, ResourceState
from tests.kit.relay import Relay
from tests.kit.root_authority import RootAuthority

PROVEN = ["GET", "PUT", "generate", "verify"]


def test_from_nothing_to_proven_in_four_calls(provider: Provider, hub: Hub, relay: Relay) -> None:
    """Creating it takes the minimum of calls, Azure reports it as verified, and the outputs are exactly the documented ones."""
    authority = RootAuthority()
    created = provider.create(authority.declared(hub, relay, generation=3))
    assert relay.steps == PROVEN
    name = f"plant-a-g3-{authority.thumbprint[:8].lower()}"
    found = hub.certificates()[name]
    assert (found["properties"]["isVerified"], found["properties"]["thumbprint"]) == (True, authority.thumbprint)
    assert created.id == f"{hub.id}/certificates/{name}"
    evidence = {"provenCode", "provenBy", "provenEtag", "provenAt", "proofs"}
    assert evidence < created.outs.keys()
    assert {key: value for key, value in created.outs.items() if key not in evidence | {"sha256", "notAfter"}} == {
        "serviceId": hub.id,
        "certificate": authority.pem,
        "name": "plant-a",
        "generation": 3,
        "cloud": relay.url,
        "deadline": 90,
        "certificateName": name,
        "custody": "state",
        "thumbprint": authority.thumbprint,
        "subject": "CN=Plant A",
        "keyThumbprint": key_thumbprint(authority.key.public_key()),
        "etag": found["etag"],
        "state": "verified",
        "proof": "possession",
    }
    assert created.outs["notAfter"] > datetime.now(UTC).isoformat()


@pytest.mark.parametrize("kind", ["EC", "RSA"])
def test_a_provisioning_service_is_proven_the_same_way(provider: Provider, azure: LocalAzure, relay: Relay, kind: str) -> None:
    """Device Provisioning Service, EC and RSA keys: the same four calls and the same proof; deleted by its etag."""
    service = azure.hub("provisioningServices")
    created = provider.create(RootAuthority(key=rsa_key(3072) if kind == "RSA" else None).declared(service, relay))
    assert (relay.steps, service.verified()) == (PROVEN, {created.outs["certificateName"]: True})
    assert provider.read(created) is not None
    provider.delete(created)
    assert service.certificates() == {}


def test_a_second_up_changes_nothing(provider: Provider, hub: Hub, relay: Relay) -> None:
    """A second `up`, with its refresh, makes one GET and changes nothing."""
    authority = RootAuthority()
    news = authority.declared(hub, relay)
    created = provider.create(news)
    relay.clear()
    assert provider.up(created, news).outs == created.outs
    assert relay.steps == ["GET"]
    refreshed = provider.read(created)
    assert refreshed is not None
    assert refreshed.inputs == news, "no input is given back, or every refresh would show the keys as a difference"
    assert provider.diff(refreshed, refreshed.inputs).changes is False, "the engine asks so when it looks for drift"


def test_the_next_run_continues_an_interrupted_one(provider: Provider, hub: Hub, relay: Relay) -> None:
    """The work of a run that was interrupted before its state was written is continued, without a second certificate or a reset."""
    authority = RootAuthority()
    news = authority.declared(hub, relay)
    name = f"plant-a-g1-{authority.thumbprint[:8].lower()}"
    hub.put(name, authority.pem)
    created = provider.create(news)
    assert relay.steps == ["GET", "generate", "verify"]
    assert created.outs["proof"] == "possession"
    relay.clear()
    again = provider.create(news)
    assert (again.outs["state"], again.outs["proof"], relay.steps) == ("verified", "key-held", ["GET"]), "without a gap for devices"
    assert hub.verified() == {name: True}


def test_an_unrelated_update_keeps_the_proof(provider: Provider, hub: Hub, relay: Relay) -> None:
    """An update that changes nothing on the service (here: a longer deadline) reads once and keeps the proof."""
    news = RootAuthority().declared(hub, relay)
    created = provider.create(news)
    relay.clear()
    after = provider.update(created, news | {"deadline": 30})
    assert (relay.steps, after.outs) == (["GET"], created.outs | {"deadline": 30})
    assert provider.diff(created, news | {"deadline": 30}).changes is False


def test_a_new_certificate_is_proven_before_the_old_one_is_deleted(provider: Provider, hub: Hub, relay: Relay) -> None:
    """A changed certificate or generation is a replacement, created first under another name: one is verified at every moment."""
    old, new = RootAuthority(), RootAuthority()
    created = provider.create(old.declared(hub, relay))
    news = new.declared(hub, relay, generation=2)
    different = provider.diff(created, news)
    assert (different.replaces, different.delete_first) == (["certificate"], False)
    assert provider.diff(created, old.declared(hub, relay, generation=2)).replaces == ["generation"]
    assert provider.diff(created, old.declared(hub, relay, name="plant-b")).replaces == ["name"]
    assert provider.diff(created, old.declared(hub, relay, serviceId=f"{hub.id}x")).replaces == ["serviceId"]
    assert provider.diff(created, old.declared(hub, relay, serviceId=hub.id.upper())).replaces == []
    after = provider.create(news)
    assert hub.verified() == {created.outs["certificateName"]: True, after.outs["certificateName"]: True}
    provider.delete(created)
    assert hub.verified() == {after.outs["certificateName"]: True}


def test_a_renamed_or_replaced_resource_keeps_its_certificate(provider: Provider, hub: Hub, relay: Relay) -> None:
    """The new resource is created before the old one is deleted: both are the same certificate, so one delete keeps it."""
    news = RootAuthority().declared(hub, relay)
    old = provider.create(news)
    new = provider.create(news)
    relay.clear()
    provider.delete(old)
    assert (relay.calls, hub.verified()) == ([], {new.outs["certificateName"]: True})
    provider.delete(new)
    assert hub.certificates() == {}


@pytest.mark.parametrize("case", ["it waits for its proof", "it is proven again in the same run", "its verification was lost"])
def test_a_renamed_resource_keeps_its_certificate_in_every_state(provider: Provider, hub: Hub, relay: Relay, case: str) -> None:
    """The new resource asked for a code, so the certificate's etag changed: the old one's delete must not take it for its own."""
    authority = RootAuthority()
    news = authority.declared(hub, relay, **({"signer": signer_inputs.offline()} if case.endswith("its proof") else {}))
    old = provider.create(news)
    if case.endswith("lost"):
        hub.put(old.outs["certificateName"], authority.pem)
    new = provider.create(news | ({"reprove": old.outs["etag"]} if "again" in case else {}))
    assert new.outs["etag"] != old.outs["etag"]
    provider.delete(old)
    assert list(hub.certificates()) == [new.outs["certificateName"]]
    provider.delete(new)
    assert hub.certificates() == {}


def test_a_declared_name_stays_when_its_certificate_changes(provider: Provider, hub: Hub, relay: Relay) -> None:
    """With an explicit name the certificate is replaced in place, by etag, and proven at once."""
    old, new = RootAuthority(), RootAuthority()
    created = provider.create(old.declared(hub, relay, certificateName="fixed"))
    news = new.declared(hub, relay, certificateName="fixed")
    assert (provider.diff(created, news).changes, provider.diff(created, news).replaces) == (True, [])
    relay.clear()
    changed = provider.update(created, news)
    assert (relay.steps, relay.calls[1].etag) == (PROVEN, created.outs["etag"])
    assert (changed.outs["thumbprint"], changed.outs["state"], hub.verified()) == (new.thumbprint, "verified", {"fixed": True})


def test_concurrent_certificates_of_one_hub_have_no_etag_conflict(azure_process: ProviderProcess, hub: Hub, relay: Relay) -> None:
    """Four certificates at a time in one process: one writer for each hub, so that no call has an outdated etag."""
    from concurrent.futures import ThreadPoolExecutor

    provider = azure_process.of(VerifiedCertificateProvider)
    with ThreadPoolExecutor(4) as pool:
        created = list(pool.map(lambda number: provider.create(RootAuthority(f"Plant {number}").declared(hub, relay)), range(6)))
    assert hub.verified() == {one.outs["certificateName"]: True for one in created}
    assert relay.steps == PROVEN * 6


def test_unknown_values_and_floats(provider: Provider, hub: Hub, relay: Relay) -> None:
    """In a preview the hub, the certificate and the key may be unknown: check accepts, diff expects the replacement; 2.0 is 2."""
    authority = RootAuthority()
    created = provider.create(authority.declared(hub, relay, generation=2.0))
    assert created.outs["certificateName"].startswith("plant-a-g2-")
    unknown = authority.declared(hub, relay, serviceId=UNKNOWN, certificate=UNKNOWN, signer={"custody": "state", "privateKey": UNKNOWN})
    assert provider.check(unknown).failures == []
    assert provider.check(authority.declared(hub, relay, name=UNKNOWN, generation=UNKNOWN, attest=UNKNOWN)).failures == []
    assert provider.diff(created, unknown).replaces == ["serviceId", "certificate"]
    assert provider.diff(created, authority.declared(hub, relay, generation=UNKNOWN)).replaces == ["generation"]
    assert provider.diff(created, authority.declared(hub, relay, generation=2, signer=UNKNOWN)).changes is False
    fixed = provider.create(authority.declared(hub, relay, certificateName="fixed"))
    found = provider.diff(fixed, authority.declared(hub, relay, certificateName="fixed", certificate=UNKNOWN))
    assert (found.changes, found.replaces) == (True, [])


def test_the_public_cloud_through_a_proxy(azure: LocalAzure, hub: Hub, relay: Relay) -> None:
    """The public cloud under its real names, through the environment's proxy: nothing in the declaration refers to the sandbox."""
    environment = azure.environment | {
        "HTTPS_PROXY": f"http://127.0.0.1:{str(azure.ready['proxy']).rpartition(':')[2].rstrip('/')}",
        "REQUESTS_CA_BUNDLE": azure.ready["ca_file"],
    }
    with ProviderProcess(environment) as process:
        created = process.of(VerifiedCertificateProvider).create(RootAuthority().declared(hub, relay, cloud=None))
    assert (created.outs["state"], relay.calls) == ("verified", [])
    assert hub.verified() == {created.outs["certificateName"]: True}


def test_strict_local_azure_refuses_none_of_our_calls(tmp_path: Path) -> None:
    """Create, read, update and delete succeed on a local Azure that also refuses what Azure accepts but no careful client sends."""
    with ExitStack() as open_:
        azure = open_.enter_context(local_azure(tmp_path, "--strict"))
        process = open_.enter_context(ProviderProcess(azure.environment | {"REQUESTS_CA_BUNDLE": azure.ready["ca_file"]}))
        provider, authority, hub = process.of(VerifiedCertificateProvider), RootAuthority(), azure.hub()
        news = {
            "serviceId": hub.id,
            "certificate": authority.pem,
            "signer": signer_inputs.in_state(authority.private_pem),
            "cloud": azure.ready["arm"],
        }
        created = provider.create(news)
        hub.put(created.outs["certificateName"], authority.pem)
        proven = provider.up(created, news)
        assert (proven.outs["proof"], hub.verified()) == ("possession", {"ca-g1-" + authority.thumbprint[:8].lower(): True})
        provider.delete(proven)
        assert hub.certificates() == {}


def test_no_key_leaves_its_declared_input(environment: dict[str, str], hub: Hub, relay: Relay) -> None:
    """From create to delete, with a failure: no key in the provider's output, arguments, environment, errors or responses."""
    authority = RootAuthority()
    news = authority.declared(hub, relay)
    body = authority.private_pem.splitlines()[1]
    with ProviderProcess(environment, warm=False) as process:
        provider = process.of(VerifiedCertificateProvider)
        created: ResourceState | None = provider.create(news)
        assert created is not None
        hub.put(created.outs["certificateName"], authority.pem)
        created = provider.up(created, news)
        with pytest.raises(CallFailedError):
            provider.create(authority.declared(hub, relay, serviceId=f"{hub.id}-none", deadline=1))
        running = Path("/proc") / str(process.process.pid)
        seen = [(running / part).read_bytes().decode(errors="replace") for part in ("cmdline", "environ")]
        provider.delete(created)
    assert all(body not in text for text in [*seen, process.printed, process.error_output])
    for text in process.traffic:
        parts: Any = json.loads(text) if text.startswith("{") else {"error": {"text": text}}
        shown = [{name: value for name, value in part.items() if name != "signer"} for part in parts.values() if isinstance(part, dict)]
        assert body not in json.dumps(shown)
    assert any(body in text for text in process.traffic), "the key did cross, where it may"
