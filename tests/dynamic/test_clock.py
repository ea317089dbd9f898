"""Nothing is dated by a clock that differs from Azure's, or that can't be compared with it; what such a clock issued is issued again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from hubtrust.dynamic.authority_generation import AuthorityGenerationProvider
from hubtrust.dynamic.issued_batch import IssuedBatchProvider
from hubtrust.dynamic.issued_certificate import IssuedCertificateProvider
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from hubtrust.pki.certificate import load_certificate
from hubtrust.pki.keys import public_pem
from local_azure_iot import installation
from tests.kit.authorities import Forged, ec_key, name, pem_of, private_pem
from tests.kit.local_azure import Hub, LocalAzure
from tests.kit.provider_process import CallFailedError, ProviderProcess, ResourceState
from tests.kit.relay import Relay
from tests.kit.root_authority import RootAuthority

PLANT = RootAuthority()
SIGNER = {"custody": "state", "privateKey": PLANT.private_pem}
DEVICE_KEY = ec_key()


def request() -> str:
    created = x509.CertificateSigningRequestBuilder().subject_name(name("press-001")).sign(DEVICE_KEY, hashes.SHA256())
    return created.public_bytes(serialization.Encoding.PEM).decode()


DEVICE = {"profile": "device", "deviceId": "press-001", "request": request(), "issuerCertificate": PLANT.pem, "signer": SIGNER}
BATCH = {"requests": request(), "issuerCertificate": PLANT.pem, "signer": SIGNER}
ISSUED: list[tuple[type[Any], dict[str, Any]]] = [
    (IssuedCertificateProvider, {"profile": "root", "subject": "CN=Plant B", "signer": SIGNER}),
    (
        IssuedCertificateProvider,
        {
            "profile": "device",
            "deviceId": "press-001",
            "publicKey": public_pem(DEVICE_KEY.public_key()),
            "issuerCertificate": PLANT.pem,
            "signer": SIGNER,
        },
    ),
    (IssuedBatchProvider, BATCH),
    (AuthorityGenerationProvider, {"authority": "plant", "generation": 1, "keepPrevious": False, "clockOf": "public"}),
]


@pytest.fixture
def skewed(azure: LocalAzure) -> Iterator[LocalAzure]:
    """Local Azure, whose clock, log and faults are as before after the test."""
    azure.control("DELETE", "/requests")
    try:
        yield azure
    finally:
        azure.control("DELETE", "/clock")
        azure.control("DELETE", "/faults")
        azure.log_in()


def errors(azure: LocalAzure) -> list[str]:
    """The errors of every resource that issues, in one process: the same one."""
    with ProviderProcess(installation.environment(azure.ready)) as process:
        found = []
        for kind, news in ISSUED:
            provider = process.of(kind)
            assert provider.check(news).failures == [], "a preview dates nothing"
            found.append(provider.create_error(news))
    return found


@pytest.mark.parametrize(
    ("advance", "difference"),
    [
        (timedelta(days=-21), "it is 21 days ahead of Azure's"),
        (timedelta(days=2200), "it is 2200 days behind Azure's"),
    ],
)
def test_a_wrong_clock_issues_nothing(skewed: LocalAzure, advance: timedelta, difference: str) -> None:
    """The line says by how much, and what to do; Azure is asked once a process."""
    skewed.control("PUT", "/clock", {"advance": advance.total_seconds()})
    for text in errors(skewed):
        assert text == (
            f"this machine's clock: {difference}, so certificates would have wrong dates, and none is issued; set it (NTP), then run again"
        )
    assert [call["path"] for call in skewed.control("GET", "/requests")] == ["/metadata/endpoints"]


def test_a_clock_that_cant_be_compared_issues_nothing(skewed: LocalAzure) -> None:
    """A login page has a date too; it is not believed, and it is not asked for again for each resource: see tests/azure/test_clock.py."""
    skewed.control("POST", "/faults", {"spec": "html:path=*/metadata/endpoints"})
    for text in errors(skewed):
        assert text.startswith("this machine's clock: it can't be compared with Azure's: management.azure.com: a web page answered")
        assert "no certificate is issued by a clock that may be wrong; check the proxy (HTTPS_PROXY)" in text
    assert len(skewed.control("GET", "/requests")) <= 3


def from_the_future(**changes: Any) -> Forged:
    """A certificate for the device that a clock three weeks ahead dated, by the same CA."""
    dates = {"start": datetime.now(UTC) + timedelta(days=21), "end": datetime.now(UTC) + timedelta(days=386)}
    issuer = Forged(subject=PLANT.certificate.subject, key=PLANT.key)
    return Forged(subject="press-001", key=DEVICE_KEY, issuer=issuer, authority=False, usage=False, **dates | changes)


def test_a_certificate_from_the_future_is_issued_again(azure: LocalAzure) -> None:
    """With the same key, as soon as the clock is right; the preview says why."""
    early = pem_of(from_the_future().certificate)
    with ProviderProcess(installation.environment(azure.ready)) as process:
        issued, batches = process.of(IssuedCertificateProvider), process.of(IssuedBatchProvider)
        created, batch = issued.create(DEVICE), batches.create(BATCH)
        old = ResourceState(created.id, created.outs | {"certificate": early}, DEVICE)
        old_batch = ResourceState(batch.id, batch.outs | {"certificates": [early]}, BATCH)
        assert (issued.diff(old, DEVICE).changes, issued.diff(old, DEVICE).replaces) == (True, [])
        assert batches.diff(old_batch, BATCH).changes is True
        for text in (issued.up(old, DEVICE).outs["certificate"], batches.up(old_batch, BATCH).outs["certificates"][0]):
            again = load_certificate(text, what="again")
            assert again.not_valid_before_utc < datetime.now(UTC)
            assert again.public_key() == DEVICE_KEY.public_key()
    assert "because a clock was ahead when it was issued; `pulumi up` issues it again with the same key" in process.printed


def test_a_clock_that_is_behind_issues_nothing_again(skewed: LocalAzure) -> None:
    """By such a clock everything is from the future. The certificates stay, and the line is about the clock."""
    early = pem_of(from_the_future().certificate)
    skewed.control("PUT", "/clock", {"advance": timedelta(days=30).total_seconds()})
    with ProviderProcess(installation.environment(skewed.ready)) as process:
        old = ResourceState("batch", {"certificates": [early], "issuerChain": PLANT.pem, "custody": "state", "count": 1}, BATCH)
        with pytest.raises(CallFailedError, match="it is 30 days behind Azure's"):
            process.of(IssuedBatchProvider).update(old, BATCH)


def test_a_ca_from_the_future_gets_a_true_remedy(provider_process: ProviderProcess) -> None:
    """Nobody here can issue it again: wait, or correct whichever clock is wrong. Renewing it would help nobody."""
    start = datetime.now(UTC) + timedelta(days=21)
    early = Forged(subject="Early", start=start, end=start + timedelta(days=900), path_length=0)
    signer = {"custody": "state", "privateKey": private_pem(early.key)}
    service = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/hub-7"
    for kind, news in (
        (IssuedBatchProvider, BATCH | {"issuerCertificate": pem_of(early.certificate), "signer": signer}),
        (VerifiedCertificateProvider, {"serviceId": service, "certificate": pem_of(early.certificate), "signer": signer}),
    ):
        ((_, reason),) = provider_process.of(kind).check(news).failures
        assert f"it is not valid before {start:%Y-%m-%d}T" in reason
        assert "wait until then, correct this machine's clock if it is behind, or have it reissued with an earlier start" in reason
        assert "renew" not in reason


def test_a_proof_by_a_ca_that_azures_clock_calls_early(skewed: LocalAzure, environment: dict[str, str], hub: Hub, relay: Relay) -> None:
    """By this machine's clock the CA is valid, and by Azure's it is not yet: the proof would not be either."""
    now = datetime.now(UTC)
    young = Forged(subject="Young", start=now - timedelta(days=2), end=now + timedelta(days=900), path_length=0)
    signer = {"custody": "state", "privateKey": private_pem(young.key)}
    skewed.control("PUT", "/clock", {"advance": timedelta(days=-21).total_seconds()})
    skewed.log_in()
    with ProviderProcess(environment) as process:
        news = PLANT.declared(hub, relay, certificate=pem_of(young.certificate), signer=signer)
        text = process.of(VerifiedCertificateProvider).create_error(news)
    assert f"is not valid before {young.start:%Y-%m-%d}" in text
    assert "wait until then, or have the issuer reissued with an earlier start: a clock was ahead when it was issued" in text
    assert not any(hub.verified().values())
