"""The resource types of this plugin as tables: the path in ARM, the properties, and which changes replace the resource."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from sandbox.plugins.azure_native.fields import (
    ACCESS_RULE,
    CERTIFICATE_PROPERTIES,
    FLAG,
    IDENTITIES,
    INTEGER,
    NUMBER,
    PRIVATE_ENDPOINT_CONNECTION,
    SYSTEM_DATA,
    TAGS,
    TEXT,
    items,
    mapping,
    record,
)
from sandbox.plugins.azure_native.hub_properties import HUB_PROPERTIES, NAME_PATTERN
from sandbox.plugins.azure_native.vault_properties import VAULT_NAME_PATTERN, VAULT_PROPERTIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.plugins.azure_native.fields import Field

PARAMETER: Final = re.compile(r"\{(\w+)\}")
SUBSCRIPTION: Final = "subscriptionId"


class Naming(Enum):
    """How a missing name is generated: the logical name with a random suffix, the logical name, or a random UUID."""

    RANDOM = "random"
    COPY = "copy"
    UUID = "uuid"


@dataclass(frozen=True)
class ResourceType:
    """A resource type of ARM at `path`, in `api_version`.

    `container`: the object in which ARM nests properties that the SDK has at the top level. `replaces`: inputs other than
    path parameters whose change replaces the resource.
    """

    token: str
    path: str
    api_version: str
    body: Mapping[str, Field]
    container: str = ""
    replaces: frozenset[str] = frozenset()
    long_running: bool = False
    name_pattern: str = ""

    @property
    def parameters(self) -> list[str]:
        """The path parameters that are inputs, in path order."""
        return [name for name in PARAMETER.findall(self.path) if name != SUBSCRIPTION]

    @property
    def name_parameter(self) -> str:
        """The parameter for which a name is generated: the last one in the path."""
        return self.parameters[-1]

    @property
    def naming(self) -> Naming:
        """The real plugin's rule, which counts the parameters after the last provider namespace."""
        if self.name_parameter == "roleAssignmentName":
            return Naming.UUID
        return (
            Naming.COPY
            if len(PARAMETER.findall(self.path.rsplit("Microsoft.", 1)[-1])) > 1 and "Microsoft." in self.path
            else Naming.RANDOM
        )

    @property
    def forces_new(self) -> frozenset[str]:
        """Top-level inputs whose change replaces the resource."""
        return self.replaces | frozenset(self.parameters)


_GROUP = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"
_HUB = f"{_GROUP}/providers/Microsoft.Devices/IotHubs/{{resourceName}}"
_DPS = f"{_GROUP}/providers/Microsoft.Devices/provisioningServices/{{provisioningServiceName}}"
_HUB_VERSION = "2023-06-30"
_DPS_VERSION = "2023-03-01-preview"
_ENVELOPE = {"id": TEXT.as_read_only(), "name": TEXT.as_read_only(), "type": TEXT.as_read_only()}
_ASSIGNED = mapping(record(clientId=TEXT, principalId=TEXT))
_IDENTITY = {
    "principalId": TEXT.as_read_only(),
    "tenantId": TEXT.as_read_only(),
    "userAssignedIdentities": replace(IDENTITIES, item=_ASSIGNED.item),
}

RESOURCE_GROUP = ResourceType(
    "azure-native:resources:ResourceGroup",
    path="/subscriptions/{subscriptionId}/resourcegroups/{resourceGroupName}",
    api_version="2024-03-01",
    body={
        **_ENVELOPE,
        "location": TEXT.as_required(),
        "managedBy": TEXT,
        "tags": TAGS,
        "properties": record(provisioningState=TEXT).as_read_only(),
    },
    replaces=frozenset({"location"}),
    long_running=True,
)

IOT_HUB = ResourceType(
    "azure-native:iothub:IotHubResource",
    path=_HUB,
    api_version=_HUB_VERSION,
    body={
        **_ENVELOPE,
        "location": TEXT.as_required(),
        "tags": TAGS,
        "sku": record(name=TEXT.as_required(), capacity=NUMBER, tier=TEXT.as_read_only()).as_required(),
        "identity": record(type=TEXT, **_IDENTITY),
        "properties": HUB_PROPERTIES,
        "etag": TEXT.as_read_only(),
        "systemData": SYSTEM_DATA,
    },
    long_running=True,
)

