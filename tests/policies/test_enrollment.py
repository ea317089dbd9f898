"""The rule `enrollment-holders`: who can write enrollments, by a role, by a custom role, or by a shared key."""

from typing import Any

import pytest
from pulumi_azure_native import authorization

from policies.rules.resource import UNKNOWN, NotKnownYetError, Resource
from tests.policies.judging import before

SUBSCRIPTION = "/subscriptions/5b1c0000-0000-4000-8000-000000000001"
GROUP = f"{SUBSCRIPTION}/resourceGroups/plant"
SERVICE = f"{GROUP}/providers/Microsoft.Devices/provisioningServices/dps"
HUB = f"{GROUP}/providers/Microsoft.Devices/IotHubs/hub"
DPS_CONTRIBUTOR, DPS_READER = "dfce44e4-17b7-4bd1-a6d1-04996ec95633", "10745317-c249-44a1-a5ce-3a4353c0bbd8"
OWNER, CONTRIBUTOR, READER = (
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7",
)
HUB_CONTRIBUTOR, CUSTOM = "4fc6c259-987e-4a07-842e-c321cc9d413f", "11111111-2222-4333-8444-555555555555"
SOMEBODY = "0F0F0F0F-aaaa-4bbb-8ccc-0d0d0d0d0d0d"
NATIVE, CLASSIC = "azure-native:authorization:RoleAssignment", "azure:authorization/assignment:Assignment"
ROLE = "azure-native:authorization:RoleDefinition"
PROVISIONING = "azure-native:deviceprovisioningservices:IotDpsResource"
SHARED_POLICY = "azure:iot/dpsSharedAccessPolicy:DpsSharedAccessPolicy"


def assigned(role: str, scope: str = SERVICE, kind: str = NATIVE, **props: Any) -> Resource:
    definition = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    return Resource(kind, {"principalId": SOMEBODY, "scope": scope, "roleDefinitionId": definition, **props})


def named(role: str, scope: str = SERVICE) -> Resource:
    """The classic provider takes a role by its name too."""
    return Resource(CLASSIC, {"principalId": SOMEBODY, "scope": scope, "roleDefinitionName": role})


def role(*actions: str, taken: tuple[str, ...] = (), data: tuple[str, ...] = (), kind: str = ROLE, **props: Any) -> Resource:
    permission = {"actions": list(actions), "notActions": list(taken), "dataActions": list(data), "notDataActions": list(taken)}
    return Resource(kind, {"roleName": "Plant", "permissions": [permission], **props})


def service(rights: Any, name: str = "enroller", **properties: Any) -> Resource:
    return Resource(PROVISIONING, {"properties": {"authorizationPolicies": [{"keyName": name, "rights": rights}], **properties}})


def azapi_service(policy: dict[str, Any]) -> Resource:
    body = {"properties": {"authorizationPolicies": [policy]}}
    return Resource("azapi:index/resource:Resource", {"type": "Microsoft.Devices/provisioningServices@2022-12-12", "body": body})


def generic(noun: str, **properties: Any) -> Resource:
    """By azure-native's generic resource."""
    named = {"resourceProviderNamespace": "Microsoft.Authorization", "resourceType": noun, "parentResourcePath": ""}
    return Resource("azure-native:resources:Resource", {**named, "properties": properties})


