"""Errors with a key in a vault: one line with the fact and the remedy, and the next run continues."""

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from hubtrust.dynamic.signing_key import SigningKeyProvider
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from hubtrust.signer_inputs import in_key_vault
from tests.kit import key_stores
from tests.kit.authorities import ec_key, rsa_key
from tests.kit.key_stores import Vault
from tests.kit.local_azure import Hub, LocalAzure
from tests.kit.provider_process import Provider, ProviderProcess
from tests.kit.root_authority import RootAuthority

Fault = Callable[..., AbstractContextManager[None]]


@pytest.fixture
def faulty(azure: LocalAzure, vault: Vault) -> Fault:
    """Sets a fault at the vault inside a `with` block."""

    @contextmanager
    def injected(fault: str, **more: Any) -> Iterator[None]:
        azure.control("POST", "/faults", {"fault": fault, "host": f"{vault.name}.*", **more})
        try:
            yield
        finally:
            azure.control("DELETE", "/faults")

    return injected


def declared(hub: Hub, authority: RootAuthority, key: str) -> dict[str, Any]:
    return {"serviceId": hub.id, "certificate": authority.pem, "name": "plant-a", "signer": in_key_vault(key), "deadline": 90}


@pytest.mark.parametrize(
    ("signer", "match"),
    [
        ({"custody": "key-vault"}, "custody 'key-vault' needs a key; give the key's id"),
        (
            in_key_vault("https://kv.example.com/keys/a"),
            "it is not the id of a key in Azure Key Vault; write it as https://<vault>",
        ),
        (in_key_vault("https://kv.vault.azure.net/secrets/a"), "it is not the id of a key in Azure Key Vault"),
        (in_key_vault("http://kv.vault.azure.net/keys/a"), "it is not the id of a key in Azure Key Vault"),
        (
            in_key_vault("https://kv.vault.azure.net/keys/a", public_key="noise"),
            "signer.publicKey: it contains no certificate, key or request",
        ),
        (
            in_key_vault("https://kv.vault.azure.net/keys/a") | {"pin": "1"},
            "custody 'key-vault' does not take pin; use only custody, hsm, key, publicKey",
        ),
        ({"custody": "state", "privateKey": "noise"}, "it contains no certificate, key or request"),
        ({"custody": "offline"}, "custody 'offline' has no key in a vault or token; use key-vault or pkcs11"),
    ],
)
def test_invalid_signers_are_refused_by_check(keys: Provider, signer: dict[str, Any], match: str) -> None:
    """Refused without any request; the property is not named to the engine, which would print its value."""
    ((name, reason),) = keys.check({"signer": signer}).failures
    assert (name, bool(re.search(match, reason))) == ("", True), reason


def test_invalid_keys_to_create_are_refused_by_check(keys: Provider, issuing: Provider) -> None:
    """An unknown algorithm, and a root whose key has no known public half, are refused."""
    signer = in_key_vault("https://kv.vault.azure.net/keys/a")
    assert "there is no algorithm 'dsa'; use ec-p256" in keys.check({"signer": signer, "make": "dsa"}).failures[0][1]
    root = issuing.check({"profile": "root", "subject": "CN=A", "signer": signer}).failures[0][1]
    assert root == "signer: the key is in a vault or token, and its public key is not known; set publicKey (an output of SigningKey)"


def test_a_missing_vault_is_reported(keys: Provider) -> None:
    """A vault whose name can't be resolved is reported."""
    text = keys.create_error({"signer": in_key_vault(f"https://none-{uuid.uuid4().hex[:8]}.vault.azure.net/keys/a")})
    assert "the vault can't be reached: " in text
    assert "check the vault's name; let the proxy connect to" in text


def test_a_missing_key_is_reported(keys: Provider, vault: Vault) -> None:
    """A name or version that does not exist is reported; a key is never created for a named version."""
    assert "Key Vault answers 404 KeyNotFound: " in keys.create_error({"signer": in_key_vault(f"{vault.uri}/keys/none")})
    text = keys.create_error({"signer": in_key_vault(f"{vault.uri}/keys/none/{'0' * 32}"), "make": "ec-p256"})
    assert "check the name and the version, or let the key be created here" in text


