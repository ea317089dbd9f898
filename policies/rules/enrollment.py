"""The rule for who may write enrollments: which devices a provisioning service lets in, below which CA, to which hub."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .resource import NotKnownYetError, items, objects

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .resource import Resource

    Settings = Mapping[str, Any]

# Roles of learn.microsoft.com/azure/role-based-access-control/built-in-roles, the same in every tenant.
_WRITE_ENROLLMENTS = {
    "dfce44e4-17b7-4bd1-a6d1-04996ec95633": "Device Provisioning Service Data Contributor",
    # These read or set the keys of shared access policies, or can give themselves a role that does.
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
}
_ONLY_READ = {
    "10745317-c249-44a1-a5ce-3a4353c0bbd8": "Device Provisioning Service Data Reader",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
    "43d0d8ad-25c7-4714-9337-8ba259a9fe05": "Monitoring Reader",
}
_GUIDS = {name.lower(): guid for guid, name in (_WRITE_ENROLLMENTS | _ONLY_READ).items()}
# What a role needs one of to write enrollments: by itself, or by a shared key or a role that it can get.
_ACTIONS = (
    "Microsoft.Devices/provisioningServices/write",
    "Microsoft.Devices/provisioningServices/listkeys/action",
    "Microsoft.Devices/provisioningServices/keys/listkeys/action",
    "Microsoft.Authorization/roleAssignments/write",
)
_DATA_ACTIONS = (
    "Microsoft.Devices/provisioningServices/enrollmentGroups/write",
    "Microsoft.Devices/provisioningServices/enrollments/write",
)
_ASSIGNMENTS = {
    "authorization:RoleAssignment",
    "authorization:RoleAssignmentScheduleRequest",
    "authorization:RoleEligibilityScheduleRequest",
    "authorization:PimRoleEligibilitySchedule",
    "azure:authorization/assignment:Assignment",
    "azure:pim/activeRoleAssignment:ActiveRoleAssignment",
    "azure:pim/eligibleRoleAssignment:EligibleRoleAssignment",
}
_ROLES = {"authorization:RoleDefinition", "azure:authorization/roleDefinition:RoleDefinition"}
_SERVICE = "deviceprovisioningservices:IotDpsResource"
_SHARED_POLICY = "azure:iot/dpsSharedAccessPolicy:DpsSharedAccessPolicy"
_RIGHT = "enrollmentwrite"
_IN_SERVICE = re.compile(r"/providers/microsoft\.devices/provisioningservices(?:/|$)", re.IGNORECASE)
# A management group, a subscription, a resource group, or all of a tenant: provisioning services can be below each of them.
_ABOVE = re.compile(
    r"/?(?:providers/microsoft\.management/managementgroups/[^/]+|subscriptions/[^/]+(?:/resourcegroups/[^/]+)?)?/?", re.IGNORECASE
)


def enrollment_holders(resource: Resource, settings: Settings) -> Iterator[str]:
    """Only the principals in `holders` get a role that can write enrollments, and only `sharedPolicies` and `roles` have the right to.

    Reason: an enrollment says which CA's devices a provisioning service lets in, and to which hub. Whoever can write one lets in devices of
    a CA of their own, and the hub then takes them by their thumbprints, whatever CAs it trusts. Owners and contributors can, because they
    read the shared keys. Principals are named by their object ids.
    Source: learn.microsoft.com/azure/iot-dps/concepts-control-access-dps-azure-ad; learn.microsoft.com/azure/iot-dps/how-to-control-access.
    """
    kinds = {resource.type, resource.noun}
    if kinds & _ASSIGNMENTS:
        yield from _assignment(resource, {str(each).lower() for each in settings["holders"]})
    elif kinds & _ROLES:
        yield from _role(resource, settings["roles"])
    elif resource.noun == _SERVICE and str(resource.known("properties", "disableLocalAuth")).lower() != "true":
        for policy in objects(resource, "properties", "authorizationPolicies"):
            rights = {right.strip().lower() for right in str(policy.known("rights")).split(",")}
            yield from _shared_policy(str(policy.known("keyName")), settings, writes=_RIGHT in rights)
    elif resource.type == _SHARED_POLICY:
        writes = str(resource.known("enrollmentWrite")).lower() == "true"
        yield from _shared_policy(str(resource.known("name") or resource.name), settings, writes=writes)


def _assignment(resource: Resource, holders: set[str]) -> Iterator[str]:
    guid = _guid(resource)
    if guid in _ONLY_READ:
        return
    scope = str(_fact(resource, "scope") or "")
    in_service = bool(_IN_SERVICE.search(scope))
    # At a provisioning service itself, a role that is not known to only read counts as one that writes.
    if not in_service and not (guid in _WRITE_ENROLLMENTS and _ABOVE.fullmatch(scope)):
        return
    principal = str(_fact(resource, "principalId") or "")
    if not principal or principal.lower() not in holders:
        role = f"the role {_WRITE_ENROLLMENTS[guid]}" if guid in _WRITE_ENROLLMENTS else f"a role ({guid}) that is not known to only read"
        fact = f"{principal or 'a principal'} gets {role} on {scope or 'a scope that is not set'}, and so can write enrollments"
        yield f"{fact}: give it a role that reads, or add its object id to `holders` of this policy"


def _guid(resource: Resource) -> str:
    """The GUID of the role's definition, in lower case; the name in lower case if only that is given and is none that is known."""
    definition, name = _fact(resource, "roleDefinitionId"), _fact(resource, "roleDefinitionName")
    if definition:
        return str(definition).rstrip("/").rpartition("/")[2].lower()
    return _GUIDS.get(str(name or "").lower(), str(name or "").lower())


def _fact(resource: Resource, name: str) -> Any:
    """Versions of Azure's API before 2018 have it in `properties`."""
    found = resource.known(name)
    return resource.known("properties", name) if found is None else found


def _role(resource: Resource, allowed: list[str]) -> Iterator[str]:
    name = str(_fact(resource, "roleName") or resource.known("name") or resource.name)
    if name in items(allowed):
        return
    for permission in objects(resource, "permissions"):
        can = [each for each in _ACTIONS if _gives(permission, "actions", "notActions", each)]
        can += [each for each in _DATA_ACTIONS if _gives(permission, "dataActions", "notDataActions", each)]
        if can:
            fact = f"the role '{name}' has the right {can[0]}, and so whoever gets it can write enrollments"
            yield f"{fact}: take the right out (notActions, notDataActions), or add the role's name to `roles` of this policy"


def _gives(permission: Resource, given: str, taken: str, action: str) -> bool:
    return _matches(permission, given, action) and not _matches(permission, taken, action)


def _matches(permission: Resource, name: str, action: str) -> bool:
    """Whether one of the patterns, in which `*` is any text, is for this action; letter case does not count."""
    try:
        patterns = [str(each) for each in items(permission.known(name))]
    except NotKnownYetError:
        raise NotKnownYetError(f"permissions.{name}") from None
    return any(re.fullmatch(".*".join(map(re.escape, each.split("*"))), action, re.IGNORECASE) for each in patterns)


def _shared_policy(name: str, settings: Settings, *, writes: bool) -> Iterator[str]:
    if writes and name not in items(settings["sharedPolicies"]):
        fact = f"whoever has a key of the shared access policy '{name}' can write enrollments"
        yield f"{fact}: take the right EnrollmentWrite from it and give roles instead, or add it to `sharedPolicies` of this policy"
