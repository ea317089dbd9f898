"""Role assignments: creating, listing and deleting them.

Source: https://learn.microsoft.com/azure/role-based-access-control/role-assignments
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot.resource_manager import errors
from local_azure_iot.resource_manager.access import ASSIGNMENT, ROLES

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document


def create_or_update(azure: Azure, scope: str, name: str, properties: dict[str, Any]) -> Document:
    """Create or change an assignment.

    Raises:
        ArmError: The role or principal is missing, the role does not exist, the assignment has another principal or role, or another
            assignment gives the principal the same role at the same scope.
    """
    role_id = str(properties.get("roleDefinitionId") or "").rstrip("/").rpartition("/")[2].lower()
    principal = str(properties.get("principalId") or "")
    if not role_id or not principal:
        raise errors.role_content_invalid(
            "The request to create a role assignment is not valid: it needs roleDefinitionId and principalId."
        )
    if role_id not in ROLES:
        raise errors.role_definition_not_found(role_id)
    existing = find(azure, scope, name)
    if existing and (existing["principalId"].lower(), existing["roleId"]) != (principal.lower(), role_id):
        raise errors.role_assignment_fixed()
    for other in azure.store.list(ASSIGNMENT):
        same = (other["scope"].lower(), other["principalId"].lower(), other["roleId"]) == (scope.lower(), principal.lower(), role_id)
        if same and other["name"].lower() != name.lower():
            raise errors.role_assignment_exists(other["name"])
    now = azure.clock.now().isoformat()
    body = {
        **(existing or {"createdOn": now, "name": name, "scope": scope}),
        "principalId": principal,
        "principalType": properties.get("principalType") or "ServicePrincipal",
        "roleId": role_id,
        "updatedOn": now,
        "condition": properties.get("condition"),
        "conditionVersion": properties.get("conditionVersion"),
        "description": properties.get("description"),
    }
    azure.store.put(ASSIGNMENT, _store_key(scope, name), body)
    return body


def grant(azure: Azure, *, object_id: str, role_id: str, scope: str, name: str) -> None:
    """Create an assignment that takes effect at once, without `role_delay_seconds`: for the sandbox's deployer and the control port."""
    body = {
        "name": name,
        "scope": scope,
        "principalId": object_id,
        "principalType": "ServicePrincipal",
        "roleId": role_id,
        "createdOn": azure.clock.now().isoformat(),
        "createdBy": "",
        "immediate": True,
    }
    azure.store.put(ASSIGNMENT, _store_key(scope, name), body)


def find(azure: Azure, scope: str, name: str) -> Document | None:
    """An assignment, or None."""
    return azure.store.get(ASSIGNMENT, _store_key(scope, name))


def delete(azure: Azure, scope: str, name: str) -> Document | None:
    """Delete an assignment and return it; None if it did not exist."""
    found = find(azure, scope, name)
    if found is not None:
        azure.store.delete(ASSIGNMENT, _store_key(scope, name))
    return found


def assignments_for(azure: Azure, scope: str, *, principal: str | None, at_scope: bool) -> list[Document]:
    """The assignments at a scope and above it, and below it unless `at_scope`; only one principal's where it is given."""
    asked = scope.lower()
    found = []
    for each in azure.store.list(ASSIGNMENT):
        held = each["scope"].lower()
        if not (asked.startswith(held) or (held.startswith(asked) and not at_scope)):
            continue
        if principal in {None, each["principalId"].lower()}:
            found.append(each)
    return found


def delete_at(azure: Azure, scope: str) -> None:
    """Delete the assignments at a scope and below it: its resource is gone."""
    azure.store.delete_under(ASSIGNMENT, f"{scope}|".lower())
    azure.store.delete_under(ASSIGNMENT, f"{scope}/".lower())


def _store_key(scope: str, name: str) -> str:
    return f"{scope}|{name}".lower()
