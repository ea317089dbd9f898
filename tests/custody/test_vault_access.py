"""VaultAccess: the wait for a role, what ends it, and what is said of a vault that stays."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from hubtrust.custody.key_id import VaultId
from hubtrust.custody.vault_client import RoleMissingError, VaultClient
from hubtrust.dynamic.signing_key import SigningKeyProvider
from hubtrust.dynamic.vault_access import VaultAccessProvider
from hubtrust.pki.certificate import rfc3339
from hubtrust.pki.keys import load_public_key
from hubtrust.signer_inputs import in_key_vault
from tests.kit import key_stores
from tests.kit.key_stores import OFFICER, Vault
from tests.kit.local_azure import LocalAzure
from tests.kit.provider_process import UNKNOWN, Provider, ProviderProcess


def test_a_new_role_is_waited_for_and_then_keys_are_made(azure: LocalAzure, vault: Vault) -> None:
    """The role takes ten minutes of Azure's time: the create goes on, one line says what for, and keys can be made afterwards.

    At the end, the delete says that the vault stays.
    """
    signer = azure.control("POST", "/principals", {})
    login = {"ARM_CLIENT_ID": signer["client_id"], "ARM_CLIENT_SECRET": signer["client_secret"]}
    with ProviderProcess(key_stores.environment(azure, None, **login)) as process, ThreadPoolExecutor(1) as background:
        access, keys = process.of(VaultAccessProvider), process.of(SigningKeyProvider)
        declared: dict[str, Any] = {"uri": vault.uri, "roles": ["given today"]}
        azure.control("DELETE", "/requests")
        azure.control("PATCH", "/settings", {"role_delay_seconds": 600})
        try:
            _give(azure, signer["object_id"])
            waiting = background.submit(access.create, declared)
            azure.until(lambda: any(one["status"] == 403 for one in azure.control("GET", f"/requests?about={vault.name}")))
            assert not waiting.done()
            azure.control("PUT", "/clock", {"advance": 601})
            created = waiting.result(30)
        finally:
            azure.control("PATCH", "/settings", {"role_delay_seconds": 0})
            azure.control("DELETE", "/clock")
        assert created.outs == declared
        name = uuid.uuid4().hex
        wanted = {"signer": in_key_vault(f"{vault.uri}/keys/{name}", hsm=True), "make": "ec-p384"}
        made = keys.create(wanted)
        assert made.outs["hardware"] is True
        assert made.outs["created"] == rfc3339(vault.keys.get_key(name).properties.created_on)
        vault.keys.begin_delete_key(name).wait()
        assert keys.create(wanted).outs == made.outs, "it is recovered, not made anew"
        smaller = wanted | {"make": "ec-p256"}
        assert keys.check(smaller, wanted).failures == []
        assert not keys.diff(made, smaller).changes
        assert keys.create(smaller).outs == made.outs, "a key keeps its algorithm"
        assert isinstance(load_public_key(made.outs["publicKey"], what="key"), ec.EllipticCurvePublicKey)
        assert not access.diff(created, declared).changes
        assert access.diff(created, {**declared, "roles": [UNKNOWN]}).replaces == []
        assert access.diff(created, {**declared, "uri": "https://other.vault.azure.net"}).replaces == ["uri"]
        assert "it is not the URI of a vault" in access.create_error({"uri": "https://plant.example.com"})
        access.delete(created)
    line = f"vault '{vault.name}': waiting for this login's role on its keys to take effect; Azure takes up to 10 minutes for a new one"
    assert process.printed.count(line) == 1
    assert process.printed.count(f"/keys/{name}' was deleted in its vault and is recovered: it is the same key as before") == 1
    assert f"/keys/{name}' stays ec-p384: a key keeps its algorithm; ec-p256 is for keys of the next generation" in process.printed
    assert f"/keys/{name}' exists already and is used as it is: it is EC P-384, not EC P-256" in process.printed
    assert f"vault '{vault.name}' is not deleted, with its keys and its resource group: the next `up`" in process.printed


def test_a_software_key_is_no_key_in_an_hsm(keys: Provider, vault: Vault) -> None:
    """One that is there is refused where a key in the HSM is declared; a state without the word asks once, and changes nothing."""
    address = vault.give(uuid.uuid4().hex, ec.generate_private_key(ec.SECP256R1()))
    declared = {"signer": in_key_vault(address)}
    created = keys.create(declared)
    hardware = {"signer": in_key_vault(address, hsm=True)}
    assert "hardware" not in created.outs
    assert keys.diff(created, hardware).changes
    refused = keys.create_error(hardware)
    assert "it is a software key, and a key in an HSM is declared; Azure can't move a key into an HSM; begin the next generation" in refused
    assert "hsm is 'true'" in keys.create_error({"signer": {**in_key_vault(address), "hsm": "true"}})


def test_a_vault_that_can_not_be_used_from_here_is_one_line(azure: LocalAzure, keys: Provider, process: ProviderProcess) -> None:
    """Of another tenant, with access policies, with a closed network: at once, for a key and for the wait, each with what to do."""
    other = str(uuid.uuid4())
    for properties, line in (
        (
            {"tenantId": other},
            "the vault is in another tenant: log in to that one (az login --tenant, ARM_TENANT_ID), or use a vault of this",
        ),
        ({"enableRbacAuthorization": False}, "let the vault use roles (az keyvault update --enable-rbac-authorization true), or allow get"),
        ({"publicNetworkAccess": "Disabled"}, "run where the vault's private endpoint can be reached, or allow its public network access"),
        ({"networkAcls": {"defaultAction": "Deny"}}, "allow this machine's address in the vault's firewall, or run where the vault can be"),
    ):
        closed = key_stores.vault(azure)
        vaults = f"/subscriptions/{azure.ready['subscription_id']}/providers/Microsoft.KeyVault/vaults"
        found = next(one for one in azure.ask("GET", vaults).json()["value"] if one["name"] == closed.name)
        changed = {name: value for name, value in found["properties"].items() if name in ("sku", "tenantId")}
        body = {"location": found["location"], "properties": changed | {"enableRbacAuthorization": True, "accessPolicies": []} | properties}
        azure.ask("PUT", found["id"], json=body)
        refused = keys.create_error({"signer": in_key_vault(f"{closed.uri}/keys/ca"), "make": "ec-p256"})
        assert line in refused
        assert line in process.of(VaultAccessProvider).create_error({"uri": closed.uri})


class Refused(VaultClient):
    """A vault that never lets anybody in."""

    calls = 0

    def _probe(self) -> None:
        Refused.calls += 1
        raise RoleMissingError("vault 'plant'", "Key Vault answers 403 ForbiddenByRbac", "give a role")


def test_a_role_that_never_comes_ends_in_one_line() -> None:
    """The error says how long it was waited for, and what to do."""
    with pytest.raises(RoleMissingError) as raised:
        Refused(VaultId.read("https://plant.vault.azure.net")).wait_for_access(1.5)
    assert "no role of this login on its keys has taken effect within " in str(raised.value)
    assert "give this login Key Vault Crypto Officer on the vault, or run again in some minutes" in str(raised.value)
    assert Refused.calls >= 2


def _give(azure: LocalAzure, principal: str) -> None:
    """The role Key Vault Crypto Officer, by an assignment, which takes its time."""
    subscription = f"/subscriptions/{azure.ready['subscription_id']}"
    definition = f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{OFFICER}"
    body = {"properties": {"roleDefinitionId": definition, "principalId": principal, "principalType": "ServicePrincipal"}}
    url = f"{subscription}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}?api-version=2022-04-01"
    azure.http.put(url, headers=azure.token, json=body).raise_for_status()
