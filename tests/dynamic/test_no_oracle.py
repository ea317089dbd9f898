"""No resource signs a certificate for a verification code, or has a device that would need one: each refuses it before anything is made."""

from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from hubtrust.azure.device_description import DeviceDescription
from hubtrust.devices import roster as rosters
from hubtrust.dynamic.connection_check import ConnectionCheckProvider
from hubtrust.dynamic.device_fleet import DeviceFleetProvider
from hubtrust.dynamic.device_identity import DeviceIdentityProvider
from hubtrust.dynamic.issued_batch import IssuedBatchProvider
from hubtrust.dynamic.issued_certificate import IssuedCertificateProvider
from hubtrust.pki.keys import public_pem
from tests.kit.authorities import ec_key
from tests.kit.provider_process import ProviderProcess
from tests.kit.root_authority import RootAuthority

if TYPE_CHECKING:
    from hubtrust.dynamic.lifecycle import Reconciler

CODES = ["4F2A91C0" * 6, "4f2a91c0" * 6]
PLANT = RootAuthority()
SIGNER = {"custody": "state", "privateKey": PLANT.private_pem}
HUB = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/hub-7"


def request(*names: str) -> str:
    """A device's request with these common names."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each) for each in names])
    created = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(ec_key(), hashes.SHA256())
    return created.public_bytes(serialization.Encoding.PEM).decode()


def packed(code: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A fleet's packed members that were not checked when they were packed."""
    monkeypatch.setattr(rosters, "require_device_id", lambda _: None)
    text = rosters.Roster.of([("press-001", DeviceDescription()), (code, DeviceDescription())]).pack()
    monkeypatch.undo()
    return text


@pytest.mark.parametrize("code", CODES)
def test_every_resource_refuses_it(provider_process: ProviderProcess, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """As the id of a device, in a request, in a fleet, as the canary, and as a CA's name; the reason is in the line."""
    issuing: dict[str, Any] = {"signer": SIGNER, "issuerCertificate": PLANT.pem}
    key = public_pem(ec_key().public_key())
    device = {"profile": "device", "deviceId": "press-001", **issuing}
    cases: list[tuple[type[Reconciler[Any]], dict[str, Any]]] = [
        (IssuedCertificateProvider, device | {"deviceId": code, "publicKey": key}),
        (IssuedCertificateProvider, device | {"deviceId": code, "request": request(code)}),
        (IssuedCertificateProvider, device | {"request": request(code, "press-001")}),
        (IssuedCertificateProvider, {"profile": "intermediate", "subject": f"CN={code}", "publicKey": key, "pathLength": 0, **issuing}),
        (IssuedCertificateProvider, {"profile": "root", "subject": f"CN=Plant A,CN={code}", "signer": SIGNER}),
        (IssuedBatchProvider, {"requests": request("press-001") + request(code), **issuing}),
        (IssuedBatchProvider, {"requests": request("press-001") + request(code, "press-002"), **issuing}),
        (DeviceIdentityProvider, {"hubId": HUB, "owner": {"stack": "o/p/s", "urn": "u"}, "deviceId": code}),
        (DeviceFleetProvider, {"hubId": HUB, "owner": {"stack": "o/p/s", "urn": "u"}, "members": packed(code, monkeypatch)}),
        (ConnectionCheckProvider, {"hubId": HUB, "deviceId": code, "chain": PLANT.pem, "signer": SIGNER}),
    ]
    for provider, news in cases:
        failures = provider_process.of(provider).check(news).failures
        assert [("has the form of an Azure verification code" in reason, "\n" in reason) for _, reason in failures] == [(True, False)], (
            provider.__name__,
            failures,
        )
