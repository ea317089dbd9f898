"""A vault's life at ARM: creating, changing, soft-deleting, recovering and purging it.

Source: learn.microsoft.com/azure/key-vault/general/soft-delete-overview, key-vault-recovery, and what the az CLI's tests recorded.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from local_azure_iot.key_vault import access_policies, vault_properties, vaults
from local_azure_iot.key_vault import management_errors as errors
from local_azure_iot.resource_manager import errors as arm_errors
from local_azure_iot.resource_manager import groups, long_running, providers, regions, role_assignments

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.resource_manager.long_running import Operation
    from local_azure_iot.resource_manager.resource_ids import ResourceId
    from local_azure_iot.store import Document


def put(azure: Azure, resource_id: ResourceId, body: dict[str, Any], version: str) -> tuple[Document, bool]:
    """Create a vault, change it, or recover it (`createMode: recover`); the second value says whether it is new.

    Raises:
        ArmError: The group is missing or being deleted, the provider is not registered, or the location is missing, unknown or different.
        VaultManagementError: The name is invalid or taken, a property is invalid, or there is nothing to recover.
    """
    group = groups.require_not_deleting(azure, resource_id)
    if not providers.registered(azure, resource_id.subscription, "Microsoft.KeyVault"):
        raise arm_errors.provider_not_registered("Microsoft.KeyVault")
    location = _location(resource_id, body)
    vaults.require_valid_name(resource_id.name)
    properties = body.get("properties") or {}
    found = vaults.find_any(azure, resource_id.cloud.name, resource_id.name)
    mode = str(properties.get("createMode") or "default").lower()
    if mode not in {"default", "recover"}:
        raise errors.bad_request(f"The property \"createMode\" has an invalid value: '{properties['createMode']}'.")
    if mode == "recover":
        return _recovered(azure, resource_id, found, location), False
    if found is None:
        return _created(azure, resource_id, location, body, version), True
    if found["deleted"] and found["subscription"].lower() == resource_id.subscription.lower():
        raise errors.name_soft_deleted()
    if found["deleted"] or vaults.group_key(found) != resource_id.group_key:
        raise errors.name_taken(resource_id.name)
    if location != found["location"]:
        raise arm_errors.location_differs(found["name"], vaults.TYPE, group["name"], found["location"], location)
    changed = vault_properties.after_put(found["properties"], properties)
    return _changed(azure, found, changed, body.get("tags") or {}), False


def create_with_roles(azure: Azure, resource_id: ResourceId, sku: str = "premium") -> Document:
    """A vault for tests, with its resource group, whose keys are protected by roles; an existing one stays as it is.

    Raises:
        VaultManagementError: The name or the sku is invalid.
    """
    vaults.require_valid_name(resource_id.name)
    if found := vaults.find(azure, resource_id.cloud.name, resource_id.name):
        return found
    if groups.find(azure, resource_id.group_key) is None:
        groups.create_or_update(azure, resource_id, {"location": "westeurope"})
    properties = {"tenantId": azure.tokens.tenant_id, "sku": {"family": "A", "name": sku}, "enableRbacAuthorization": True}
    return _created(azure, resource_id, "westeurope", {"properties": properties}, "")


def patch(azure: Azure, resource_id: ResourceId, body: dict[str, Any]) -> Document:
    """Change the properties and the tags that the body names.

    Raises:
        ArmError: The resource group or the vault does not exist.
        VaultManagementError: A property is invalid, or can't be changed any more.
    """
    vault = vaults.require(azure, resource_id)
    properties = vault_properties.after_patch(vault["properties"], body.get("properties") or {})
    return _changed(azure, vault, properties, vault["tags"] if body.get("tags") is None else body["tags"])


def change_access(azure: Azure, resource_id: ResourceId, operation: str, given: list[dict[str, Any]]) -> Document:
    """Add access policies, replace them, or remove permissions from them: ``operation`` is `add`, `replace` or `remove`.

    Raises:
        ArmError: The resource group or the vault does not exist.
        VaultManagementError: The operation is another one, or a policy is incomplete or of another tenant.
    """
    vault = vaults.require(azure, resource_id)
    if operation.lower() not in access_policies.OPERATIONS:
        raise errors.bad_request(f"The access policy operation '{operation}' is none of {', '.join(access_policies.OPERATIONS)}.")
    valid = vault_properties.after_patch(vault["properties"], {"accessPolicies": given})["accessPolicies"]
    policies = access_policies.changed(vault["properties"]["accessPolicies"], operation.lower(), valid)
    return _changed(azure, vault, {**vault["properties"], "accessPolicies": policies}, vault["tags"])


def soft_delete(azure: Azure, resource_id: ResourceId) -> bool:
    """Soft-delete a vault: it can be recovered with its keys until its retention is over. False if it does not exist.

    Raises:
        ArmError: The resource group does not exist.
    """
    vault = vaults.find_at(azure, resource_id)
    if vault is None:
        return False
    _mark_deleted(azure, vault)
    return True


def begin_purge(azure: Azure, resource_id: ResourceId, location: str) -> Operation:
    """Begin to delete a soft-deleted vault for good.

    Raises:
        VaultManagementError: No soft-deleted vault has the name there, it is protected against purge, or it is being purged.
    """
    vault = require_deleted(azure, resource_id, location)
    if vault["deleted"]["ends"] != vault["deleted"]["scheduled"]:
        raise errors.being_purged()
    if vault["properties"].get("enablePurgeProtection"):
        raise errors.purge_refused()
    operation = long_running.begin(azure, prefix="purge", location=vault["location"])
    vault["deleted"]["ends"] = operation.ready.isoformat()
    vaults.save(azure, vault)
    return operation


def require_deleted(azure: Azure, resource_id: ResourceId, location: str) -> Document:
    """The soft-deleted vault of that name in a location.

    Raises:
        VaultManagementError: There is none.
    """
    for vault in vaults.deleted_in(azure, resource_id):
        if vault["name"].lower() == resource_id.name.lower() and vault["location"] == regions.normalized(location):
            return vault
    raise errors.deleted_vault_not_found(resource_id.name)


def soft_delete_vaults_of_group(azure: Azure, prefix: str) -> None:
    """Soft-delete all vaults of a resource group that is being deleted; `prefix` is the group's store key with a slash."""
    cloud = prefix.partition("/")[0]
    for vault in azure.store.list(vaults.VAULT, f"{cloud}/"):
        if not vault["deleted"] and f"{vaults.group_key(vault)}/" == prefix:
            _mark_deleted(azure, vault)


