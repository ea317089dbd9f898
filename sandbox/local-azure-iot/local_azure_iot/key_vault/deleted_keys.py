"""Soft-deleted keys: deleting, recovering and purging a key with all of its versions.

A mark says that a key is soft-deleted; its versions stay where they are until it is purged, or its retention is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.key_vault import errors
from local_azure_iot.key_vault.vaults import DELETED_KEY, KEY, key_prefix

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

_DAY = 24 * 60 * 60  # seconds


def find(azure: Azure, vault: Document, name: str) -> Document | None:
    """The mark of a soft-deleted key; None if the key is not soft-deleted."""
    mark = azure.store.get(DELETED_KEY, key_prefix(vault, name))
    if mark and azure.clock.timestamp() >= mark["scheduledPurgeDate"]:
        _purge(azure, vault, name)
        return None
    return mark


def require(azure: Azure, vault: Document, name: str) -> Document:
    """The mark of a soft-deleted key.

    Raises:
        VaultError: No soft-deleted key has the name.
    """
    mark = find(azure, vault, name)
    if mark is None:
        raise errors.deleted_key_not_found(name)
    return mark


def all_in(azure: Azure, vault: Document) -> list[Document]:
    """The marks of all soft-deleted keys of a vault."""
    stored = azure.store.list(DELETED_KEY, key_prefix(vault))
    return [mark for each in stored if (mark := find(azure, vault, each["name"]))]


def delete(azure: Azure, vault: Document, name: str) -> Document:
    """Soft-delete a key, which exists; returns its mark."""
    now = int(azure.clock.timestamp())
    days = vault["properties"]["softDeleteRetentionInDays"]
    mark: Document = {"name": name, "deletedDate": now, "scheduledPurgeDate": now + days * _DAY}
    azure.store.put(DELETED_KEY, key_prefix(vault, name), mark)
    return mark


def recover(azure: Azure, vault: Document, name: str) -> None:
    """Recover a soft-deleted key.

    Raises:
        VaultError: No soft-deleted key has the name.
    """
    require(azure, vault, name)
    azure.store.delete(DELETED_KEY, key_prefix(vault, name))


def purge(azure: Azure, vault: Document, name: str) -> None:
    """Delete a soft-deleted key for good.

    Raises:
        VaultError: No soft-deleted key has the name, or the vault is protected against purge.
    """
    require(azure, vault, name)
    if vault["properties"].get("enablePurgeProtection"):
        raise errors.purge_refused()
    _purge(azure, vault, name)


def _purge(azure: Azure, vault: Document, name: str) -> None:
    azure.store.delete(DELETED_KEY, key_prefix(vault, name))
    azure.store.delete_under(KEY, key_prefix(vault, name))
