"""An imported CA with its key in a vault or token issues for devices and connects a canary, without its public key as an input."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hubtrust import signer_inputs
from hubtrust.dynamic.connection_check import ConnectionCheckProvider
from hubtrust.dynamic.issued_batch import IssuedBatchProvider
from hubtrust.pki import issue
from hubtrust.pki.certificate import load_certificate
from hubtrust.pki.signers import KeyInMemory
from tests.kit import key_stores
from tests.kit.authorities import ec_key, name
from tests.kit.device_registry import DeviceRegistry
from tests.kit.hub_client import HubClient
from tests.kit.local_azure import LocalAzure
from tests.kit.provider_process import ProviderProcess
from tests.kit.root_authority import RootAuthority

Signer = dict[str, Any]


@pytest.fixture(params=["key-vault", "pkcs11"])
def imported(request: pytest.FixtureRequest) -> Callable[[RootAuthority], Signer]:
    """Imports the authority's key into that custody; the input has only its address."""

    def given(authority: RootAuthority) -> Signer:
        label = f"imported-{uuid.uuid4().hex[:8]}"
        if request.param == "key-vault":
            vault: key_stores.Vault = request.getfixturevalue("vault")
            return signer_inputs.in_key_vault(vault.give(label, authority.key))
        tokens: key_stores.Tokens = request.getfixturevalue("tokens")
        return signer_inputs.in_token(tokens.give("plant", label, authority.key), pin_variable=key_stores.PIN_VARIABLE)

    return given


@pytest.fixture
def registry(azure: LocalAzure) -> Iterator[DeviceRegistry]:
    """A hub of the test's own whose devices the deployer may manage."""
    client = HubClient(azure, azure.hub())
    with client.http:
        found = DeviceRegistry(azure, client)
        found.grant()
        yield found


def test_an_imported_key_signs_a_batch(process: ProviderProcess, imported: Callable[[RootAuthority], Signer]) -> None:
    """The issuer's certificate has the public key that must sign; afterwards there is no difference."""
    authority = RootAuthority()
    request = issue.request(KeyInMemory(ec_key()), subject=name("press-001")).pem
    news = {"requests": request, "issuerCertificate": authority.pem, "signer": imported(authority)}
    batches = process.of(IssuedBatchProvider)
    created = batches.create(news)
    assert load_certificate(created.outs["certificates"][0], what="certificate").is_signed_by(authority.certificate.public_key()) is True
    assert batches.diff(created, news).changes is False


def test_an_imported_key_connects_a_canary(
    process: ProviderProcess, imported: Callable[[RootAuthority], Signer], registry: DeviceRegistry
) -> None:
    """The chain has the public key that must sign; the device connects."""
    authority = RootAuthority()
    hub = registry.client.hub
    hub.put("plant-a", authority.pem, isVerified=True)
    registry.client.put("press-001")
    news = {
        "hubId": hub.id,
        "hostName": registry.client.host,
        "deviceId": "press-001",
        "chain": authority.pem,
        "signer": imported(authority),
        "trust": [{"name": "plant-a", "thumbprint": authority.thumbprint, "state": "verified", "verified": True}],
        "deadline": 5,
    }
    checks = process.of(ConnectionCheckProvider)
    created = checks.create(news)
    assert (created.outs["state"], created.outs["certificationPath"]) == ("connected", "press-001 < Plant A")
    assert checks.diff(created, news).changes is False