HUB_CERTIFICATE = ResourceType(
    "azure-native:iothub:Certificate",
    path=f"{_HUB}/certificates/{{certificateName}}",
    api_version=_HUB_VERSION,
    body={**_ENVELOPE, "properties": CERTIFICATE_PROPERTIES, "etag": TEXT.as_read_only()},
    name_pattern=NAME_PATTERN,
)

DPS = ResourceType(
    "azure-native:deviceprovisioningservices:IotDpsResource",
    path=_DPS,
    api_version=_DPS_VERSION,
    body={
        **_ENVELOPE,
        "location": TEXT.as_required(),
        "tags": TAGS,
        "sku": record(name=TEXT, capacity=NUMBER, tier=TEXT.as_read_only()).as_required(),
        "identity": record(type=TEXT.as_required(), **_IDENTITY),
        "resourcegroup": TEXT,
        "subscriptionid": TEXT,
        "properties": record(
            allocationPolicy=TEXT,
            authorizationPolicies=items(ACCESS_RULE),
            enableDataResidency=FLAG,
            iotHubs=items(
                record(
                    connectionString=TEXT.as_required(),
                    location=TEXT.as_required(),
                    allocationWeight=INTEGER,
                    applyAllocationPolicy=FLAG,
                    name=TEXT.as_read_only(),
                )
            ),
            ipFilterRules=items(record(filterName=TEXT.as_required(), ipMask=TEXT.as_required(), action=TEXT.as_required(), target=TEXT)),
            portalOperationsHostName=TEXT,
            privateEndpointConnections=items(
                replace(PRIVATE_ENDPOINT_CONNECTION, fields={**PRIVATE_ENDPOINT_CONNECTION.fields, "systemData": SYSTEM_DATA})
            ),
            provisioningState=TEXT,
            publicNetworkAccess=TEXT,
            state=TEXT,
            idScope=TEXT.as_read_only(),
            deviceProvisioningHostName=TEXT.as_read_only(),
            serviceOperationsHostName=TEXT.as_read_only(),
        ).as_required(),
        "etag": TEXT.as_read_only(),
        "systemData": SYSTEM_DATA,
    },
    long_running=True,
)

DPS_CERTIFICATE = ResourceType(
    "azure-native:deviceprovisioningservices:DpsCertificate",
    path=f"{_DPS}/certificates/{{certificateName}}",
    api_version=_DPS_VERSION,
    body={**_ENVELOPE, "properties": CERTIFICATE_PROPERTIES, "etag": TEXT.as_read_only(), "systemData": SYSTEM_DATA},
)

ROLE_ASSIGNMENT = ResourceType(
    "azure-native:authorization:RoleAssignment",
    path="/{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}",
    api_version="2022-04-01",
    body={
        **_ENVELOPE,
        "principalId": TEXT.as_required(),
        "roleDefinitionId": TEXT.as_required(),
        "principalType": replace(TEXT, default="User"),
        "condition": TEXT,
        "conditionVersion": TEXT,
        "description": TEXT,
        "delegatedManagedIdentityResourceId": TEXT,
        "scope": TEXT.as_read_only(),
        "createdBy": TEXT.as_read_only(),
        "createdOn": TEXT.as_read_only(),
        "updatedBy": TEXT.as_read_only(),
        "updatedOn": TEXT.as_read_only(),
        "systemData": SYSTEM_DATA,
    },
    container="properties",
    replaces=frozenset({"principalId"}),
)

VAULT = ResourceType(
    "azure-native:keyvault:Vault",
    path=f"{_GROUP}/providers/Microsoft.KeyVault/vaults/{{vaultName}}",
    api_version="2024-11-01",
    body={**_ENVELOPE, "location": TEXT.as_required(), "tags": TAGS, "properties": VAULT_PROPERTIES, "systemData": SYSTEM_DATA},
    long_running=True,
    name_pattern=VAULT_NAME_PATTERN,
)

_ALL = (RESOURCE_GROUP, IOT_HUB, HUB_CERTIFICATE, DPS, DPS_CERTIFICATE, ROLE_ASSIGNMENT, VAULT)
TYPES: Final = {kind.token: kind for kind in _ALL}