WRITERS = [
    assigned(DPS_CONTRIBUTOR),
    assigned(DPS_CONTRIBUTOR.upper(), SERVICE.upper()),
    assigned(DPS_CONTRIBUTOR, GROUP),
    assigned(OWNER, SUBSCRIPTION),
    assigned(CONTRIBUTOR, "/providers/Microsoft.Management/managementGroups/all"),
    assigned(OWNER, "/"),
    assigned("18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", GROUP),
    assigned("f58310d9-a9f6-439a-9e8d-f62e7b41a168", GROUP),
    assigned(CUSTOM),
    assigned(HUB_CONTRIBUTOR, SERVICE),
    assigned(CONTRIBUTOR, f"{SERVICE}/certificates/ca"),
    assigned(DPS_CONTRIBUTOR, GROUP, "azure-native:authorization/v20220401:RoleAssignment"),
    assigned(DPS_CONTRIBUTOR, GROUP, "azure-native:authorization:PimRoleEligibilitySchedule"),
    assigned(DPS_CONTRIBUTOR, GROUP, CLASSIC),
    assigned(DPS_CONTRIBUTOR, GROUP, "azure:pim/activeRoleAssignment:ActiveRoleAssignment"),
    assigned(DPS_CONTRIBUTOR, GROUP, "azure:pim/eligibleRoleAssignment:EligibleRoleAssignment"),
    generic("roleAssignments", principalId=SOMEBODY, roleDefinitionId=f"/x/{HUB_CONTRIBUTOR}"),  # on what is not said
    generic("RoleAssignments", principalId=SOMEBODY, roleDefinitionId=f"/x/{OWNER}", scope=GROUP),
    named("Device Provisioning Service Data Contributor"),
    named("owner", GROUP),
    named("A role of ours"),
    Resource("azure-native:authorization/v20150701:RoleAssignment", {"scope": GROUP, "properties": assigned(OWNER).props}),
]


@pytest.mark.parametrize("resource", WRITERS, ids=str)
def test_a_role_that_writes_enrollments_is_for_holders_only(resource: Resource) -> None:
    """On the service, or above it; by any way to assign it. At the service itself a role that is not known counts too."""
    (message,) = before("enrollment-holders", resource)
    assert SOMEBODY in message
    assert before("enrollment-holders", resource, holders=[SOMEBODY.lower()]) == []
    assert len(before("enrollment-holders", resource, holders=["somebody-else"])) == 1


@pytest.mark.parametrize(
    "resource",
    [
        assigned(DPS_READER),
        assigned(READER, GROUP),
        named("Reader"),
        named("Device Provisioning Service Data Reader"),
        assigned(HUB_CONTRIBUTOR, HUB),
        assigned(OWNER, HUB),
        assigned(HUB_CONTRIBUTOR, GROUP),
        assigned(OWNER, f"{GROUP}/providers/Microsoft.KeyVault/vaults/v"),
        Resource("random:index/randomId:RandomId", assigned(OWNER).props),
    ],
    ids=str,
)
def test_other_roles_and_other_scopes_are_not_asked_for(resource: Resource) -> None:
    """Whoever reads enrollments, or manages a hub or vault, writes none."""
    assert before("enrollment-holders", resource) == []


@pytest.mark.parametrize("missing", ["principalId", "scope", "roleDefinitionId"])
def test_an_unknown_fact_of_an_assignment_postpones_the_rule(missing: str) -> None:
    """It is checked before the assignment is made."""
    with pytest.raises(NotKnownYetError, match=missing):
        before("enrollment-holders", assigned(DPS_CONTRIBUTOR, **{missing: UNKNOWN}))


def test_a_principal_without_an_id_is_nobody_that_may() -> None:
    """An assignment that leaves facts out is refused, not passed."""
    assert len(before("enrollment-holders", Resource(NATIVE, {"roleDefinitionId": DPS_CONTRIBUTOR}), holders=[""])) == 1


DATA = "Microsoft.Devices/provisioningServices/"


@pytest.mark.parametrize(
    ("resource", "right"),
    [
        (role("*"), "provisioningServices/write"),
        (role("Microsoft.Devices/*"), "provisioningServices/write"),
        (role("microsoft.devices/provisioningservices/LISTKEYS/action"), "listkeys/action"),
        (role("*/listkeys/action"), "listkeys/action"),
        (role("Microsoft.Authorization/roleAssignments/*"), "roleAssignments/write"),
        (role(data=(f"{DATA}enrollmentGroups/write",)), "enrollmentGroups/write"),
        (role(data=(f"{DATA}*/write",)), "enrollmentGroups/write"),
        (role(data=(f"{DATA}*",), taken=(f"{DATA}enrollmentGroups/*",)), "enrollments/write"),
        (generic("roleDefinitions", roleName="Plant", permissions=[{"Actions": ["*"]}]), "provisioningServices/write"),
        (
            generic("roleDefinitions", roleName="Plant", permissions=[{"actions": ["*/read"], "Actions": ["*/read"]}]),
            "provisioningServices/write",
        ),
        (role("*/read", data=("*",), kind="azure:authorization/roleDefinition:RoleDefinition", name="Plant"), "enrollmentGroups/write"),
    ],
)
def test_a_custom_role_that_writes_enrollments_is_for_roles_only(resource: Resource, right: str) -> None:
    """Also one that reads or sets shared keys, or gives roles: whoever gets it can't be seen from its assignments."""
    (message,) = before("enrollment-holders", resource)
    assert right in message
    assert before("enrollment-holders", resource, roles=["Plant"]) == []


