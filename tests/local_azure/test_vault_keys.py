"""A vault's keys: who may use them, from where, and soft delete."""

import uuid
from typing import Any

import pytest

from local_azure_iot.login import principals
from local_azure_iot.resource_manager.access import ROLES
from local_azure_iot.settings import Settings
from tests.local_azure.in_process import ROLES as ROLES_VERSION
from tests.local_azure.in_process import Answer, InProcess
from tests.local_azure.test_vaults import at, body, vault_path

OFFICER = next(role.id for role in ROLES.values() if role.name == "Key Vault Crypto Officer")
DIGEST = {"alg": "ES256", "value": "A" * 43}


class Keys:
    """The deployer's requests to one vault, which is created with these properties; `officer` gives the role for keys."""

    def __init__(self, azure: InProcess, *, officer: bool = True, **properties: Any) -> None:
        self.azure, self.path = azure, vault_path(azure)
        found = principals.find(azure.azure.store, principals.directory(azure.azure.store).client_id)
        assert found
        self.principal, self.name = found, self.path.rpartition("/")[2]
        self.change(**properties)
        if officer:
            self.assign()

    def change(self, **properties: Any) -> None:
        """Create or change the vault at ARM."""
        self.azure.must("PUT", at(self.path), body(self.azure, **properties))

    def assign(self) -> None:
        """Give the role at the vault, by ARM."""
        path = f"{self.path}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
        role = f"/subscriptions/{self.azure.subscription}/providers/Microsoft.Authorization/roleDefinitions/{OFFICER}"
        properties = {"roleDefinitionId": role, "principalId": self.principal.object_id}
        self.azure.must("PUT", at(path, ROLES_VERSION), {"properties": properties})

    def ask(self, method: str, path: str, sent: Any = None) -> Answer:
        """One request."""
        token = self.azure.azure.tokens.issue(self.principal, "https://vault.azure.net")
        return self.azure.ask(method, at(path, "7.6"), sent, host=f"{self.name}.vault.azure.net", token=token)

    def error(self, method: str, path: str, sent: Any = None) -> tuple[int, str]:
        """The status and the inner code of an error; its code where it has no inner one."""
        answer = self.ask(method, path, sent)
        error = answer.json()["error"]
        return answer.status, error.get("innererror", error)["code"]


def test_a_role_takes_effect_after_its_spread(azure: InProcess) -> None:
    """`role_delay_seconds` holds for a role at the vault: until then the vault answers ForbiddenByRbac."""
    azure.azure.settings = Settings(role_delay_seconds=60)
    vault = Keys(azure)
    assert vault.error("POST", "/keys/a/create", {"kty": "EC"}) == (403, "ForbiddenByRbac")
    azure.azure.clock.advance(60)
    assert vault.ask("POST", "/keys/a/create", {"kty": "EC"}).status == 200
    assert vault.ask("POST", "/keys/a/sign", DIGEST).status == 200


def test_access_policies(azure: InProcess) -> None:
    """A vault without roles asks its access policies, whatever roles there are; `all` does not contain `purge`."""
    tenant = azure.azure.tokens.tenant_id
    vault = Keys(azure, accessPolicies=[])

    def allow(*permissions: str) -> None:
        policy = {"tenantId": tenant, "objectId": vault.principal.object_id.upper(), "permissions": {"keys": [*permissions]}}
        vault.change(enableRbacAuthorization=False, accessPolicies=[policy])

    allow("Create", "get")
    assert vault.ask("POST", "/keys/a/create", {"kty": "EC"}).status == 200
    assert vault.ask("GET", "/keys/a").status == 200
    for method, path, sent in (("GET", "/keys", None), ("POST", "/keys/a/sign", DIGEST), ("DELETE", "/keys/a", None)):
        assert vault.error(method, path, sent) == (403, "ForbiddenByPolicy")
    allow("all")
    assert vault.ask("POST", "/keys/a/sign", DIGEST).status == 200
    assert vault.ask("DELETE", "/keys/a").status == 200
    assert vault.error("DELETE", "/deletedkeys/a") == (403, "ForbiddenByPolicy")
    allow("purge")
    assert vault.ask("DELETE", "/deletedkeys/a").status == 204


