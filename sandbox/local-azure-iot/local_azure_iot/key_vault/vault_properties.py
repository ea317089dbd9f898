"""What a vault's properties may be, and which of them may change.

Source: the OpenAPI files of Microsoft.KeyVault, learn.microsoft.com/azure/key-vault/general/soft-delete-overview, and network-security.
"""

from __future__ import annotations

import copy
import ipaddress
import uuid
from typing import TYPE_CHECKING, Any

from local_azure_iot.key_vault.management_errors import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.store import Document

_RETENTION_DAYS = (7, 90)
_MOST_POLICIES = 1024
_RBAC_BY_DEFAULT = "2026-02-01"  # from this api-version on, a vault that says nothing about it is created with roles
_FLAGS = ("enabledForDeployment", "enabledForDiskEncryption", "enabledForTemplateDeployment")


def for_new_vault(properties: dict[str, Any], version: str) -> Document:
    """The properties of a new vault, from those of a PUT.

    Raises:
        VaultManagementError: A property is missing or has a value that a vault can't have.
    """
    given = {name: value for name, value in properties.items() if value is not None}
    found = _checked(given)
    if "accessPolicies" not in found:
        if not given.get("enableRbacAuthorization") and version < _RBAC_BY_DEFAULT:
            raise bad_request("The parameter accessPolicies is not specified.")
        found["accessPolicies"] = []
    found.setdefault("softDeleteRetentionInDays", _RETENTION_DAYS[1])
    found.setdefault("enableRbacAuthorization", version >= _RBAC_BY_DEFAULT)
    found.setdefault("publicNetworkAccess", "Enabled")
    return {"enabledForDeployment": False, "enableSoftDelete": True, **found}


def after_put(before: Document, properties: dict[str, Any]) -> Document:
    """The properties of an existing vault after a PUT, which replaces all that can be taken back.

    Raises:
        VaultManagementError: A property is missing, has a value that a vault can't have, or can't be changed any more.
    """
    given = {name: value for name, value in properties.items() if value is not None}
    found = _checked(given)
    _check_unchanged(before, found)
    if "accessPolicies" not in found and not given.get("enableRbacAuthorization", before["enableRbacAuthorization"]):
        raise bad_request("The parameter accessPolicies is not specified.")
    kept = ("accessPolicies", "softDeleteRetentionInDays", "enableRbacAuthorization", "enablePurgeProtection", "publicNetworkAccess")
    stays = {name: before[name] for name in kept if name in before}
    return {"enabledForDeployment": False, "enableSoftDelete": True, **stays, **found}


def after_patch(before: Document, properties: dict[str, Any]) -> Document:
    """The properties of an existing vault after a PATCH, which changes what it names.

    Raises:
        VaultManagementError: A property has a value that a vault can't have, or can't be changed any more.
    """
    given = {name: value for name, value in properties.items() if value is not None}
    complete = {"tenantId": before["tenantId"], "sku": before["sku"], **given}
    found = _checked(complete)
    _check_unchanged(before, found)
    return {**before, **found}


def _checked(given: dict[str, Any]) -> Document:
    """The known properties in Azure's own form."""
    found = {name: check(copy.deepcopy(given[name])) for name, check in _CHECKS.items() if name in given}
    for name in ("tenantId", "sku"):
        if name not in found:
            raise bad_request(f"The parameter {name} is not specified.")
    for policy in found.get("accessPolicies", ()):
        if policy["tenantId"] != found["tenantId"]:
            raise bad_request(f"The tenant ID '{policy['tenantId']}' of an access policy is not that of the vault: {found['tenantId']}.")
    return found


def _check_unchanged(before: Document, found: Document) -> None:
    days = found.get("softDeleteRetentionInDays")
    if days is not None and days != before["softDeleteRetentionInDays"]:
        raise bad_request('The property "softDeleteRetentionInDays" has been set already and it can\'t be modified.')


def _tenant(value: str) -> str:
    try:
        return str(uuid.UUID(value))
    except ValueError:
        raise bad_request(f"The parameter tenantId has an invalid value: '{value}' is not a GUID.") from None


def _sku(value: dict[str, Any]) -> dict[str, str]:
    family, name = str(value.get("family") or "").upper(), str(value.get("name") or "").lower()
    if family != "A" or name not in {"standard", "premium"}:
        raise bad_request(f"The sku has an invalid value: family '{value.get('family')}', name '{value.get('name')}'.")
    return {"family": family, "name": name}


def _policies(value: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(value) > _MOST_POLICIES:
        raise bad_request(f"A vault can have {_MOST_POLICIES} access policies; the request has {len(value)}.")
    for policy in value:
        if not policy.get("objectId") or not policy.get("tenantId") or policy.get("permissions") is None:
            raise bad_request("An access policy needs tenantId, objectId and permissions.")
        policy["tenantId"] = _tenant(policy["tenantId"])
    return value


def _one_of(name: str, *words: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        for word in words:
            if value.lower() == word.lower():
                return word
        raise bad_request(f"The property \"{name}\" has an invalid value: '{value}'. Use one of {', '.join(words)}.")

    return check


def _network_rules(value: dict[str, Any]) -> dict[str, Any]:
    rules: dict[str, Any] = {
        "bypass": _one_of("networkAcls.bypass", "AzureServices", "None")(value.get("bypass") or "AzureServices"),
        "defaultAction": _one_of("networkAcls.defaultAction", "Allow", "Deny")(value.get("defaultAction") or "Allow"),
        "ipRules": value.get("ipRules") or [],
        "virtualNetworkRules": value.get("virtualNetworkRules") or [],
    }
    for rule in rules["ipRules"]:
        try:
            ipaddress.IPv4Network(str(rule.get("value") or ""))
        except ValueError:
            raise bad_request(f"The IP rule '{rule.get('value')}' is neither an IPv4 address nor a range in CIDR notation.") from None
    return rules


def _retention(value: int) -> int:
    least, most = _RETENTION_DAYS
    if not least <= value <= most:
        raise bad_request(f'The property "softDeleteRetentionInDays" must be between {least} and {most}; it is {value}.')
    return value


def _purge_protection(value: bool) -> bool:
    if not value:
        raise bad_request(
            'The property "enablePurgeProtection" cannot be set to false. Enabling the purge protection for a vault is an irreversible '
            "action."
        )
    return value


def _soft_delete(value: bool) -> bool:
    if not value:
        raise bad_request(
            "The property \"enableSoftDelete\" cannot be set to false. Enabling the 'soft delete' functionality is an irreversible action."
        )
    return value


def _as_it_is(value: Any) -> Any:
    return value


# In the order in which Azure answers them.
_CHECKS: dict[str, Callable[[Any], Any]] = {
    "sku": _sku,
    "tenantId": _tenant,
    "networkAcls": _network_rules,
    "accessPolicies": _policies,
    **dict.fromkeys(_FLAGS, _as_it_is),
    "enableSoftDelete": _soft_delete,
    "softDeleteRetentionInDays": _retention,
    "enableRbacAuthorization": _as_it_is,
    "enablePurgeProtection": _purge_protection,
    "publicNetworkAccess": _one_of("publicNetworkAccess", "Enabled", "Disabled"),
}
