"""Key vaults at ARM: their life with soft delete, what may change, names, and rights."""

import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest

from local_azure_iot import host_names
from local_azure_iot.key_vault import vault_lifecycle, vaults
from local_azure_iot.login import principals
from local_azure_iot.resource_manager import role_assignments
from local_azure_iot.resource_manager.access import ROLES
from local_azure_iot.resource_manager.resource_ids import ResourceId
from local_azure_iot.settings import Settings
from tests.local_azure.in_process import ARM, GROUPS, InProcess

VERSION = "2024-11-01"
OFFICER = next(role.id for role in ROLES.values() if role.name == "Key Vault Crypto Officer")


def at(path: str, version: str = VERSION) -> str:
    """With an api-version."""
    return f"{path}?api-version={version}"


def body(azure: InProcess, **properties: Any) -> dict[str, Any]:
    """The body of a PUT: a vault with roles."""
    known = {"tenantId": azure.azure.tokens.tenant_id, "sku": {"family": "A", "name": "standard"}, "enableRbacAuthorization": True}
    return {"location": "westeurope", "properties": known | properties}


def vault_path(azure: InProcess, group: str = "", name: str = "") -> str:
    """The path of a vault in a new group."""
    return f"{group or azure.group()}/providers/Microsoft.KeyVault/vaults/{name or f'kv-{uuid.uuid4().hex[:8]}'}"


def key_at(azure: InProcess, vault: str, *, method: str = "GET", key: str = "a") -> int:
    """The status of a request for a key, by a principal that may do anything with keys."""
    principal = principals.find(azure.azure.store, principals.directory(azure.azure.store).client_id)
    assert principal
    with azure.azure.store.transaction():
        role_assignments.grant(azure.azure, object_id=principal.object_id, role_id=OFFICER, scope=vault, name=str(uuid.uuid4()))
    token = azure.azure.tokens.issue(principal, "https://vault.azure.net")
    host = f"{vault.rpartition('/')[2]}.vault.azure.net"
    path, sent = (f"/keys/{key}/create", {"kty": "EC"}) if method == "POST" else (f"/keys/{key}", None)
    return azure.ask(method, at(path, "7.4"), sent, host=host, token=token).status


def resolves(azure: InProcess, vault: str) -> bool:
    """Whether the vault's host name resolves."""
    destination = host_names.destination(f"{vault.rpartition('/')[2]}.vault.azure.net")
    assert destination
    return vaults.resolves(azure.azure, destination)


def test_a_vault_from_creation_over_recovery_to_purge(azure: InProcess) -> None:
    """The host name and the keys go with the vault and come back with it, its roles don't; a purge ends both."""
    azure.azure.settings = Settings(operation_seconds=5)
    vault = vault_path(azure)
    name, where = vault.rpartition("/")[2], f"/subscriptions/{azure.subscription}/providers/Microsoft.KeyVault"
    deleted = f"{where}/locations/westeurope/deletedVaults/{name}"
    created = azure.must("PUT", at(vault), body(azure, enabledForDeployment=None, networkAcls={"defaultAction": "allow"}))
    assert created["properties"]["provisioningState"] == "RegisteringDns"
    assert not resolves(azure, vault)
    azure.azure.clock.advance(5)
    assert resolves(azure, vault)
    assert azure.must("GET", at(vault))["properties"] == {
        "sku": {"family": "A", "name": "standard"},
        "tenantId": azure.azure.tokens.tenant_id,
        "networkAcls": {"bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": []},
        "accessPolicies": [],
        "enabledForDeployment": False,
        "enableSoftDelete": True,
        "softDeleteRetentionInDays": 90,
        "enableRbacAuthorization": True,
        "vaultUri": f"https://{name}.vault.azure.net/",
        "provisioningState": "Succeeded",
        "publicNetworkAccess": "Enabled",
    }
    assert key_at(azure, vault, method="POST") == 200
    assert azure.ask("DELETE", at(vault)).status == 200
    assert azure.ask("GET", at(vault)).code == "ResourceNotFound"
    assert not resolves(azure, vault)
    assert azure.ask("PUT", at(vault), body(azure)).code == "ConflictError"
    assert [each["name"] for each in azure.must("GET", at(f"{where}/deletedVaults"))["value"]] == [name]
    assert azure.must("GET", at(deleted))["properties"]["vaultId"] == vault
    assert azure.ask("GET", at(deleted.replace("westeurope", "westus"))).code == "DeletedVaultNotFound"
    assert azure.ask("PUT", at(vault), body(azure, createMode="recover") | {"location": "westus"}).code == "SoftDeletedVaultDoesNotExist"
    recovered = azure.must("PUT", at(vault), body(azure, createMode="recover", publicNetworkAccess="Disabled"))
    assert recovered["properties"]["publicNetworkAccess"] == "Enabled", "Azure ignores the properties of a recovery"
    assert azure.azure.store.count(role_assignments.ASSIGNMENT) == 1, "only the deployer's own role is left"
    assert key_at(azure, vault) == 200
    azure.must("DELETE", at(vault))
    purge = azure.ask("POST", at(f"{deleted}/purge"))
    poll = urlsplit(purge.headers["location"])
    assert azure.ask("GET", f"{poll.path}?{poll.query}").status == 202
    assert azure.ask("PUT", at(vault), body(azure, createMode="recover")).code == "ConflictError"
    azure.azure.clock.advance(5)
    assert azure.must("GET", f"{poll.path}?{poll.query}")["status"] == "Succeeded"
    assert azure.ask("POST", at(f"{deleted}/purge")).code == "DeletedVaultNotFound"
    azure.must("PUT", at(vault), body(azure))
    azure.azure.clock.advance(5)
    assert key_at(azure, vault) == 404


