"""Every resource that signs refuses, in a preview already, what the path would refuse that will judge it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from OpenSSL import crypto

from hubtrust.dynamic.issued_batch import IssuedBatchProvider
from hubtrust.dynamic.issued_certificate import IssuedCertificateProvider
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from hubtrust.pki.certificate import load_certificates
from hubtrust.pki.keys import public_pem
from local_azure_iot.judge import connection_check
from tests.kit.authorities import Forged, ec_key, name, parsed, pem_of, private_pem
from tests.kit.openssl_keys import made_by_openssl
from tests.kit.provider_process import CallFailedError, ProviderProcess

NOW = datetime.now(UTC).replace(microsecond=0)
DATES: dict[str, Any] = {"start": NOW - timedelta(days=2), "end": NOW + timedelta(days=2000)}
HUB = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/hub-7"
PLANT = x509.NameConstraints([x509.DNSName("plant.example")], None)


def request(device_id: str) -> str:
    """A device's own request."""
    created = x509.CertificateSigningRequestBuilder().subject_name(name(device_id)).sign(ec_key(), hashes.SHA256())
    return created.public_bytes(serialization.Encoding.PEM).decode()


def issuing(*path: Forged) -> dict[str, Any]:
    """The inputs that name this issuer, and those above it."""
    signer = {"custody": "state", "privateKey": private_pem(path[0].key)}
    return {"signer": signer, "issuerCertificate": pem_of(*(one.certificate for one in path))}


def refusals(process: ProviderProcess, by: dict[str, Any], device_id: str) -> list[str]:
    """Why a device, the same in a batch, and an intermediate are refused, or empty; each must fail as well where nobody checks before."""
    key = public_pem(ec_key().public_key())
    cases: list[tuple[type[Any], dict[str, Any]]] = [
        (IssuedCertificateProvider, {"profile": "device", "deviceId": device_id, "publicKey": key, **by}),
        (IssuedBatchProvider, {"requests": request(device_id), **by}),
        (IssuedCertificateProvider, {"profile": "intermediate", "subject": "CN=Below", "publicKey": key, "pathLength": 0, **by}),
    ]
    found = []
    for kind, news in cases:
        provider = process.of(kind)
        reasons = [reason for _, reason in provider.check(news).failures]
        assert all("\n" not in reason for reason in reasons)
        if reasons:
            with pytest.raises(CallFailedError):
                process.call("Create", properties=provider._with_provider(news))
        found.append("; ".join(reasons))
    return found


def test_names_that_a_ca_may_not_name(named_process: ProviderProcess) -> None:
    """The issuer's constraints, and those of the CA above it; what it may name is signed, and connects."""
    constrained = Forged(subject="Constrained", extra=[(PLANT, True)], **DATES)
    below = Forged(subject="Issuing", issuer=constrained, **DATES)
    for path in ((constrained,), (below, constrained)):
        device, batch, intermediate = refusals(named_process, issuing(*path), "press-001")
        for refused in (device, batch):
            assert "'CN=Constrained'" in refused
            assert "does not permit its name 'press-001'; use an authority that allows this name (RFC 5280 4.2.1.10)" in refused
        assert intermediate == "", "it has no name of that form"
        assert refusals(named_process, issuing(*path), "press-001.plant.example") == ["", "", ""]
        news = {"requests": request("press-001.plant.example"), **issuing(*path)}
        created = named_process.of(IssuedBatchProvider).create(news).outs
        sent = load_certificates(created["certificates"][0] + created["issuerChain"], what="chain")
        anchor = constrained.certificate.public_bytes(serialization.Encoding.DER)
        presented = [crypto.X509.from_cryptography(parsed(one)) for one in sent]
        refusal = connection_check.chain_refusal(presented, (anchor,), "press-001.plant.example", NOW)
        assert refusal is None


def test_a_path_that_is_too_long_or_ends_too_early(named_process: ProviderProcess) -> None:
    """The CA above the issuer allows no CA below; or it ends before the issuer does, and then so does what is signed."""
    narrow = Forged(subject="Narrow", path_length=1, **DATES)
    below = Forged(subject="Issuing", issuer=narrow, **DATES)
    device, batch, intermediate = refusals(named_process, issuing(below, narrow), "press-001")
    assert (device, batch) == ("", "")
    assert "'CN=Narrow'" in intermediate
    assert "2 authorities are below it and its path length allows 1" in intermediate
    closed = Forged(subject="Closed", path_length=0, **DATES)
    assert all("allows 0" in one for one in refusals(named_process, issuing(Forged(issuer=closed, **DATES), closed), "press-001"))
    short = Forged(subject="Short", **DATES | {"end": NOW + timedelta(days=40)})
    news = {
        "profile": "device",
        "deviceId": "a",
        "publicKey": public_pem(ec_key().public_key()),
        **issuing(Forged(issuer=short, **DATES), short),
    }
    provider = named_process.of(IssuedCertificateProvider)
    created = provider.create(news)
    assert created.outs["notAfter"] == f"{short.end:%Y-%m-%dT%H:%M:%SZ}"
    assert provider.diff(created, news).changes is False


@pytest.mark.parametrize(
    ("kind", "match"), [("pss", "its RSA key is for RSASSA-PSS only"), ("explicit", "its EC key has explicit parameters")]
)
def test_a_ca_whose_devices_could_never_connect(named_process: ProviderProcess, tmp_path: Path, kind: str, match: str) -> None:
    """Nothing is registered for it, with a proof or attested, and it signs nothing."""
    certificate, key, device_request = made_by_openssl(tmp_path, kind)
    signer = {"custody": "state", "privateKey": key}
    offline = {"custody": "offline"}
    device = {"profile": "device", "deviceId": "press-001", "request": device_request, **issuing(Forged(subject="Plain", **DATES))}
    cases: list[tuple[type[Any], dict[str, Any]]] = [
        (VerifiedCertificateProvider, {"serviceId": HUB, "certificate": certificate, "signer": offline}),
        (VerifiedCertificateProvider, {"serviceId": HUB, "certificate": certificate, "attest": True}),
        (IssuedCertificateProvider, {"profile": "root", "subject": "CN=Own", "signer": signer}),
        (IssuedCertificateProvider, device),
        (IssuedBatchProvider, {"requests": request("press-001"), "issuerCertificate": certificate, "signer": signer}),
        (IssuedBatchProvider, {**issuing(Forged(subject="Plain", **DATES)), "requests": device_request}),
    ]
    for provider, news in cases:
        ((_, reason),) = named_process.of(provider).check(news).failures
        assert match in reason, provider
