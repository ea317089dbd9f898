"""Key vaults: that they are there, and where they stand in ARM, which is what roles are given on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sandbox.azure.login import principals
from sandbox.azure.names import Door

if TYPE_CHECKING:
    from sandbox.azure.local_azure import Azure
    from sandbox.azure.names import Place
    from sandbox.azure.store import Document

VAULT = "vault"
_NAME = re.compile(
    r"[A-Za-z](?!.*--)[A-Za-z0-9-]{1,22}[A-Za-z0-9]"
)  # learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates


def create(azure: Azure, name: str, group: str) -> Document:
    """A vault whose keys roles are asked for; one that is there stays as it is.

    Raises:
        ValueError: Azure allows no such name.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"a vault can't be called '{name}'; use 3 to 24 letters, digits and single hyphens, a letter first")
    if found := find(azure, name):
        return found
    subscription = principals.directory(azure.store).subscription_id
    vault = {"name": name, "id": f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}"}
    azure.store.put(VAULT, name.lower(), vault)
    return vault


def find(azure: Azure, name: str) -> Document | None:
    """The vault of that name, which is unique in all of Azure; None: its name resolves to nothing."""
    return azure.store.get(VAULT, name.lower())


def resolves(azure: Azure, place: Place) -> bool:
    """Whether a name leads anywhere: a vault's does once the vault is made."""
    return place.door is not Door.KEY_VAULT or find(azure, place.name) is not None
