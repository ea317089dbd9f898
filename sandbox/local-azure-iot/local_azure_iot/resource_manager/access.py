"""Access control: Azure's built-in roles for IoT and keys, and whether a caller has a role that allows an action.

Source: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from local_azure_iot.resource_manager import errors

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.login.tokens import Caller

ASSIGNMENT = "role-assignment"


@dataclass(frozen=True)
class Role:
    """A built-in role definition. Actions are for ARM, data actions for the services' own endpoints; `*` matches anything."""

    id: str
    name: str
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()


_DEVICES = "Microsoft.Devices/IotHubs"
_KEYS = "Microsoft.KeyVault/vaults/keys"
_SEE_VAULTS = (
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.KeyVault/checkNameAvailability/read",
    "Microsoft.KeyVault/deletedVaults/read",
    "Microsoft.KeyVault/locations/*/read",
    "Microsoft.KeyVault/vaults/*/read",
    "Microsoft.KeyVault/operations/read",
)
ROLES = {
    role.id: role
    for role in (
        Role("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner", ("*",)),
        Role(
            "b24988ac-6180-42a0-ab88-20f7382dd24c",
            "Contributor",
            ("*",),
            ("Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write", "Microsoft.Authorization/elevateAccess/Action"),
        ),
        Role("acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader", ("*/read",)),
        Role("18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "User Access Administrator", ("*/read", "Microsoft.Authorization/*")),
        Role(
            "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
            "Role Based Access Control Administrator",
            ("Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/delete", "*/read"),
        ),
        Role("4fc6c259-987e-4a07-842e-c321cc9d413f", "IoT Hub Data Contributor", data_actions=(f"{_DEVICES}/*",)),
        Role(
            "b447c946-2db7-41ec-983d-d8bf3b1c77e3",
            "IoT Hub Data Reader",
            data_actions=(f"{_DEVICES}/*/read", f"{_DEVICES}/fileUpload/notifications/action"),
        ),
        Role("4ea46cd5-c1b2-4a8e-910b-273211f9ce47", "IoT Hub Registry Contributor", data_actions=(f"{_DEVICES}/devices/*",)),
        Role("494bdba2-168f-4f31-a0a1-191d2f7c028c", "IoT Hub Twin Contributor", data_actions=(f"{_DEVICES}/twins/*",)),
        Role(
            "dfce44e4-17b7-4bd1-a6d1-04996ec95633",
            "Device Provisioning Service Data Contributor",
            data_actions=("Microsoft.Devices/provisioningServices/*",),
        ),
        Role(
            "10745317-c249-44a1-a5ce-3a4353c0bbd8",
            "Device Provisioning Service Data Reader",
            data_actions=("Microsoft.Devices/provisioningServices/*/read",),
        ),
        Role("00482a5a-887f-4fb3-b363-3b7fe8e74483", "Key Vault Administrator", _SEE_VAULTS, data_actions=("Microsoft.KeyVault/vaults/*",)),
        Role(
            "f25e0fa2-a7c4-4377-a976-54943a77a395",
            "Key Vault Contributor",
            ("Microsoft.KeyVault/*", "Microsoft.Resources/subscriptions/resourceGroups/read"),
            (
                "Microsoft.KeyVault/locations/deletedVaults/purge/action",
                "Microsoft.KeyVault/hsmPools/*",
                "Microsoft.KeyVault/managedHsms/*",
            ),
        ),
        Role("14b46e9e-c2b7-41b4-b07b-48a6ebf60603", "Key Vault Crypto Officer", _SEE_VAULTS, data_actions=(f"{_KEYS}/*",)),
        Role(
            "12338af0-0e69-4776-bea7-57ae8d297424",
            "Key Vault Crypto User",
            data_actions=tuple(f"{_KEYS}/{verb}" for verb in ("read", "update/action", "sign/action", "verify/action")),
        ),
        Role("21090545-7ca7-4776-b22c-e363652d74d2", "Key Vault Reader", _SEE_VAULTS, data_actions=("Microsoft.KeyVault/vaults/*/read",)),
    )
}


def require(azure: Azure, caller: Caller, action: str, scope: str) -> None:
    """Check that the caller may perform an ARM action.

    Raises:
        ArmError: 403, when no role of the caller's at this scope or above allows the action.
    """
    if azure.settings.role_checks and not allowed(azure, caller, action, scope, data=False):
        raise errors.forbidden(client_id=caller.client_id, object_id=caller.object_id, action=action, scope=scope)


def allowed(azure: Azure, caller: Caller, action: str, scope: str, *, data: bool) -> bool:
    """Whether the caller may do `action` at `scope`; `data` asks the role's data actions instead."""
    now = azure.clock.now()
    delay = timedelta(seconds=azure.settings.role_delay_seconds)
    for assignment in azure.store.list(ASSIGNMENT):
        if assignment["principalId"].lower() != caller.object_id.lower() or not _covers(assignment["scope"], scope):
            continue
        if not assignment.get("immediate") and datetime.fromisoformat(assignment["createdOn"]) + delay > now:
            continue  # in Azure a new assignment takes up to some minutes to take effect
        role = ROLES.get(assignment["roleId"])
        if role and (_fits(role.data_actions, action) if data else _fits(role.actions, action) and not _fits(role.not_actions, action)):
            return True
    return False


def _covers(held: str, asked: str) -> bool:
    held, asked = held.rstrip("/").lower(), asked.rstrip("/").lower()
    return held == asked or asked.startswith(held + "/") or held == ""


def _fits(patterns: tuple[str, ...], action: str) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)
