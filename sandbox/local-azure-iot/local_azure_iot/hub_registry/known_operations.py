"""What Azure does at a hub's own host name, whether local Azure does it or not.

Names and paths are those of Microsoft's OpenAPI file (2021-04-12), which a test compares, and of az CLI's extension
(github.com/Azure/azure-iot-cli-extension, azext_iot/sdk/iothub). What no route answers is answered 501 with the operation's name.
"""

from __future__ import annotations

from local_azure_iot.routing import known_operations

KNOWN = known_operations(
    """
Configuration_GetConfigurations GET /configurations
Configuration_TestQueries POST /configurations/testQueries
Statistics_GetDeviceStatistics GET /statistics/devices
Statistics_GetServiceStatistics GET /statistics/service
Devices_GetDevices GET /devices
BulkRegistry_UpdateRegistry POST /devices
Query_GetTwins POST /devices/query
Jobs_CreateImportExportJob POST /jobs/create
Jobs_GetImportExportJobs GET /jobs
CloudToDeviceMessages_ReceiveFeedbackNotification GET /messages/serviceBound/feedback
Jobs_QueryScheduledJobs GET /jobs/v2/query
Configuration_Get GET /configurations/{id}
Configuration_CreateOrUpdate PUT /configurations/{id}
Configuration_Delete DELETE /configurations/{id}
Devices_GetIdentity GET /devices/{id}
Devices_CreateOrUpdateIdentity PUT /devices/{id}
Devices_DeleteIdentity DELETE /devices/{id}
Configuration_ApplyOnEdgeDevice POST /devices/{id}/applyConfigurationContent
Jobs_GetImportExportJob GET /jobs/{id}
Jobs_CancelImportExportJob DELETE /jobs/{id}
CloudToDeviceMessages_PurgeCloudToDeviceMessageQueue DELETE /devices/{id}/commands
Devices_GetTwin GET /twins/{id}
Devices_ReplaceTwin PUT /twins/{id}
Devices_UpdateTwin PATCH /twins/{id}
DigitalTwin_GetDigitalTwin GET /digitaltwins/{id}
DigitalTwin_UpdateDigitalTwin PATCH /digitaltwins/{id}
CloudToDeviceMessages_CompleteFeedbackNotification DELETE /messages/serviceBound/feedback/{lockToken}
CloudToDeviceMessages_AbandonFeedbackNotification POST /messages/serviceBound/feedback/{lockToken}/abandon
Jobs_GetScheduledJob GET /jobs/v2/{id}
Jobs_CreateScheduledJob PUT /jobs/v2/{id}
Jobs_CancelScheduledJob POST /jobs/v2/{id}/cancel
Modules_GetModulesOnDevice GET /devices/{id}/modules
Devices_InvokeMethod POST /twins/{id}/methods
Modules_GetTwin GET /twins/{id}/modules/{mid}
Modules_ReplaceTwin PUT /twins/{id}/modules/{mid}
Modules_UpdateTwin PATCH /twins/{id}/modules/{mid}
DigitalTwin_InvokeRootLevelCommand POST /digitaltwins/{id}/commands/{commandName}
Modules_GetIdentity GET /devices/{id}/modules/{mid}
Modules_CreateOrUpdateIdentity PUT /devices/{id}/modules/{mid}
Modules_DeleteIdentity DELETE /devices/{id}/modules/{mid}
Modules_InvokeMethod POST /twins/{id}/modules/{mid}/methods
DigitalTwin_InvokeComponentCommand POST /digitaltwins/{id}/components/{componentPath}/commands/{commandName}
Service_BulkRegenerateDeviceKeyMethod POST /devices/keys/regenerate
Device_SendDeviceEvent POST /devices/{id}/messages/events
Device_ReceiveDeviceBoundNotification GET /devices/{id}/messages/deviceBound
Device_CompleteDeviceBoundNotification DELETE /devices/{id}/messages/deviceBound/{etag}
Device_AbandonDeviceBoundNotification POST /devices/{id}/messages/deviceBound/{etag}/abandon
Device_CreateFileUploadSasUri POST /devices/{id}/files
Device_UpdateFileUploadStatus POST /devices/{id}/files/notifications
Module_SendModuleEvent POST /devices/{id}/modules/{mid}/messages/events
Device_GetDevicesAndModulesInScope GET /devices/{id}/modules/{mid}/devicesAndModulesInDeviceScope
Device_GetDeviceAndModuleInScope GET /devices/{id}/modules/{mid}/deviceAndModuleInDeviceScope
"""
)
