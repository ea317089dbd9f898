"""What Azure does for hubs and provisioning services at Resource Manager, whether local Azure does it or not.

Names and paths are those of Microsoft's SDKs azure-mgmt-iothub and azure-mgmt-iothubprovisioningservices, which a test compares. What no
route answers is answered 501 with the operation's name.
"""

from __future__ import annotations

from local_azure_iot.routing import known_operations

_HUB = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Devices/IotHubs/{name}"
_DPS = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Devices/provisioningServices/{name}"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
_SUB = "/subscriptions/{subscription}"

KNOWN_AT_ARM = known_operations(
    """
Certificates_ListByIotHub GET <hub>/certificates
Certificates_Get GET <hub>/certificates/{certificate}
Certificates_CreateOrUpdate PUT <hub>/certificates/{certificate}
Certificates_Delete DELETE <hub>/certificates/{certificate}
Certificates_GenerateVerificationCode POST <hub>/certificates/{certificate}/generateVerificationCode
Certificates_Verify POST <hub>/certificates/{certificate}/verify
IotHub_ManualFailover POST <hub>/failover
IotHubResource_Get GET <hub>
IotHubResource_CreateOrUpdate PUT <hub>
IotHubResource_Update PATCH <hub>
IotHubResource_Delete DELETE <hub>
IotHubResource_ListBySubscription GET <sub>/providers/Microsoft.Devices/IotHubs
IotHubResource_ListByResourceGroup GET <group>/providers/Microsoft.Devices/IotHubs
IotHubResource_GetStats GET <hub>/IotHubStats
IotHubResource_GetValidSkus GET <hub>/skus
IotHubResource_ListEventHubConsumerGroups GET <hub>/eventHubEndpoints/{endpoint}/ConsumerGroups
IotHubResource_GetEventHubConsumerGroup GET <hub>/eventHubEndpoints/{endpoint}/ConsumerGroups/{consumers}
IotHubResource_CreateEventHubConsumerGroup PUT <hub>/eventHubEndpoints/{endpoint}/ConsumerGroups/{consumers}
IotHubResource_DeleteEventHubConsumerGroup DELETE <hub>/eventHubEndpoints/{endpoint}/ConsumerGroups/{consumers}
IotHubResource_ListJobs GET <hub>/jobs
IotHubResource_GetJob GET <hub>/jobs/{job_id}
IotHubResource_GetQuotaMetrics GET <hub>/quotaMetrics
IotHubResource_GetEndpointHealth GET <hub>/routingEndpointsHealth
IotHubResource_CheckNameAvailability POST <sub>/providers/Microsoft.Devices/checkNameAvailability
IotHubResource_TestAllRoutes POST <hub>/routing/routes/$testall
IotHubResource_TestRoute POST <hub>/routing/routes/$testnew
IotHubResource_ListKeys POST <hub>/listkeys
IotHubResource_GetKeysForKeyName POST <hub>/IotHubKeys/{key_name}/listkeys
IotHubResource_ExportDevices POST <hub>/exportDevices
IotHubResource_ImportDevices POST <hub>/importDevices
Operations_List GET /providers/Microsoft.Devices/operations
ResourceProviderCommon_GetSubscriptionQuota GET <sub>/providers/Microsoft.Devices/usages
PrivateEndpointConnections_List GET <hub>/privateEndpointConnections
PrivateEndpointConnections_Get GET <hub>/privateEndpointConnections/{connection}
PrivateEndpointConnections_Update PUT <hub>/privateEndpointConnections/{connection}
PrivateEndpointConnections_Delete DELETE <hub>/privateEndpointConnections/{connection}
PrivateLinkResources_List GET <hub>/privateLinkResources
PrivateLinkResources_Get GET <hub>/privateLinkResources/{link}
DpsCertificate_Get GET <dps>/certificates/{certificate}
DpsCertificate_CreateOrUpdate PUT <dps>/certificates/{certificate}
DpsCertificate_Delete DELETE <dps>/certificates/{certificate}
DpsCertificate_List GET <dps>/certificates
DpsCertificate_GenerateVerificationCode POST <dps>/certificates/{certificate}/generateVerificationCode
DpsCertificate_VerifyCertificate POST <dps>/certificates/{certificate}/verify
IotDpsResource_GetOperationResult GET <dps>/operationresults/{operation_id}
IotDpsResource_Get GET <dps>
IotDpsResource_CreateOrUpdate PUT <dps>
IotDpsResource_Update PATCH <dps>
IotDpsResource_Delete DELETE <dps>
IotDpsResource_ListByResourceGroup GET <group>/providers/Microsoft.Devices/provisioningServices
IotDpsResource_ListBySubscription GET <sub>/providers/Microsoft.Devices/provisioningServices
IotDpsResource_ListValidSkus GET <dps>/skus
IotDpsResource_ListKeys POST <dps>/listkeys
IotDpsResource_ListKeysForKeyName POST <dps>/keys/{key_name}/listkeys
IotDpsResource_GetPrivateLinkResources GET <dps>/privateLinkResources/{link}
IotDpsResource_ListPrivateLinkResources GET <dps>/privateLinkResources
IotDpsResource_GetPrivateEndpointConnection GET <dps>/privateEndpointConnections/{connection}
IotDpsResource_CreateOrUpdatePrivateEndpointConnection PUT <dps>/privateEndpointConnections/{connection}
IotDpsResource_DeletePrivateEndpointConnection DELETE <dps>/privateEndpointConnections/{connection}
IotDpsResource_ListPrivateEndpointConnections GET <dps>/privateEndpointConnections
IotDpsResource_CheckProvisioningServiceNameAvailability POST <sub>/providers/Microsoft.Devices/checkProvisioningServiceNameAvailability
""",
    hub=_HUB,
    dps=_DPS,
    group=_GROUP,
    sub=_SUB,
)
