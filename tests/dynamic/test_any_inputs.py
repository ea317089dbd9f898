"""Inputs of any type and text: `check` of each resource takes them or names what is wrong, in printable lines; never a traceback."""

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from hypothesis import given
from hypothesis import strategies as st

from hubtrust.devices.roster_files import from_ids
from hubtrust.dynamic.authority_generation import AuthorityGenerationProvider
from hubtrust.dynamic.authority_request import AuthorityRequestProvider
from hubtrust.dynamic.connection_check import ConnectionCheckProvider
from hubtrust.dynamic.device_fleet import DeviceFleetProvider
from hubtrust.dynamic.device_identity import DeviceIdentityProvider
from hubtrust.dynamic.enrollment_group import EnrollmentGroupProvider
from hubtrust.dynamic.hub_owner import HubOwnerProvider
from hubtrust.dynamic.individual_enrollment import IndividualEnrollmentProvider
from hubtrust.dynamic.issued_batch import IssuedBatchProvider
from hubtrust.dynamic.issued_certificate import IssuedCertificateProvider
from hubtrust.dynamic.lifecycle import Reconciler
from hubtrust.dynamic.possession_proof import PossessionProofProvider
from hubtrust.dynamic.signing_key import SigningKeyProvider
from hubtrust.dynamic.vault_access import VaultAccessProvider
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from hubtrust.inputs import wire_name
from tests.kit.authorities import ec_key, name
from tests.kit.device_certificates import Party
from tests.kit.root_authority import RootAuthority

PLANT = RootAuthority()
REQUEST = (
    x509.CertificateSigningRequestBuilder()
    .subject_name(name("press-1"))
    .sign(ec_key(), hashes.SHA256())
    .public_bytes(serialization.Encoding.PEM)
    .decode()
)
SIGNER = {"custody": "state", "privateKey": PLANT.private_pem}
TOKEN = {"custody": "pkcs11", "key": "pkcs11:token=a;object=b", "pin": "84017263"}
HUB = {
    "hubId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/hub-7",
    "hostName": "hub-7.azure-devices.net",
    "cloud": "public",
}
OWNED = HUB | {"deadline": 30, "owner": {"stack": "o/p/s", "urn": "urn:it"}}
ISSUED = {"issuerCertificate": PLANT.pem, "signer": SIGNER, "lifetimeDays": 30, "renewBeforeDays": 3, "cloud": "public"}
ENROLLED = {
    "serviceId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/provisioningServices/dps-7",
    "hostName": "dps-7.azure-devices-provisioning.net",
    "hubs": ["hub-7.azure-devices.net"],
    "allocation": "custom",
    "webhook": "https://f.example/api?code=1",
    "webhookVersion": "2019-03-31",
    "tags": '{"a": 1}',
    "edge": True,
    "reprovision": "reset",
    "status": "disabled",
    "revokeDevices": False,
    "adopt": True,
    "skip": "later",
}
DEVICE = Party("press-1", authority=False)
TRUST = [{"name": "a", "thumbprint": "B" * 40, "etag": "E", "state": "verified", "verified": True}]
# Valid inputs of each resource.
VALID: dict[type[Reconciler[Any]], dict[str, Any]] = {
    VerifiedCertificateProvider: {
        "serviceId": HUB["hubId"],
        "certificate": PLANT.pem,
        "name": "plant",
        "generation": 1,
        "signer": SIGNER,
        "cloud": "public",
        "adopt": ["A" * 40],
        "reprove": "E7",
    },
    IssuedCertificateProvider: ISSUED | {"profile": "device", "deviceId": "press-1", "request": REQUEST},
    IssuedBatchProvider: ISSUED | {"requests": REQUEST},
    AuthorityGenerationProvider: HUB
    | {"authority": "a", "generation": 2, "keepPrevious": False, "devicesOf": "o/p/s", "dropGeneration": 1},
    AuthorityRequestProvider: {"signer": SIGNER, "subject": "CN=Plant"},
    PossessionProofProvider: {"signer": SIGNER, "certificate": PLANT.pem, "code": "4F2A91C0" * 6, "cloud": "public"},
    VaultAccessProvider: {"uri": "https://plant.vault.azure.net", "roles": ["given"]},
    SigningKeyProvider: {"signer": TOKEN, "make": "ec-p256", "subject": "CN=Plant"},
    HubOwnerProvider: {"stack": "o/p/s"},
    DeviceIdentityProvider: OWNED
    | {"deviceId": "press-1", "status": "disabled", "reason": "stolen", "edge": True, "tags": '{"a": 1}', "adopt": ["press-1"]},
    DeviceFleetProvider: OWNED | {"members": from_ids(["a", "b"]).pack(), "adopt": ["a"], "noDevices": False, "deleteDevices": 1},
    EnrollmentGroupProvider: ENROLLED | {"groupId": "presses", "signingCertificates": [PLANT.pem]},
    IndividualEnrollmentProvider: ENROLLED | {"registrationId": "press-1", "deviceId": "press-1", "certificates": [DEVICE.pem]},
    ConnectionCheckProvider: HUB | {"deviceId": "press-1", "chain": PLANT.pem, "signer": SIGNER, "trust": TRUST, "enabled": True},
}
_ODD_TEXTS = ("https://[::1", "http://x:99999999", "pkcs11:", "CN=", "CN=\\", "press-{1..99999999999999999999}", "9" * 5000, "[" * 100_000)
_TEXTS = st.text(max_size=40) | st.sampled_from(_ODD_TEXTS) | st.sampled_from([PLANT.pem, PLANT.private_pem, REQUEST, "1.AAAA", "\ud800"])
_ANY = st.recursive(
    st.booleans() | st.floats() | st.integers(-(2**70), 2**70) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["custody", "key", "stack", "a", ""]), inner, max_size=3),
    max_leaves=6,
)
_SIGNERS = st.fixed_dictionaries(
    {"custody": st.sampled_from(["state", "offline", "key-vault", "pkcs11"]) | _ANY},
    optional=dict.fromkeys(("privateKey", "passphrase", "key", "publicKey", "hsm", "pin", "pinVariable"), _ANY),
)


def failures(provider: type[Reconciler[Any]], news: dict[str, Any]) -> list[str]:
    """What `check` says."""
    return [failure.reason for failure in provider().check({}, news).failures or []]


@pytest.mark.parametrize("provider", VALID, ids=lambda provider: provider.__name__)
def test_valid_inputs_are_taken(provider: type[Reconciler[Any]]) -> None:
    """So that what is refused below is refused for the input that was changed."""
    assert failures(provider, VALID[provider]) == []
    assert VALID[provider].keys() <= {wire_name(declared) for declared in provider.inputs.declarations()}


@given(st.data(), st.sampled_from(sorted(VALID, key=lambda provider: provider.__name__)))
def test_any_input_is_taken_or_told(draw: st.DataObject, provider: type[Reconciler[Any]]) -> None:
    """One or two inputs are anything at all."""
    names = sorted(wire_name(declared) for declared in provider.inputs.declarations())
    changed = draw.draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True))
    news = VALID[provider] | {name: draw.draw(_SIGNERS | _ANY if name == "signer" else _ANY) for name in changed}
    for reason in failures(provider, news):
        assert reason.isprintable()
        assert len(reason) < 7000
        assert PLANT.private_pem.splitlines()[1] not in reason