def test_networks(azure: InProcess) -> None:
    """A vault without public access, or whose rules name other networks, refuses before it looks at rights."""
    vault = Keys(azure, publicNetworkAccess="Disabled")
    assert vault.error("GET", "/keys") == (403, "ForbiddenByConnection")
    vault.change(publicNetworkAccess="Enabled", networkAcls={"defaultAction": "Deny", "ipRules": [{"value": "203.0.113.0/24"}]})
    assert vault.error("GET", "/keys") == (403, "ForbiddenByFirewall")
    vault.change(networkAcls={"defaultAction": "Deny", "ipRules": [{"value": "127.0.0.1"}]})
    assert vault.ask("GET", "/keys").json() == {"value": [], "nextLink": None}


def test_a_vault_of_another_tenant(azure: InProcess) -> None:
    """It asks for a token of its own tenant, and takes no other."""
    other = str(uuid.uuid4())
    vault = Keys(azure, tenantId=other)
    answer = vault.ask("GET", "/keys")
    assert answer.status == 401
    assert answer.json()["error"]["message"].startswith(
        f"AKV10032: Invalid issuer. Expected one of https://sts.windows.net/{other}/, found"
    )
    assert f'authorization="https://login.microsoftonline.com/{other}"' in answer.headers["www-authenticate"]


def test_a_soft_deleted_key_comes_back_with_all_versions(azure: InProcess) -> None:
    """Its name is taken until it is purged; in a vault with purge protection that can only be waited for."""
    vault = Keys(azure, softDeleteRetentionInDays=7, enablePurgeProtection=True)
    first, second = (vault.ask("POST", "/keys/Plant-root/create", {"kty": "EC", "tags": {"a": "b"}}).json() for _ in range(2))
    assert second["attributes"]["recoveryLevel"] == "CustomizedRecoverable"
    assert second["tags"] == {"a": "b"}
    deleted = vault.ask("DELETE", "/keys/plant-root").json()
    assert deleted["recoveryId"] == f"https://{vault.name}.vault.azure.net/deletedkeys/Plant-root"
    assert deleted["scheduledPurgeDate"] - deleted["deletedDate"] == 7 * 86400
    assert vault.ask("GET", "/deletedkeys/plant-root").json() == deleted
    assert vault.ask("GET", "/keys").json()["value"] == []
    assert vault.ask("GET", "/deletedkeys").json()["value"][0]["kid"] == first["key"]["kid"].rpartition("/")[0]
    for method, path, sent in (
        ("GET", "/keys/plant-root", None),
        ("POST", "/keys/plant-root/sign", DIGEST),
        ("DELETE", "/keys/none", None),
    ):
        assert vault.error(method, path, sent) == (404, "KeyNotFound")
    assert vault.error("POST", "/keys/PLANT-ROOT/create", {"kty": "EC"}) == (409, "ObjectIsDeletedButRecoverable")
    assert vault.ask("DELETE", "/deletedkeys/plant-root").status == 403
    assert vault.ask("POST", "/deletedkeys/plant-root/recover").json() == second
    assert [each["kid"] for each in vault.ask("GET", "/keys/plant-root/versions").json()["value"]] == [
        each["key"]["kid"] for each in (first, second)
    ]
    assert vault.error("GET", "/deletedkeys/plant-root") == (404, "KeyNotFound")
    vault.ask("DELETE", "/keys/plant-root")
    azure.azure.clock.advance(7 * 86400)
    assert vault.error("POST", "/deletedkeys/plant-root/recover") == (404, "KeyNotFound")
    assert vault.ask("POST", "/keys/plant-root/create", {"kty": "EC"}).status == 200


@pytest.mark.parametrize("kind", ["EC-HSM", "RSA-HSM"])
def test_hardware_keys_need_a_premium_vault(azure: InProcess, kind: str) -> None:
    """A standard vault refuses them; a vault can become premium."""
    vault = Keys(azure)
    refused = vault.ask("POST", "/keys/a/create", {"kty": kind}).json()["error"]
    assert refused["message"] == "Hardware key operation not allowed on standard vault"
    vault.change(sku={"family": "A", "name": "premium"})
    assert vault.ask("POST", "/keys/a/create", {"kty": kind}).json()["key"]["kty"] == kind