def test_a_disabled_key_is_reported(proving: Provider, hub: Hub, vault: Vault) -> None:
    """A disabled key can be read and does not sign; once it is enabled, the next run proves."""
    authority = RootAuthority()
    key = vault.give(f"off-{uuid.uuid4().hex[:8]}", authority.key)
    name, version = key.split("/")[-2:]
    vault.keys.update_key_properties(name, version, enabled=False)
    text = proving.create_error(declared(hub, authority, key))
    assert "Key Vault answers 403 KeyDisabled: Operation sign is not allowed on a disabled key; enable it (az keyvault" in text
    vault.keys.update_key_properties(name, version, enabled=True)
    assert proving.create(declared(hub, authority, key)).outs["proof"] == "possession"


def test_a_key_without_the_sign_operation_is_refused(proving: Provider, hub: Hub, vault: Vault) -> None:
    """A key whose operations lack `sign` is refused with the remedy."""
    authority = RootAuthority(key=rsa_key())
    key = vault.give(f"wrap-{uuid.uuid4().hex[:8]}", authority.key, ("wrapKey", "unwrapKey"))
    text = proving.create_error(declared(hub, authority, key))
    assert "403 KeyOperationForbidden: Operation sign is not permitted on this key; add `sign`" in text


def test_a_key_on_an_unsupported_curve_is_refused(keys: Provider, vault: Vault) -> None:
    """A key on a curve that Azure IoT does not accept is refused."""
    key = vault.give(f"koblitz-{uuid.uuid4().hex[:8]}", ec.generate_private_key(ec.SECP256K1()))
    assert "its EC key is on the curve secp256k1; use P-256 or P-384" in keys.create_error({"signer": in_key_vault(key)})


@pytest.mark.parametrize("key", [ec_key(), rsa_key()], ids=["another key", "another type"])
def test_the_key_of_another_certificate_signs_nothing(proving: Provider, hub: Hub, vault: Vault, key: Any) -> None:
    """The vault's key is not the certificate's: it signs nothing, and a run with the right id proves with the existing code."""
    authority, wrong = RootAuthority(), vault.give(f"other-{uuid.uuid4().hex[:8]}", key)
    text = proving.create_error(declared(hub, authority, wrong))
    assert "the certificate's own is" in text
    assert "give the key that belongs to this certificate, in a vault with its version" in text
    right = vault.give(f"right-{uuid.uuid4().hex[:8]}", authority.key)
    assert proving.create(declared(hub, authority, right)).outs["proof"] == "possession"


@pytest.mark.parametrize(("role", "verb"), [("Key Vault Reader", "sign"), ("Reader", "read")])
def test_a_login_without_the_key_role_is_refused(azure: LocalAzure, vault: Vault, role: str, verb: str) -> None:
    """A login that may not sign, or not even read, is refused with the action and the role to assign."""
    authority = RootAuthority()
    key = vault.give(f"denied-{uuid.uuid4().hex[:8]}", authority.key)
    who = key_stores.principal(azure, role)
    with ProviderProcess(
        key_stores.environment(azure, None, ARM_CLIENT_ID=who["client_id"], ARM_CLIENT_SECRET=who["client_secret"])
    ) as process:
        looked = process.of(SigningKeyProvider)
        if verb == "sign":
            assert looked.create({"signer": in_key_vault(key)}).outs["key"] == "EC P-256"
            text = looked.create_error({"signer": in_key_vault(key), "subject": "CN=A"})
        else:
            text = looked.create_error({"signer": in_key_vault(key)})
    assert "Key Vault answers 403 ForbiddenByRbac: Caller is not authorized to perform action on resource" in text
    assert "give this identity the role Key Vault Crypto User on the key" in text
    assert who["client_id"] not in text, "one line, not Azure's ten"


def test_a_wrong_client_secret_is_reported(azure: LocalAzure, vault: Vault) -> None:
    """A wrong client secret: the error has the login's own words and what to do."""
    with ProviderProcess(key_stores.environment(azure, None, ARM_CLIENT_SECRET="wrong")) as process:
        text = process.of(SigningKeyProvider).create_error({"signer": in_key_vault(f"{vault.uri}/keys/a")})
    assert "AADSTS7000215" in text
    assert "check the tenant, the client id and the secret" in text


