"""Vaults at Azure Resource Manager: whether a name is free, which vaults there are, and which deleted ones can be recovered.

Source: learn.microsoft.com/rest/api/keyvault/keyvault/vaults.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hubtrust.azure import answer_shapes
from hubtrust.azure.absence import list_resources
from hubtrust.azure.client import AzureClient

API_VERSION = "2024-11-01"
INVALID_NAME = "AccountNameInvalid"  # the reason where no vault can have the name
_TYPE = "Microsoft.KeyVault/vaults"


@dataclass(frozen=True, slots=True)
class NameCheck:
    """Whether a vault can get a name, which is unique in all of Azure."""

    is_free: bool
    reason: str
    """Azure's word where it is not: `AlreadyExists` or `AccountNameInvalid`."""


@dataclass(frozen=True, slots=True)
class DeletedVault:
    """A vault that was deleted and can be recovered with its keys."""

    id: str
    """The ARM id that it had, and gets again."""
    location: str
    tags: Mapping[str, str]
    deleted_on: str
    """When it was deleted, in UTC, as Azure writes it."""
    purged_on: str
    """Until when it can be recovered."""


def check_name(client: AzureClient, subscription: str, name: str) -> NameCheck:
    """Whether ``name`` is free in all of Azure, deleted vaults included.

    Raises:
        AzureError: see ``AzureClient.send``.
    """
    path = f"/subscriptions/{subscription}/providers/Microsoft.KeyVault/checkNameAvailability"
    answer = client.send(
        "POST",
        path,
        what=f"the check whether the vault name '{name}' is free",
        query={"api-version": API_VERSION},
        body={"name": name, "type": _TYPE},
        expects=answer_shapes.name_check,
    )
    return NameCheck(answer.body["nameAvailable"], str(answer.body.get("reason") or ""))


def vaults(client: AzureClient, subscription: str) -> list[Any]:
    """The vaults of a subscription, as Azure describes them.

    Raises:
        AzureError: see ``AzureClient.send``.
    """
    path = f"/subscriptions/{subscription}/providers/Microsoft.KeyVault/vaults"
    return list_resources(client, path, {"api-version": API_VERSION}, "the list of the subscription's vaults") or []


def deleted_vaults(client: AzureClient, subscription: str) -> list[DeletedVault]:
    """The deleted vaults of a subscription that can still be recovered.

    Raises:
        AzureError: see ``AzureClient.send``.
    """
    path = f"/subscriptions/{subscription}/providers/Microsoft.KeyVault/deletedVaults"
    listed = list_resources(client, path, {"api-version": API_VERSION}, "the list of the subscription's deleted vaults") or []
    return [_deleted_vault(one.get("properties") or {}) for one in listed]


def _deleted_vault(properties: Mapping[str, Any]) -> DeletedVault:
    texts = [str(properties.get(name) or "") for name in ("vaultId", "location", "deletionDate", "scheduledPurgeDate")]
    identity, location, deleted_on, purged_on = texts
    return DeletedVault(identity, location, properties.get("tags") or {}, deleted_on, purged_on)