def test_vaults_of_a_deleted_group_are_soft_deleted(azure: InProcess) -> None:
    """They can be recovered once the group is there again, and are gone when their retention is over."""
    vault = vault_path(azure)
    group = vault.partition("/providers/")[0]
    azure.must("PUT", at(vault), body(azure, softDeleteRetentionInDays=7, enablePurgeProtection=True))
    azure.must("DELETE", at(group, GROUPS))
    assert azure.ask("PUT", at(vault), body(azure, createMode="recover")).code == "ResourceGroupNotFound"
    azure.group(group.rpartition("/")[2])
    found = azure.must("GET", at(f"/subscriptions/{azure.subscription}/providers/Microsoft.KeyVault/deletedVaults"))["value"][0]
    assert found["properties"]["purgeProtectionEnabled"] is True
    refused = azure.ask("POST", at(f"{found['id']}/purge"))
    assert (refused.status, refused.code) == (405, "MethodNotAllowed")
    azure.must("PUT", at(vault), body(azure, createMode="recover"))
    assert [each["id"] for each in azure.must("GET", at(f"{group}/providers/Microsoft.KeyVault/vaults"))["value"]] == [vault]
    azure.must("DELETE", at(vault))
    azure.azure.clock.advance(7 * 86400)
    azure.log_in()
    assert azure.must("GET", at(f"/subscriptions/{azure.subscription}/providers/Microsoft.KeyVault/deletedVaults")) == {"value": []}
    assert azure.ask("PUT", at(vault), body(azure)).status == 200


def test_what_of_a_vault_may_change(azure: InProcess) -> None:
    """PUT replaces and PATCH changes; purge protection, soft delete and the retention stay for good."""
    vault = vault_path(azure)
    azure.must("PUT", at(vault), body(azure, enablePurgeProtection=True, enabledForTemplateDeployment=True) | {"tags": {"a": "b"}})
    patched = azure.must("PATCH", at(vault), {"properties": {"publicNetworkAccess": "disabled"}})
    assert (patched["tags"], patched["properties"]["publicNetworkAccess"]) == ({"a": "b"}, "Disabled")
    assert patched["properties"]["enabledForTemplateDeployment"] is True
    replaced = azure.must("PUT", at(vault), body(azure, sku={"family": "A", "name": "Premium"}))
    assert (replaced["tags"], replaced["properties"]["sku"]["name"]) == ({}, "premium")
    assert replaced["properties"]["enablePurgeProtection"] is True
    assert "enabledForTemplateDeployment" not in replaced["properties"]
    for method in ("PUT", "PATCH"):
        for name, value in (("enablePurgeProtection", False), ("enableSoftDelete", False), ("softDeleteRetentionInDays", 30)):
            refused = azure.ask(method, at(vault), body(azure, **{name: value}))
            assert (refused.status, refused.code) == (400, "BadRequest")
            assert f'The property "{name}"' in refused.json()["error"]["message"]
    assert azure.ask("PUT", at(vault), body(azure) | {"location": "westus"}).code == "InvalidResourceLocation"
    assert azure.ask("PUT", at(vault), body(azure, createMode="recover")).code == "SoftDeletedVaultDoesNotExist"


