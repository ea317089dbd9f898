"""The access policies of a vault without roles: adding to those of an identity, replacing and removing them.

Source: https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/update-access-policy
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

OPERATIONS = ("add", "replace", "remove")
_KINDS = ("keys", "secrets", "certificates", "storage")


def changed(before: Sequence[dict[str, Any]], operation: str, given: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The policies after one of OPERATIONS with ``given``; an identity that has no permission left has no policy."""
    policies = {_identity(policy): policy for policy in before}
    for policy in given:
        identity = _identity(policy)
        old = policies.get(identity, {"permissions": {}})["permissions"]
        policies[identity] = {**policy, "permissions": _permissions(old, operation, policy["permissions"])}
    return [policy for policy in policies.values() if any(policy["permissions"].values())]


def _permissions(old: dict[str, Any], operation: str, given: dict[str, Any]) -> dict[str, list[str]]:
    if operation == "replace":
        return given
    result: dict[str, list[str]] = {}
    for kind in _KINDS:
        named = {word.lower() for word in given.get(kind) or ()}
        kept = [word for word in old.get(kind) or () if word.lower() not in named]
        added = list(given.get(kind) or ()) if operation == "add" else []
        if kept or added:
            result[kind] = [*kept, *added]
    return result


def _identity(policy: dict[str, Any]) -> tuple[str, str, str]:
    return policy["tenantId"].lower(), policy["objectId"].lower(), str(policy.get("applicationId") or "").lower()