@pytest.mark.parametrize(
    "resource",
    [
        role("*/read"),
        role("Microsoft.Devices/IotHubs/*", data=("Microsoft.Devices/IotHubs/*",)),
        role("*", taken=("Microsoft.Devices/provisioningServices/*", "Microsoft.Authorization/*")),
        role(data=(f"{DATA}enrollmentGroups/read", f"{DATA}enrollments/read")),
        role("Microsoft.Devices/provisioningServices/writer"),
        Resource(ROLE, {"roleName": "Empty"}),
    ],
)
def test_a_custom_role_that_reads_is_fine(resource: Resource) -> None:
    """What `notActions` take away is not there."""
    assert before("enrollment-holders", resource) == []


def test_a_custom_role_that_is_not_known_yet_postpones_the_rule() -> None:
    """Its permissions, or one of their lists."""
    for permissions in (UNKNOWN, [{"actions": UNKNOWN}], [UNKNOWN]):
        with pytest.raises(NotKnownYetError):
            before("enrollment-holders", Resource(ROLE, {"roleName": "Plant", "permissions": permissions}))


@pytest.mark.parametrize(
    ("resource", "writes"),
    [
        (service("EnrollmentWrite"), True),
        (service("ServiceConfig, enrollmentwrite , DeviceConnect"), True),
        (service("EnrollmentRead, ServiceConfig"), False),
        (service("EnrollmentRead, Everything"), True),
        (azapi_service({"KeyName": "enroller", "RIGHTS": "EnrollmentWrite"}), True),
        (azapi_service({"keyName": "enroller", "rights": "EnrollmentRead", "Rights": "EnrollmentWrite"}), True),
        (azapi_service({"keyName": "enroller", "rights": "EnrollmentRead"}), False),
        (Resource("azure:iot/sharedAccessPolicy:SharedAccessPolicy", {"name": "enroller", "registryWrite": True}), False),
        (service("EnrollmentWrite", disableLocalAuth=True), False),
        (service("EnrollmentWrite", disableLocalAuth="false"), True),
        (Resource(SHARED_POLICY, {"name": "enroller", "enrollmentWrite": True}), True),
        (Resource(SHARED_POLICY, {"enrollmentWrite": "true"}, name="enroller"), True),
        (Resource(SHARED_POLICY, {"name": "enroller", "enrollmentRead": True}), False),
        (Resource(PROVISIONING, {"properties": {}}), False),
    ],
)
def test_a_shared_key_that_writes_enrollments_is_for_shared_policies_only(resource: Resource, writes: bool) -> None:
    """A key says nothing about who uses it, so the policy's name is what can be allowed."""
    messages = before("enrollment-holders", resource)
    assert ["'enroller'" in message for message in messages] == [True] * writes
    assert before("enrollment-holders", resource, sharedPolicies=["enroller"]) == []


@pytest.mark.parametrize("resource", [service(UNKNOWN), Resource(PROVISIONING, {"properties": {"authorizationPolicies": UNKNOWN}})])
def test_unknown_rights_postpone_the_rule(resource: Resource) -> None:
    """Neither passed nor refused in a preview."""
    with pytest.raises(NotKnownYetError):
        before("enrollment-holders", resource)


def test_the_names_are_azure_natives() -> None:
    """Each resource of azure-native that gives a role has its place in the rule's table."""
    found = {name for name in dir(authorization) if name.endswith(("RoleAssignment", "Schedule", "ScheduleRequest", "RoleDefinition"))}
    assert found == {"RoleAssignment", "RoleDefinition", "PimRoleEligibilitySchedule"}