@pytest.mark.parametrize("fault", ["429", "503", "500", "drop"])
@pytest.mark.parametrize("call", ["GET", "POST"])
def test_temporary_faults_at_the_vault_are_retried(proving: Provider, hub: Hub, vault: Vault, faulty: Fault, fault: str, call: str) -> None:
    """A throttle, an outage or a dropped connection, while reading or signing: the same run proves."""
    authority = RootAuthority()
    key = vault.give(f"faulty-{uuid.uuid4().hex[:8]}", authority.key)
    with faulty(fault, method=call, times=1, **({"retry_after": 0} if fault == "429" else {})):
        assert proving.create(declared(hub, authority, key)).outs["proof"] == "possession"


@pytest.mark.parametrize("fault", ["html", "foreign", "deep", "redirect", "bomb"])
def test_an_answer_that_is_not_the_vaults_is_asked_again(proving: Provider, hub: Hub, vault: Vault, faulty: Fault, fault: str) -> None:
    """Once at every call: the same run proves. Always: the error says that the answer is not the vault's, and nothing was proven."""
    authority = RootAuthority()
    key = vault.give(f"lies-{uuid.uuid4().hex[:8]}", authority.key)
    with faulty(fault, times=1, when="after"):
        proven = proving.create(declared(hub, authority, key))
    assert proven.outs["proof"] == "possession"
    proving.delete(proven)
    with faulty(fault, path="*/sign", when="after"):
        text = proving.create_error(declared(hub, authority, key))
    told = "a web page answered|redirected to|the answer is not|broke off|larger than|closed before an answer came"
    assert re.search(rf"^[^;]*({told})[^;]*; .*(proxy|PROXY)", text), text
    assert hub.verified() == {f"plant-a-g1-{authority.thumbprint[:8].lower()}": False}


def test_a_key_that_is_denied_for_a_moment_is_not_created_again(keys: Provider, vault: Vault, faulty: Fault) -> None:
    """404 twice for a key that exists: it is asked again, because to create it would make another key, under the same name."""
    key = vault.give(f"there-{uuid.uuid4().hex[:8]}", ec_key())
    name = key.split("/")[-2]
    with faulty("404", path=f"/keys/{name}", times=2):
        found = keys.create({"signer": in_key_vault(f"{vault.uri}/keys/{name}"), "make": "ec-p256"})
    assert found.outs["reference"] == key


def test_a_vault_that_always_throttles_is_reported(proving: Provider, hub: Hub, vault: Vault, faulty: Fault) -> None:
    """A vault that always throttles is reported, and the next run proves with the existing code."""
    authority = RootAuthority()
    key = vault.give(f"busy-{uuid.uuid4().hex[:8]}", authority.key)
    with faulty("429", path="*/sign", retry_after=0):
        assert "Key Vault answers 429 VaultRequestTypeLimitReached: " in proving.create_error(declared(hub, authority, key))
    assert proving.create(declared(hub, authority, key)).outs["proof"] == "possession"


def test_a_lost_response_to_creating_a_key_is_recovered(keys: Provider, vault: Vault, faulty: Fault) -> None:
    """The vault's response to creating a key is lost: the same run ends with the key's newest version."""
    name = f"lost-{uuid.uuid4().hex[:8]}"
    with faulty("drop", path="*/create", when="after", times=1):
        created = keys.create({"signer": in_key_vault(f"{vault.uri}/keys/{name}"), "make": "ec-p256"})
    assert created.outs["reference"] == vault.keys.get_key(name).id


def test_read_diff_and_delete_send_nothing_to_the_vault(hub: Hub, azure: LocalAzure, vault: Vault) -> None:
    """Read, diff and delete send no request to the vault: a drift check needs no key."""
    authority = RootAuthority()
    key = vault.give(f"quiet-{uuid.uuid4().hex[:8]}", authority.key)
    with ProviderProcess(key_stores.environment(azure, None)) as process:
        proving = process.of(VerifiedCertificateProvider)
        created = proving.create(declared(hub, authority, key))
        azure.control("DELETE", "/requests")
        read = proving.read(created)
        assert read is not None
        assert proving.diff(read, created.inputs).changes is False
        proving.delete(read)
    assert not [entry for entry in azure.control("GET", "/requests") if entry["host"].startswith(vault.name)]
