"""Who may do what with a vault's keys: its network rules, then roles or, in a vault without roles, its access policies.

Source: learn.microsoft.com/azure/key-vault/general/network-security, rbac-guide, and assign-access-policy
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from local_azure_iot.key_vault import errors, vaults
from local_azure_iot.resource_manager import access

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.login.tokens import Caller
    from local_azure_iot.store import Document

_CLIENT = "127.0.0.1"  # all of local Azure's clients are on this machine
_KEYS = "Microsoft.KeyVault/vaults/keys"
_NOT_IN_ALL = "purge"  # the permission `all` does not contain it


def require_network(azure: Azure, caller: Caller, vault: Document) -> None:
    """Check that the vault takes requests from this machine, which is not on a private network of Azure.

    Raises:
        VaultError: 403, when public access is disabled, or no network rule allows the address 127.0.0.1.
    """
    if vault["properties"]["publicNetworkAccess"] == "Disabled":
        raise errors.forbidden_by_connection(caller, azure.tokens.issuer, vault)
    rules = vault["properties"].get("networkAcls") or {}
    if rules.get("defaultAction") != "Deny":
        return
    address = ipaddress.IPv4Address(_CLIENT)
    if not any(address in ipaddress.IPv4Network(rule["value"]) for rule in rules["ipRules"]):
        raise errors.forbidden_by_firewall(caller, azure.tokens.issuer, _CLIENT, vault)


def require_right(azure: Azure, caller: Caller, vault: Document, action: str, key: str) -> None:
    """Check that the caller may do a data action such as `…/keys/sign/action`; an empty ``key`` means all keys of the vault.

    Raises:
        VaultError: 403, when neither a role nor an access policy allows it.
    """
    if not vault["properties"]["enableRbacAuthorization"]:
        _require_policy(azure, caller, vault, _permission(action, key))
        return
    asked = vaults.identifier(vault) + (f"/keys/{key}" if key else "")
    if not access.allowed(azure, caller, action, asked, data=True):
        raise errors.forbidden_by_role(caller, azure.tokens.issuer, action, asked.lower(), vault)


def _permission(action: str, key: str) -> str:
    """`…/keys/sign/action` -> `sign`; reading is `get` for one key and `list` for all."""
    verb = action.removeprefix(f"{_KEYS}/").removesuffix("/action")
    if verb != "read":
        return verb
    return "get" if key else "list"


def _require_policy(azure: Azure, caller: Caller, vault: Document, permission: str) -> None:
    for policy in vault["properties"]["accessPolicies"]:
        if policy["objectId"].lower() != caller.object_id.lower():
            continue
        given = {each.lower() for each in policy["permissions"].get("keys") or ()}
        if permission in given or ("all" in given and permission != _NOT_IN_ALL):
            return
    raise errors.forbidden_by_policy(caller, azure.tokens.issuer, permission, vault)
