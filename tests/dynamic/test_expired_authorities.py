"""An authority that has expired refuses new trust and new certificates, and keeps no run from taking something away.

Time is not waited for: a state is made with a certificate that is valid, and then that certificate is exchanged for one of the same name
and key that has expired, in the state, in the program and on the hub.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509

from hubtrust.dynamic.connection_check import ConnectionCheckProvider
from hubtrust.dynamic.device_identity import DeviceIdentityProvider
from hubtrust.dynamic.issued_batch import IssuedBatchProvider
from hubtrust.dynamic.issued_certificate import IssuedCertificateProvider
from hubtrust.pki.certificate import describe, load_certificate
from hubtrust.pki.keys import public_pem
from tests.dynamic.test_issued_batch import csr
from tests.kit.authorities import Forged, ec_key, pem_of, private_pem
from tests.kit.device_registry import DeviceRegistry
from tests.kit.local_azure import Hub
from tests.kit.provider_process import Provider, ProviderProcess, ResourceState
from tests.kit.relay import Relay

NOW, DAY = datetime.now(UTC).replace(microsecond=0), timedelta(days=1)
VALID = Forged(subject="Plant A", start=NOW - 900 * DAY, end=NOW + 900 * DAY)
EXPIRED = Forged(subject="Plant A", key=VALID.key, start=NOW - 900 * DAY, end=NOW - DAY)
BEFORE, AFTER = VALID.certificate, EXPIRED.certificate
SIGNER = {"custody": "state", "privateKey": private_pem(VALID.key)}
ENDED = f"it expired on {describe(AFTER).not_after}; renew it and give the new certificate"
KEY = public_pem(ec_key().public_key())
FIRST, SECOND = csr("press-1"), csr("press-2")


def later(properties: dict[str, Any]) -> dict[str, Any]:
    """The properties after the certificate has expired."""
    text, before, after = json.dumps(properties), describe(BEFORE), describe(AFTER)
    for old, new in (
        (pem_of(BEFORE), pem_of(AFTER)),
        (before.thumbprint, after.thumbprint),
        (before.sha256, after.sha256),
        (before.not_after, after.not_after),
    ):
        text = text.replace(json.dumps(old)[1:-1], json.dumps(new)[1:-1])
    found: dict[str, Any] = json.loads(text)
    return found


def aged(created: ResourceState) -> ResourceState:
    return ResourceState(created.id, later(created.outs), later(created.inputs))


def trusted(provider: Provider, hub: Hub, relay: Relay) -> ResourceState:
    """A certificate that was proven, and has expired since."""
    news = {
        "serviceId": hub.id,
        "certificate": pem_of(BEFORE),
        "certificateName": "plant",
        "signer": SIGNER,
        "cloud": relay.url,
        "deadline": 90,
    }
    created = provider.create(news)
    hub.delete("plant")
    etag = hub.put("plant", pem_of(AFTER), isVerified=True)["etag"]
    state = aged(created)
    return ResourceState(state.id, state.outs | {"etag": etag, "provenEtag": etag}, state.inputs)


def test_trust_that_exists_is_kept_and_can_be_taken_away(provider: Provider, hub: Hub, relay: Relay) -> None:
    """No check, refresh or diff of an unchanged program fails, and nothing is written; a destroy deletes it."""
    state = trusted(provider, hub, relay)
    assert provider.check(state.inputs, state.inputs).failures == []
    assert provider.diff(state, state.inputs).changes is False
    relay.clear()
    assert provider.up(state, state.inputs).outs["proof"] == "possession"
    assert relay.steps == ["GET"]
    provider.delete(state)
    assert hub.certificates() == {}


def test_new_trust_is_refused(provider: Provider, hub: Hub, relay: Relay) -> None:
    """In the preview: a create, a changed certificate, and a proof that was asked for; each in one line that says when it expired."""
    state = trusted(provider, hub, relay)
    assert ENDED in provider.create_error(state.inputs | {"certificateName": "another"})
    other = pem_of(Forged(subject="Plant B", key=VALID.key, start=NOW - 9 * DAY, end=NOW - DAY).certificate)
    ((_, reason),) = provider.check(state.inputs | {"certificate": other}, state.inputs).failures
    assert "'CN=Plant B'" in reason
    assert "it expired on" in reason
    assert hub.verified() == {"plant": True}


def test_a_verification_that_was_lost_is_not_proven_again(provider: Provider, hub: Hub, relay: Relay) -> None:
    """Nobody could connect below it: the run goes on, and the state is Azure's."""
    state = trusted(provider, hub, relay)
    hub.put("plant", pem_of(AFTER))
    relay.clear()
    after = provider.up(state, state.inputs)
    assert (after.outs["state"], after.outs.get("proof"), after.outs.get("code")) == ("unverified", None, None)
    assert set(relay.steps) == {"GET"}
    again = provider.up(after, state.inputs)
    assert again.outs == after.outs


