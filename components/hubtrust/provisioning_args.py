"""What a program declares of a provisioning service that its stack manages: our own fields, and every property of azure-native's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import pulumi
from pulumi_azure_native import deviceprovisioningservices as dps

from hubtrust.inputs import wire_name


@dataclass(frozen=True, kw_only=True)
class ProvisioningServiceArgs:
    """A provisioning service that this stack manages. What is None is not declared: Azure's default, or what an adopted one has.

    Every field may be an Output, except ``adopt_id`` and ``protect``, which decide which resources there are. Its linked hubs are the
    argument ``hubs`` of ProvisioningService. ``identity`` and the properties below it have azure-native's own names and types, as its Args
    or as dicts; what they mean is documented at learn.microsoft.com/azure/templates/microsoft.devices/provisioningservices.
    """

    name: pulumi.Input[str] | None = None
    """Unique in all of Azure: 3 to 50 letters, digits and hyphens. Default: the resource's name and eight hex digits that stay."""
    resource_group: pulumi.Input[str] | None = None
    """The name of a resource group, such as a hub's ``resource_group_name``. Default: one is created, with the service's generated name."""
    location: pulumi.Input[str] | None = None
    """An Azure region, such as `westeurope`. Default: `azure-native:location`."""
    units: pulumi.Input[int] | None = None
    """The number of units of S1, the only size. Default: 1."""
    tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    """Its tags, and its resource group's if one is created; added to those of an adopted one. `hubtrust` is this stack's own."""
    protect: bool = True
    """Pulumi refuses to delete or replace it: another one of the same name has another id scope, which its devices don't know."""
    adopt_id: str | None = None
    """The resource id of an existing one to import into this stack; ``name`` and ``resource_group`` are left out then."""

    identity: pulumi.Input[dps.ManagedServiceIdentityArgs | dps.ManagedServiceIdentityArgsDict] | None = None
    """Its managed identities."""
    allocation_policy: pulumi.Input[str | dps.AllocationPolicy] | None = None
    """How devices are spread over the linked hubs where their enrollment does not say it: Hashed, GeoLatency or Static. Default: Hashed."""
    authorization_policies: (
        pulumi.Input[
            Sequence[
                pulumi.Input[
                    dps.SharedAccessSignatureAuthorizationRuleAccessRightsDescriptionArgs
                    | dps.SharedAccessSignatureAuthorizationRuleAccessRightsDescriptionArgsDict
                ]
            ]
        ]
        | None
    ) = None
    """Its shared access policies, with which programs manage enrollments; the operators of ProvisioningService need none."""
    enable_data_residency: pulumi.Input[bool] | None = None
    """Data stays in the region, without a copy in the paired one. Azure takes it only when the service is created."""
    ip_filter_rules: pulumi.Input[Sequence[pulumi.Input[dps.IpFilterRuleArgs | dps.IpFilterRuleArgsDict]]] | None = None
    """From which addresses it can be reached; each rule names its target: all, serviceApi or deviceApi."""
    portal_operations_host_name: pulumi.Input[str] | None = None
    """The host of the portal that may call it from a browser."""
    private_endpoint_connections: (
        pulumi.Input[Sequence[pulumi.Input[dps.PrivateEndpointConnectionArgs | dps.PrivateEndpointConnectionArgsDict]]] | None
    ) = None
    """Private endpoint connections, to approve or reject them; a private endpoint is a resource of its own."""
    public_network_access: pulumi.Input[str | dps.PublicNetworkAccess] | None = None
    """Enabled or Disabled: whether it can be reached without a private endpoint."""

    def declared(self) -> dict[str, Any]:
        """Its properties as arguments of ``IotDpsPropertiesDescriptionArgs``, without the linked hubs."""
        return {name: value for name in PROPERTIES if (value := getattr(self, name)) is not None}

    def undeclared(self) -> list[str]:
        """What stays as it is of an adopted one, as paths of the option `ignoreChanges`; the links apart."""
        own = [path for name, path in _PATHS.items() if getattr(self, name) is None]
        return own + [f"properties.{wire}" for name, wire in PROPERTIES.items() if getattr(self, name) is None]


UNITS: Final = 1
_PATHS: Final = {"location": "location", "units": "sku.capacity", "identity": "identity"}
_OWN: Final = frozenset({*_PATHS, "name", "resource_group", "tags", "protect", "adopt_id"})
# Its properties by the names of their fields here; the values are Azure's names.
PROPERTIES: Final[Mapping[str, str]] = {one.name: wire_name(one.name) for one in fields(ProvisioningServiceArgs) if one.name not in _OWN}
