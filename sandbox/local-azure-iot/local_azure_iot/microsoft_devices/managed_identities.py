"""The managed identities of a hub or provisioning service: what a PUT declares, with the ids that Azure gives them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

NONE = "None"
# A user-assigned identity is a resource of Microsoft.ManagedIdentity, which local Azure does not have: its ids follow from its name.
_NAMES = uuid.UUID("0d6b3f0e-7a0f-4c53-9a4d-5f0f7f6d9b21")


def declared(azure: Azure, identity: dict[str, Any] | None, before: Document | None) -> Document:
    """The identities to store; ``before`` are the stored ones, whose own identity stays the same one."""
    if not identity or identity.get("type") in {None, NONE}:
        return {"type": NONE}
    found: Document = {"type": identity["type"]}
    if "SystemAssigned" in identity["type"]:
        found |= {"tenantId": azure.tokens.tenant_id, "principalId": (before or {}).get("principalId") or str(uuid.uuid4())}
    if identity.get("userAssignedIdentities"):
        found["userAssignedIdentities"] = {
            resource_id: {"clientId": _id("client", resource_id), "principalId": _id("principal", resource_id)}
            for resource_id in identity["userAssignedIdentities"]
        }
    return found


def accepted(identity: Document) -> Document:
    """As the answer to a PUT has them: recorded, the identities that a user assigned have no ids there yet."""
    assigned = identity.get("userAssignedIdentities")
    return {**identity, "userAssignedIdentities": {name: {} for name in assigned}} if assigned else identity


def _id(kind: str, resource_id: str) -> str:
    return str(uuid.uuid5(_NAMES, f"{kind} {resource_id.lower()}"))