def test_a_certificate_that_exists_is_kept_and_a_new_one_is_refused(named_process: ProviderProcess) -> None:
    """A device that has its certificate can be disabled or deleted; another lifetime, or another device, needs a valid authority."""
    issued = named_process.of(IssuedCertificateProvider)
    by = {"issuerCertificate": pem_of(BEFORE), "signer": SIGNER}
    state = aged(issued.create({"profile": "device", "deviceId": "press-001", "publicKey": KEY, **by}))
    assert issued.check(state.inputs, state.inputs).failures == []
    assert issued.diff(state, state.inputs).changes is False
    issued.delete(state)
    ((_, reason),) = issued.check(state.inputs | {"lifetimeDays": 500}, state.inputs).failures
    assert "it expired on" in reason
    ((_, reason),) = issued.check(state.inputs | {"deviceId": "press-002"}).failures
    assert reason == f"'CN=Plant A' ({describe(AFTER).thumbprint[:8]}): {ENDED}"


def test_a_request_less_needs_no_valid_authority(named_process: ProviderProcess) -> None:
    """One more does."""
    batches = named_process.of(IssuedBatchProvider)
    by = {"issuerCertificate": pem_of(BEFORE), "signer": SIGNER}
    state = aged(batches.create({"requests": FIRST + SECOND, **by}))
    assert batches.check(state.inputs, state.inputs).failures == []
    assert batches.diff(state, state.inputs).changes is False
    fewer = batches.update(state, state.inputs | {"requests": SECOND})
    assert fewer.outs["certificates"] == state.outs["certificates"][1:]
    ((_, reason),) = batches.check(state.inputs | {"requests": FIRST + SECOND + csr("press-3")}, state.inputs).failures
    assert "it expired on" in reason


def test_the_connection_check_fails_no_run(named_process: ProviderProcess, registry: DeviceRegistry) -> None:
    """A device was disabled, so that the check runs again: it says why it can't, and nothing else."""
    registry.client.hub.put("plant", pem_of(BEFORE), isVerified=True)
    registry.client.put("press-001")
    checks = named_process.of(ConnectionCheckProvider)
    news = {
        "hubId": registry.client.hub.id,
        "hostName": registry.client.host,
        "deviceId": "press-001",
        "chain": pem_of(BEFORE),
        "signer": SIGNER,
        "trust": [{"name": "plant", "thumbprint": describe(BEFORE).thumbprint, "verified": True}],
        "device": "etag-1",
        "deadline": 1,
    }
    created = checks.create(news)
    assert checks.diff(created, news | {"anchor": pem_of(BEFORE)}).changes is False
    state = aged(created)
    changed = state.inputs | {"device": "etag-2"}
    assert checks.diff(state, changed).changes is True
    after = checks.update(state, changed)
    assert (after.outs["state"], after.outs["connectedAt"]) == ("not checked", state.outs["connectedAt"])
    assert f"it expired on {describe(AFTER).not_after}; renew it" in after.outs["reason"]
    assert checks.diff(after, changed).changes is False
    assert "it expired on" in checks.create_error(changed)


