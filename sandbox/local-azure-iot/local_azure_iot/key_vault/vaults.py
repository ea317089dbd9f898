"""Key vaults: finding them by their names, which are unique in a whole cloud and stay taken while a vault is soft-deleted.

A vault is one document under its cloud and name. Its keys are stored under the same key, and come back when it is recovered.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from local_azure_iot.host_names import Endpoint
from local_azure_iot.key_vault import management_errors as errors
from local_azure_iot.resource_manager import errors as arm_errors
from local_azure_iot.resource_manager import groups, long_running, role_assignments

if TYPE_CHECKING:
    from local_azure_iot.host_names import Destination
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.resource_manager.resource_ids import ResourceId
    from local_azure_iot.store import Document

VAULT = "vault"
KEY = "vault-key"
DELETED_KEY = "deleted-vault-key"
TYPE = "Microsoft.KeyVault/vaults"
_NAME = re.compile(
    r"[A-Za-z](?!.*--)[A-Za-z0-9-]{1,22}[A-Za-z0-9]"
)  # learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates


def store_key(cloud: str, name: str) -> str:
    """The store key of a vault, and the prefix of the keys of everything in it."""
    return f"{cloud}/{name}".lower()


def key_prefix(vault: Document, key: str = "") -> str:
    """The prefix of the store keys of all versions of a key, or of all keys of the vault."""
    prefix = f"{store_key(vault['cloud'], vault['name'])}/"
    return f"{prefix}{key}/".lower() if key else prefix


def group_key(vault: Document) -> str:
    """The store key of the vault's resource group."""
    return f"{vault['cloud']}/{vault['subscription']}/{vault['group']}".lower()


def require_valid_name(name: str) -> None:
    """Check a name.

    Raises:
        VaultManagementError: Azure does not allow the name.
    """
    if not is_valid_name(name):
        raise errors.name_invalid(name)


def is_valid_name(name: str) -> bool:
    """Whether a vault can have the name: 3 to 24 letters, digits and single hyphens, a letter first."""
    return _NAME.fullmatch(name) is not None


def find_any(azure: Azure, cloud: str, name: str) -> Document | None:
    """The vault of that name, also while it is soft-deleted. It is gone for good once its retention is over, or its purge is done."""
    vault = azure.store.get(VAULT, store_key(cloud, name))
    if vault is None:
        return None
    groups.find(azure, group_key(vault))  # deletes the group, and this vault with it, once the group's deletion is due
    vault = azure.store.get(VAULT, store_key(cloud, name))
    if vault and vault["deleted"] and long_running.is_due(azure, vault["deleted"]["ends"]):
        purge(azure, vault)
        return None
    return vault


def find(azure: Azure, cloud: str, name: str) -> Document | None:
    """The vault of that name; None if there is none, or it is soft-deleted."""
    vault = find_any(azure, cloud, name)
    return vault if vault and not vault["deleted"] else None


def find_at(azure: Azure, resource_id: ResourceId) -> Document | None:
    """The vault with this resource id; None if there is none, or it is soft-deleted.

    Raises:
        ArmError: The resource group does not exist.
    """
    groups.require(azure, resource_id)
    vault = find(azure, resource_id.cloud.name, resource_id.name)
    return vault if vault and group_key(vault) == resource_id.group_key else None


def require(azure: Azure, resource_id: ResourceId) -> Document:
    """The vault with this resource id, which must exist and not be soft-deleted.

    Raises:
        ArmError: The resource group or the vault does not exist.
    """
    vault = find_at(azure, resource_id)
    if vault is None:
        raise arm_errors.resource_not_found(f"{TYPE}/{resource_id.name}", resource_id.group)
    return vault


def vaults_in(azure: Azure, resource_id: ResourceId) -> list[Document]:
    """All vaults in a resource group, or in the whole subscription where the id names no group; without the soft-deleted ones.

    Raises:
        ArmError: The resource group does not exist.
    """
    if resource_id.group:
        groups.require(azure, resource_id)
    prefix = f"{resource_id.group_key}/" if resource_id.group else resource_id.subscription_prefix
    return [vault for vault in _existing(azure, resource_id) if not vault["deleted"] and f"{group_key(vault)}/".startswith(prefix)]


def deleted_in(azure: Azure, resource_id: ResourceId) -> list[Document]:
    """All soft-deleted vaults in a subscription."""
    return [
        vault
        for vault in _existing(azure, resource_id)
        if vault["deleted"] and f"{group_key(vault)}/".startswith(resource_id.subscription_prefix)
    ]


def save(azure: Azure, vault: Document) -> None:
    """Store a vault."""
    azure.store.put(VAULT, store_key(vault["cloud"], vault["name"]), vault)


def purge(azure: Azure, vault: Document) -> None:
    """Delete a vault for good, with its keys and the role assignments on it."""
    key = store_key(vault["cloud"], vault["name"])
    azure.store.delete(VAULT, key)
    for kind in (KEY, DELETED_KEY):
        azure.store.delete_under(kind, f"{key}/")
    role_assignments.delete_at(azure, identifier(vault))


def identifier(vault: Document) -> str:
    """The resource id, which role assignments refer to."""
    return f"/subscriptions/{vault['subscription']}/resourceGroups/{vault['group']}/providers/{TYPE}/{vault['name']}"


def is_ready(azure: Azure, vault: Document) -> bool:
    """Whether the vault's creation is done: its host name resolves from then on."""
    return azure.clock.now() >= datetime.fromisoformat(vault["ready"])


def resolves(azure: Azure, destination: Destination) -> bool:
    """Whether a host name resolves: a vault's does once the vault is created, and not while it is soft-deleted."""
    if destination.endpoint is not Endpoint.KEY_VAULT:
        return True
    vault = find(azure, destination.cloud.name, destination.name)
    return vault is not None and is_ready(azure, vault)


def _existing(azure: Azure, resource_id: ResourceId) -> list[Document]:
    """All vaults of the cloud as they are at this moment."""
    cloud = resource_id.cloud.name
    stored = azure.store.list(VAULT, f"{cloud}/".lower())
    return [found for vault in stored if (found := find_any(azure, cloud, vault["name"]))]