@pytest.mark.parametrize(("wrong", "code"), [
    ({"tenantId": "contoso"}, "BadRequest"),
    ({"tenantId": None}, "BadRequest"),
    ({"sku": {"family": "A", "name": "gold"}}, "BadRequest"),
    ({"sku": None}, "BadRequest"),
    ({"softDeleteRetentionInDays": 6}, "BadRequest"),
    ({"softDeleteRetentionInDays": 91}, "BadRequest"),
    ({"softDeleteRetentionInDays": "90"}, "InvalidRequestContent"),
    ({"createMode": "restore"}, "BadRequest"),
    ({"publicNetworkAccess": "maybe"}, "BadRequest"),
    ({"networkAcls": {"ipRules": [{"value": "nowhere"}]}}, "BadRequest"),
    ({"enableRbacAuthorization": False}, "BadRequest"),
    ({"accessPolicies": [{"tenantId": str(uuid.uuid4()), "objectId": "a", "permissions": {}}]}, "BadRequest"),
    ({"accessPolicies": [{"objectId": "a"}]}, "BadRequest"),
])  # fmt: skip
def test_properties_that_no_vault_can_have(azure: InProcess, wrong: dict[str, Any], code: str) -> None:
    """Each is refused, and no vault is made."""
    vault = vault_path(azure)
    assert azure.ask("PUT", at(vault), body(azure, **wrong)).code == code
    assert azure.ask("GET", at(vault)).code == "ResourceNotFound"


def test_names(azure: InProcess) -> None:
    """A name is unique in a cloud whatever its case, also while its vault is soft-deleted, and in another cloud it is free."""
    vault = vault_path(azure)
    name = vault.rpartition("/")[2]
    azure.must("PUT", at(vault), body(azure))
    check = at(f"/subscriptions/{azure.subscription}/providers/Microsoft.KeyVault/checkNameAvailability")

    def reason(asked: str) -> str | None:
        found: str | None = azure.must("POST", check, {"name": asked, "type": "Microsoft.KeyVault/vaults"}).get("reason")
        return found

    assert (reason(name.upper()), reason(f"{name}x")) == ("AlreadyExists", None)
    for wrong in ("ab", "a" * 25, "1abc", "abc-", "a--b", "a_b"):
        assert reason(wrong) == "AccountNameInvalid"
        assert azure.ask("PUT", at(vault_path(azure, name=wrong)), body(azure)).code == "VaultNameNotValid"
    assert azure.ask("PUT", at(vault_path(azure, name=name.upper())), body(azure)).code == "VaultAlreadyExists"
    azure.must("DELETE", at(vault))
    assert reason(name) == "AlreadyExists"
    elsewhere = ResourceId(cloud=host_names.PUBLIC, subscription=str(uuid.uuid4()), group="theirs", name="their-vault")
    with azure.azure.store.transaction():
        vault_lifecycle.create_with_roles(azure.azure, elsewhere)
    assert azure.ask("PUT", at(vault_path(azure, name="their-vault")), body(azure)).code == "VaultAlreadyExists"
    group = azure.group()
    token = azure.azure.tokens.issue(_deployer(azure), "https://management.usgovcloudapi.net")
    government = {"host": "management.usgovcloudapi.net", "token": token}
    assert azure.ask("PUT", at(group, GROUPS), {"location": "usgovvirginia"}, **government).status == 201
    created = azure.ask("PUT", at(vault_path(azure, group, name)), body(azure) | {"location": "usgovvirginia"}, **government)
    assert created.json()["properties"]["vaultUri"] == f"https://{name}.vault.usgovcloudapi.net"


def test_rights_and_registration(azure: InProcess) -> None:
    """A reader can't make a vault; roles on the vault itself are enough to read it; an unregistered provider makes none."""
    vault = vault_path(azure)
    azure.must("PUT", at(vault), body(azure))
    with azure.azure.store.transaction():
        somebody = principals.create(azure.azure.store, name="somebody")
        reader = next(role.id for role in ROLES.values() if role.name == "Reader")
        role_assignments.grant(azure.azure, object_id=somebody.object_id, role_id=reader, scope=vault, name=str(uuid.uuid4()))
    token = azure.azure.tokens.issue(somebody, f"https://{ARM}")
    refused = azure.ask("PUT", at(vault), body(azure), token=token)
    assert (refused.status, refused.code) == (403, "AuthorizationFailed")
    assert "'Microsoft.KeyVault/vaults/write' over scope" in refused.json()["error"]["message"]
    assert azure.ask("GET", at(vault), token=token).status == 200
    assert azure.ask("GET", at(vault_path(azure)), token=token).status == 403
    azure.must("POST", at(f"/subscriptions/{azure.subscription}/providers/Microsoft.KeyVault/unregister", GROUPS))
    assert azure.ask("PUT", at(vault_path(azure)), body(azure)).code == "MissingSubscriptionRegistration"


def _deployer(azure: InProcess) -> Any:
    return principals.find(azure.azure.store, principals.directory(azure.azure.store).client_id)