@pytest.mark.parametrize("expired", ["the root above the trusted CA", "the trusted CA itself"])
def test_a_stolen_device_is_taken_off(
    provider: Provider, hub: Hub, relay: Relay, named_process: ProviderProcess, registry: DeviceRegistry, expired: str
) -> None:
    """Every resource of a stack, in the order of a run: checked, compared, and then the device is disabled and at last deleted."""
    above = Forged(subject="Root", start=NOW - 900 * DAY, end=NOW - DAY)
    issuing = Forged(subject="Plant A", key=VALID.key, issuer=above, start=NOW - 900 * DAY, end=NOW + 900 * DAY).certificate
    devices, issued = named_process.of(DeviceIdentityProvider), named_process.of(IssuedCertificateProvider)
    ca = trusted(provider, hub, relay)
    by = {"issuerCertificate": pem_of(BEFORE), "signer": SIGNER}
    certificate = aged(issued.create({"profile": "device", "deviceId": "press-001", "publicKey": KEY, **by}))
    if expired == "the root above the trusted CA":
        ca = provider.create(ca.inputs | {"certificate": pem_of(issuing), "certificateName": "issuing"})
        by = {"issuerCertificate": pem_of(issuing, above.certificate), "anchor": pem_of(issuing), "signer": SIGNER}
        certificate = issued.create({"profile": "device", "deviceId": "press-001", "publicKey": KEY, **by})
        until = load_certificate(certificate.outs["certificate"], what="c").not_valid_after_utc
        assert until > NOW + 300 * DAY, "what is above the trusted CA limits nothing"
    device = devices.create(registry.device("press-001"))
    for one, state in ((provider, ca), (issued, certificate)):
        assert one.check(state.inputs, state.inputs).failures == []
        assert one.diff(state, state.inputs).changes is False
    disabled = devices.update(device, registry.device("press-001", status="disabled", reason="stolen"))
    assert registry.twin("press-001")["status"] == "disabled"
    devices.delete(disabled)
    issued.delete(certificate)
    assert registry.ids() == []


def test_what_is_above_the_anchor_judges_nothing(named_process: ProviderProcess) -> None:
    """Names, path lengths and dates: with the anchor a device is signed, without it every certificate judges; and no old state changes."""
    excluded = x509.NameConstraints(None, [x509.DirectoryName(x509.Name([]))])
    top = Forged(subject="Top", extra=[(excluded, True)], path_length=0, start=NOW - 9 * DAY, end=NOW + 9 * DAY)
    below = Forged(subject="Plant A", issuer=top, start=NOW - 9 * DAY, end=NOW + 900 * DAY)
    issuing = pem_of(below.certificate)
    by = {
        "issuerCertificate": issuing + pem_of(top.certificate),
        "signer": {"custody": "state", "privateKey": private_pem(below.key)},
    }
    for kind, news in (
        (IssuedCertificateProvider, {"profile": "device", "deviceId": "press-1", "request": FIRST, **by}),
        (IssuedBatchProvider, {"requests": FIRST, **by}),
    ):
        provider = named_process.of(kind)
        ((_, reason),) = provider.check(news).failures
        assert "'CN=Top'" in reason
        created = provider.create(news | {"anchor": issuing})
        assert provider.diff(created, news | {"anchor": issuing}).changes is False
        ((_, reason),) = provider.check(news | {"anchor": pem_of(Forged(subject="Elsewhere").certificate)}).failures
        assert "it issued neither 'CN=Plant A'" in reason
        plain = by | {"issuerCertificate": pem_of(BEFORE), "signer": SIGNER}
        old = provider.create(news | plain)
        assert provider.check(news | plain | {"anchor": pem_of(BEFORE)}, old.inputs).failures == []
        assert provider.diff(old, news | plain | {"anchor": pem_of(BEFORE)}).changes is False
