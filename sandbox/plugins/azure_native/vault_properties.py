"""The properties of a key vault, Microsoft.KeyVault 2024-11-01."""

from __future__ import annotations

from dataclasses import replace

from sandbox.plugins.azure_native.fields import FLAG, INTEGER, TEXT, items, record

VAULT_NAME_PATTERN = "^[a-zA-Z0-9-]{3,24}$"

_OFF = replace(FLAG, default=False)
_WORDS = items(TEXT)

ACCESS_POLICY = record(
    tenantId=TEXT.as_required(),
    objectId=TEXT.as_required(),
    applicationId=TEXT,
    permissions=record(certificates=_WORDS, keys=_WORDS, secrets=_WORDS, storage=_WORDS).as_required(),
)

NETWORK_ACLS = record(
    bypass=TEXT,
    defaultAction=TEXT,
    ipRules=items(record(value=TEXT.as_required())),
    virtualNetworkRules=items(record(id=TEXT.as_required(), ignoreMissingVnetServiceEndpoint=FLAG)),
)

PRIVATE_ENDPOINT_CONNECTION = record(
    etag=TEXT,
    id=TEXT,
    privateEndpoint=record(id=TEXT),
    privateLinkServiceConnectionState=record(actionsRequired=TEXT, description=TEXT, status=TEXT),
    provisioningState=TEXT,
)

VAULT_PROPERTIES = record(
    tenantId=TEXT.as_required(),
    sku=record(family=TEXT.as_required(), name=TEXT.as_required()).as_required(),
    accessPolicies=items(ACCESS_POLICY).as_kept(),
    createMode=TEXT.as_write_only(),
    enablePurgeProtection=FLAG,
    enableRbacAuthorization=_OFF,
    enableSoftDelete=replace(FLAG, default=True),
    enabledForDeployment=_OFF,
    enabledForDiskEncryption=_OFF,
    enabledForTemplateDeployment=_OFF,
    networkAcls=NETWORK_ACLS,
    publicNetworkAccess=replace(TEXT, default="enabled"),
    softDeleteRetentionInDays=replace(INTEGER, default=90),
    hsmPoolResourceId=TEXT.as_read_only(),
    privateEndpointConnections=items(PRIVATE_ENDPOINT_CONNECTION).as_read_only(),
    provisioningState=TEXT.as_read_only(),
    vaultUri=TEXT.as_read_only(),
).as_required()