groups.ON_GROUP_DELETION.append(soft_delete_vaults_of_group)


def _location(resource_id: ResourceId, body: dict[str, Any]) -> str:
    location = str(body.get("location") or "")
    if not location:
        raise arm_errors.location_required(resource_id.name)
    if not regions.known(location):
        raise arm_errors.location_unavailable(location, vaults.TYPE, regions.DISPLAY_BY_NAME)
    return regions.normalized(location)


def _created(azure: Azure, resource_id: ResourceId, location: str, body: dict[str, Any], version: str) -> Document:
    now = azure.clock.now()
    vault: Document = {
        "cloud": resource_id.cloud.name,
        "subscription": resource_id.subscription,
        "group": resource_id.group,
        "name": resource_id.name,
        "location": location,
        "tags": body.get("tags") or {},
        "properties": vault_properties.for_new_vault(body.get("properties") or {}, version),
        "created": now.isoformat(),
        "changed": now.isoformat(),
        "ready": (now + timedelta(seconds=azure.settings.operation_seconds)).isoformat(),
        "deleted": None,
    }
    vaults.save(azure, vault)
    return vault


def _changed(azure: Azure, vault: Document, properties: Document, tags: dict[str, str]) -> Document:
    vault |= {"properties": properties, "tags": tags, "changed": azure.clock.now().isoformat()}
    vaults.save(azure, vault)
    return vault


def _recovered(azure: Azure, resource_id: ResourceId, found: Document | None, location: str) -> Document:
    """The vault with its old properties: Azure ignores those of the request (github.com/Azure/azure-rest-api-specs/issues/21306)."""
    same = found and found["deleted"] and vaults.group_key(found) == resource_id.group_key and found["location"] == location
    if found is None or not same:
        raise errors.nothing_to_recover()
    if found["deleted"]["ends"] != found["deleted"]["scheduled"]:
        raise errors.being_purged()
    found |= {"deleted": None, "changed": azure.clock.now().isoformat()}
    vaults.save(azure, found)
    return found


def _mark_deleted(azure: Azure, vault: Document) -> None:
    """Soft-delete it. Its role assignments are gone, and don't come back with a recovery, as Azure's page about soft delete says."""
    now = azure.clock.now()
    ends = (now + timedelta(days=vault["properties"]["softDeleteRetentionInDays"])).isoformat()
    vault["deleted"] = {"at": now.isoformat(), "scheduled": ends, "ends": ends}
    vaults.save(azure, vault)
    role_assignments.delete_at(azure, vaults.identifier(vault))
