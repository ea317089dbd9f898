"""Key vaults: creating and finding them, and their ARM ids, which role assignments refer to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sandbox.azure.host_names import Endpoint
from sandbox.azure.login import principals

if TYPE_CHECKING:
    from sandbox.azure.host_names import Destination
    from sandbox.azure.local_azure import Azure
    from sandbox.azure.store import Document

VAULT = "vault"
_NAME = re.compile(
    r"[A-Za-z](?!.*--)[A-Za-z0-9-]{1,22}[A-Za-z0-9]"
)  # learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates


def create(azure: Azure, name: str, group: str) -> Document:
    """Create a vault whose keys are protected by roles; an existing one stays as it is.

    Raises:
        ValueError: Azure does not allow the name.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"'{name}' is not a valid vault name; use 3 to 24 letters, digits and single hyphens, a letter first")
    if found := find(azure, name):
        return found
    subscription = principals.directory(azure.store).subscription_id
    vault = {"name": name, "id": f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}"}
    azure.store.put(VAULT, name.lower(), vault)
    return vault


def find(azure: Azure, name: str) -> Document | None:
    """The vault of that name, which is unique in all of Azure; None: its name resolves to nothing."""
    return azure.store.get(VAULT, name.lower())


def resolves(azure: Azure, destination: Destination) -> bool:
    """Whether a host name resolves: a vault's does once the vault exists."""
    return destination.endpoint is not Endpoint.KEY_VAULT or find(azure, destination.name) is not None
