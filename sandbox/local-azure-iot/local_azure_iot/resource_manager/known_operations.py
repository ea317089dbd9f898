"""What Azure Resource Manager itself does, whether local Azure does it or not.

Names and paths are those of Microsoft's SDKs azure-mgmt-resource, which a test compares, -resource-deployments and -authorization. What no
route answers is answered 501 with the operation's name. A resource of another provider is not Resource Manager's own: its path is unknown.
"""

from __future__ import annotations

from local_azure_iot.routing import known_operations

_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
_SUB = "/subscriptions/{subscription}"

KNOWN = known_operations(
    """
Operations_List GET /providers/Microsoft.Resources/operations
ResourceGroups_Get GET <group>
ResourceGroups_CheckExistence HEAD <group>
ResourceGroups_CreateOrUpdate PUT <group>
ResourceGroups_Update PATCH <group>
ResourceGroups_Delete DELETE <group>
ResourceGroups_List GET <sub>/resourceGroups
ResourceGroups_ExportTemplate POST <group>/exportTemplate
Resources_ListByResourceGroup GET <group>/resources
Resources_MoveResources POST <group>/moveResources
Resources_ValidateMoveResources POST <group>/validateMoveResources
Resources_List GET <sub>/resources
Tags_GetAtScope GET {scope*}/providers/Microsoft.Resources/tags/default
Tags_CreateOrUpdateAtScope PUT {scope*}/providers/Microsoft.Resources/tags/default
Tags_UpdateAtScope PATCH {scope*}/providers/Microsoft.Resources/tags/default
Tags_DeleteAtScope DELETE {scope*}/providers/Microsoft.Resources/tags/default
Tags_DeleteValue DELETE <sub>/tagNames/{tag_name}/tagValues/{tag_value}
Tags_CreateOrUpdateValue PUT <sub>/tagNames/{tag_name}/tagValues/{tag_value}
Tags_CreateOrUpdate PUT <sub>/tagNames/{tag_name}
Tags_Delete DELETE <sub>/tagNames/{tag_name}
Tags_List GET <sub>/tagNames
Providers_ListAtTenantScope GET /providers
Providers_Unregister POST <sub>/providers/{namespace}/unregister
Providers_RegisterAtManagementGroupScope POST /providers/Microsoft.Management/managementGroups/{link}/providers/{namespace}/register
Providers_ProviderPermissions GET <sub>/providers/{namespace}/providerPermissions
Providers_Register POST <sub>/providers/{namespace}/register
Providers_List GET <sub>/providers
Providers_Get GET <sub>/providers/{namespace}
Providers_GetAtTenantScope GET /providers/{namespace}
ProviderResourceTypes_List GET <sub>/providers/{namespace}/resourceTypes
Deployments_ListByResourceGroup GET <group>/providers/Microsoft.Resources/deployments
Deployments_Get GET <group>/providers/Microsoft.Resources/deployments/{deployment}
Deployments_CreateOrUpdate PUT <group>/providers/Microsoft.Resources/deployments/{deployment}
Deployments_Delete DELETE <group>/providers/Microsoft.Resources/deployments/{deployment}
Deployments_CheckExistence HEAD <group>/providers/Microsoft.Resources/deployments/{deployment}
Deployments_Validate POST <group>/providers/Microsoft.Resources/deployments/{deployment}/validate
Deployments_WhatIf POST <group>/providers/Microsoft.Resources/deployments/{deployment}/whatIf
Deployments_Cancel POST <group>/providers/Microsoft.Resources/deployments/{deployment}/cancel
Deployments_ExportTemplate POST <group>/providers/Microsoft.Resources/deployments/{deployment}/exportTemplate
DeploymentOperations_List GET <group>/providers/Microsoft.Resources/deployments/{deployment}/operations
Deployments_ListAtSubscriptionScope GET <sub>/providers/Microsoft.Resources/deployments
Deployments_GetAtSubscriptionScope GET <sub>/providers/Microsoft.Resources/deployments/{deployment}
Deployments_CreateOrUpdateAtSubscriptionScope PUT <sub>/providers/Microsoft.Resources/deployments/{deployment}
Deployments_DeleteAtSubscriptionScope DELETE <sub>/providers/Microsoft.Resources/deployments/{deployment}
Deployments_CheckExistenceAtSubscriptionScope HEAD <sub>/providers/Microsoft.Resources/deployments/{deployment}
Deployments_ValidateAtSubscriptionScope POST <sub>/providers/Microsoft.Resources/deployments/{deployment}/validate
Deployments_WhatIfAtSubscriptionScope POST <sub>/providers/Microsoft.Resources/deployments/{deployment}/whatIf
Deployments_CancelAtSubscriptionScope POST <sub>/providers/Microsoft.Resources/deployments/{deployment}/cancel
Deployments_ExportTemplateAtSubscriptionScope POST <sub>/providers/Microsoft.Resources/deployments/{deployment}/exportTemplate
DeploymentOperations_ListAtSubscriptionScope GET <sub>/providers/Microsoft.Resources/deployments/{deployment}/operations
RoleDefinitions_CreateOrUpdate PUT {scope*}/providers/Microsoft.Authorization/roleDefinitions/{role}
RoleDefinitions_Delete DELETE {scope*}/providers/Microsoft.Authorization/roleDefinitions/{role}
RoleAssignments_Validate POST {scope*}/providers/Microsoft.Authorization/roleAssignments/{assignment}/validate
DenyAssignments_ListForScope GET {scope*}/providers/Microsoft.Authorization/denyAssignments
DenyAssignments_Get GET {scope*}/providers/Microsoft.Authorization/denyAssignments/{assignment}
Permissions_ListForResource GET {scope*}/providers/Microsoft.Authorization/permissions
ProviderOperationsMetadata_List GET /providers/Microsoft.Authorization/providerOperations
ProviderOperationsMetadata_Get GET /providers/Microsoft.Authorization/providerOperations/{namespace}
GlobalAdministrator_ElevateAccess POST /providers/Microsoft.Authorization/elevateAccess
ManagementLocks_ListByScope GET {scope*}/providers/Microsoft.Authorization/locks
ManagementLocks_GetByScope GET {scope*}/providers/Microsoft.Authorization/locks/{lock}
ManagementLocks_CreateOrUpdateByScope PUT {scope*}/providers/Microsoft.Authorization/locks/{lock}
ManagementLocks_DeleteByScope DELETE {scope*}/providers/Microsoft.Authorization/locks/{lock}
RoleAssignmentSchedules_ListForScope GET {scope*}/providers/Microsoft.Authorization/roleAssignmentSchedules
RoleAssignmentSchedules_Get GET {scope*}/providers/Microsoft.Authorization/roleAssignmentSchedules/{one}
RoleAssignmentScheduleInstances_ListForScope GET {scope*}/providers/Microsoft.Authorization/roleAssignmentScheduleInstances
RoleAssignmentScheduleInstances_Get GET {scope*}/providers/Microsoft.Authorization/roleAssignmentScheduleInstances/{one}
RoleAssignmentScheduleRequests_ListForScope GET {scope*}/providers/Microsoft.Authorization/roleAssignmentScheduleRequests
RoleAssignmentScheduleRequests_Get GET {scope*}/providers/Microsoft.Authorization/roleAssignmentScheduleRequests/{one}
RoleEligibilitySchedules_ListForScope GET {scope*}/providers/Microsoft.Authorization/roleEligibilitySchedules
RoleEligibilitySchedules_Get GET {scope*}/providers/Microsoft.Authorization/roleEligibilitySchedules/{one}
RoleEligibilityScheduleInstances_ListForScope GET {scope*}/providers/Microsoft.Authorization/roleEligibilityScheduleInstances
RoleEligibilityScheduleInstances_Get GET {scope*}/providers/Microsoft.Authorization/roleEligibilityScheduleInstances/{one}
RoleEligibilityScheduleRequests_ListForScope GET {scope*}/providers/Microsoft.Authorization/roleEligibilityScheduleRequests
RoleEligibilityScheduleRequests_Get GET {scope*}/providers/Microsoft.Authorization/roleEligibilityScheduleRequests/{one}
PolicyAssignments_ListForScope GET {scope*}/providers/Microsoft.Authorization/policyAssignments
PolicyAssignments_Get GET {scope*}/providers/Microsoft.Authorization/policyAssignments/{one}
RoleAssignmentScheduleRequests_Create PUT {scope*}/providers/Microsoft.Authorization/roleAssignmentScheduleRequests/{one}
RoleEligibilityScheduleRequests_Create PUT {scope*}/providers/Microsoft.Authorization/roleEligibilityScheduleRequests/{one}
PolicyAssignments_Create PUT {scope*}/providers/Microsoft.Authorization/policyAssignments/{one}
""",
    group=_GROUP,
    sub=_SUB,
)
