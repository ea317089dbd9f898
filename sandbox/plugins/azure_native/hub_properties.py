"""The properties of an IoT hub, Microsoft.Devices 2023-06-30."""

from __future__ import annotations

from dataclasses import replace

from sandbox.plugins.azure_native.fields import (
    ACCESS_RULE,
    FLAG,
    INTEGER,
    NUMBER,
    PRIVATE_ENDPOINT_CONNECTION,
    TEXT,
    items,
    mapping,
    record,
)

# 1 to 64 letters, digits, dots, dashes, underscores.
NAME_PATTERN = "^[A-Za-z0-9-._]{1,64}$"
DELIVERY_COUNT = replace(INTEGER, minimum=1, maximum=100)

_CHOSEN_IDENTITY = record(userAssignedIdentity=TEXT)
_PLACE = {"resourceGroup": TEXT, "subscriptionId": TEXT}
_ENDPOINT_NAME = replace(TEXT, pattern=NAME_PATTERN).as_required()
_SERVICE_BUS = record(
    name=_ENDPOINT_NAME,
    authenticationType=TEXT,
    connectionString=TEXT,
    endpointUri=TEXT,
    entityPath=TEXT,
    id=TEXT,
    identity=_CHOSEN_IDENTITY,
    **_PLACE,
)
_COSMOS = record(
    name=_ENDPOINT_NAME,
    containerName=TEXT.as_required(),
    databaseName=TEXT.as_required(),
    endpointUri=TEXT.as_required(),
    id=TEXT.as_read_only(),
    authenticationType=TEXT,
    identity=_CHOSEN_IDENTITY,
    partitionKeyName=TEXT,
    partitionKeyTemplate=TEXT,
    primaryKey=TEXT,
    secondaryKey=TEXT,
    **_PLACE,
)
_STORAGE = record(
    name=_ENDPOINT_NAME,
    containerName=TEXT.as_required(),
    authenticationType=TEXT,
    batchFrequencyInSeconds=replace(INTEGER, minimum=60, maximum=720),
    connectionString=TEXT,
    encoding=TEXT,
    endpointUri=TEXT,
    fileNameFormat=TEXT,
    id=TEXT,
    identity=_CHOSEN_IDENTITY,
    maxChunkSizeInBytes=replace(INTEGER, minimum=10485760, maximum=524288000),
    **_PLACE,
)
_ROUTE = {"source": TEXT.as_required(), "endpointNames": items(TEXT).as_required(), "isEnabled": FLAG.as_required(), "condition": TEXT}
_MESSAGING = record(lockDurationAsIso8601=TEXT, ttlAsIso8601=TEXT, maxDeliveryCount=DELIVERY_COUNT)

ROUTING = record(
    endpoints=record(
        cosmosDBSqlContainers=items(_COSMOS),
        eventHubs=items(_SERVICE_BUS),
        serviceBusQueues=items(_SERVICE_BUS),
        serviceBusTopics=items(_SERVICE_BUS),
        storageContainers=items(_STORAGE),
    ),
    enrichments=items(record(key=TEXT.as_required(), value=TEXT.as_required(), endpointNames=items(TEXT).as_required())),
    fallbackRoute=record(name=TEXT, **_ROUTE),
    routes=items(record(name=replace(TEXT, pattern=NAME_PATTERN).as_required(), **_ROUTE)),
)

NETWORK_RULES = record(
    applyToBuiltInEventHubEndpoint=FLAG.as_required(),
    defaultAction=replace(TEXT, default="Deny"),
    ipRules=items(record(filterName=TEXT.as_required(), ipMask=TEXT.as_required(), action=replace(TEXT, default="Allow"))).as_required(),
)

HUB_PROPERTIES = record(
    allowedFqdnList=items(TEXT),
    authorizationPolicies=items(ACCESS_RULE),
    cloudToDevice=record(defaultTtlAsIso8601=TEXT, feedback=_MESSAGING, maxDeliveryCount=DELIVERY_COUNT),
    comments=TEXT,
    disableDeviceSAS=FLAG,
    disableLocalAuth=FLAG,
    disableModuleSAS=FLAG,
    enableDataResidency=FLAG,
    enableFileUploadNotifications=FLAG,
    eventHubEndpoints=mapping(
        record(
            partitionCount=INTEGER,
            retentionTimeInDays=NUMBER,
            endpoint=TEXT.as_read_only(),
            path=TEXT.as_read_only(),
            partitionIds=items(TEXT).as_read_only(),
        )
    ),
    features=TEXT,
    ipFilterRules=items(record(filterName=TEXT.as_required(), ipMask=TEXT.as_required(), action=TEXT.as_required())),
    messagingEndpoints=mapping(_MESSAGING),
    minTlsVersion=TEXT,
    networkRuleSets=NETWORK_RULES,
    privateEndpointConnections=items(PRIVATE_ENDPOINT_CONNECTION),
    publicNetworkAccess=TEXT,
    restrictOutboundNetworkAccess=FLAG,
    routing=ROUTING,
    storageEndpoints=mapping(
        record(
            connectionString=TEXT.as_required(),
            containerName=TEXT.as_required(),
            authenticationType=TEXT,
            identity=_CHOSEN_IDENTITY,
            sasTtlAsIso8601=TEXT,
        )
    ),
    hostName=TEXT.as_read_only(),
    locations=items(record(location=TEXT, role=TEXT)).as_read_only(),
    provisioningState=TEXT.as_read_only(),
    state=TEXT.as_read_only(),
)
