"""The rule for who may write enrollments: which devices a provisioning service lets in, below which CA, to which hub."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .declarations import Fact, Kind, declaration
from .resource import TWICE, items, objects

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .declarations import Declaration
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
# The rights of shared access policies that write no enrollments; whatever else stands there counts as one that does.
_OTHER_RIGHTS = {"serviceconfig", "enrollmentread", "registrationstatusread", "registrationstatuswrite", "deviceconnect", ""}
_OF_HUBS = {"registryread", "registrywrite", "serviceconnect"}
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
    found = declaration(resource)
    if found is None:
        return
    if found.kind is Kind.ROLE_ASSIGNMENT:
        yield from _assignment(found, {str(each).lower() for each in settings["holders"]})
    elif found.kind is Kind.ROLE_DEFINITION:
        yield from _role(found, settings["roles"])
    elif found.kind is Kind.PROVISIONING_SERVICE and found.known(Fact.SERVICE_KEYS_OFF) is not True:
        for policy in objects(found.known(Fact.ACCESS_POLICIES), found.where(Fact.ACCESS_POLICIES)):
            yield from _shared_policy(str(policy.known("keyname")), str(policy.known("rights")).split(","), settings)
    elif found.kind is Kind.ACCESS_POLICY:
        yield from _shared_policy(
            str(found.known(Fact.NAME) or resource.name), items(found.known(Fact.RIGHTS), found.where(Fact.RIGHTS)), settings
        )


def _assignment(found: Declaration, holders: set[str]) -> Iterator[str]:
    guid = _guid(found)
    if guid in _ONLY_READ:
        return
    scope = str(found.known(Fact.SCOPE) or "")
    # At a provisioning service itself, or where the scope isn't said, a role that is not known to only read counts as one that writes.
    is_closed = not scope or bool(_IN_SERVICE.search(scope))
    if not is_closed and not (guid in _WRITE_ENROLLMENTS and _ABOVE.fullmatch(scope)):
        return
    principal = str(found.known(Fact.PRINCIPAL) or "")
    if not principal or principal.lower() not in holders:
        role = f"the role {_WRITE_ENROLLMENTS[guid]}" if guid in _WRITE_ENROLLMENTS else f"a role ({guid}) that is not known to only read"
        fact = f"{principal or 'a principal'} gets {role} on {scope or 'a scope that is not set'}, and so can write enrollments"
        yield f"{fact}: give it a role that reads, or add its object id to `holders` of this policy"


def _guid(found: Declaration) -> str:
    """The GUID of the role's definition, in lower case; the name in lower case if only that is given and is none that is known."""
    definition, name = found.known(Fact.ROLE), found.known(Fact.ROLE_NAME)
    if definition:
        return str(definition).rstrip("/").rpartition("/")[2].lower()
    return _GUIDS.get(str(name or "").lower(), str(name or "").lower())


def _role(found: Declaration, allowed: list[str]) -> Iterator[str]:
    name = str(found.known(Fact.ROLE_NAME) or found.resource.name)
    if name in items(allowed):
        return
    for permission in objects(found.known(Fact.PERMISSIONS), found.where(Fact.PERMISSIONS)):
        can = [each for each in _ACTIONS if _gives(permission, "actions", "notactions", each)]
        can += [each for each in _DATA_ACTIONS if _gives(permission, "dataactions", "notdataactions", each)]
        if can:
            fact = f"the role '{name}' has the right {can[0]}, and so whoever gets it can write enrollments"
            yield f"{fact}: take the right out (notActions, notDataActions), or add the role's name to `roles` of this policy"


def _gives(permission: Resource, given: str, taken: str, action: str) -> bool:
    return _matches(permission, given, action) and not _matches(permission, taken, action)


def _matches(permission: Resource, name: str, action: str) -> bool:
    """Whether one of the patterns, in which `*` is any text, is for this action; letter case does not count."""
    found = permission.known(name)
    if found == TWICE:
        return not name.startswith("not")
    patterns = [str(each) for each in items(found, name)]
    return any(re.fullmatch(".*".join(map(re.escape, each.split("*"))), action, re.IGNORECASE) for each in patterns)


def _shared_policy(name: str, rights: list[str], settings: Settings) -> Iterator[str]:
    writes = any(str(right).strip().lower() not in _OTHER_RIGHTS | _OF_HUBS for right in rights)
    if writes and name not in items(settings["sharedPolicies"]):
        fact = f"whoever has a key of the shared access policy '{name}' can write enrollments"
        yield f"{fact}: take the right EnrollmentWrite from it and give roles instead, or add it to `sharedPolicies` of this policy"
