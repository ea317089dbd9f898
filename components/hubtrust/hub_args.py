"""What a program declares of a hub that its stack manages: our own fields, and every property that azure-native's hub has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import pulumi
from pulumi_azure_native import iothub

from hubtrust.inputs import wire_name


@dataclass(frozen=True, kw_only=True)
class HubArgs:
    """A hub that this stack manages. What is None is not declared: a created hub gets the default, an adopted one keeps what it has.

    Every field may be an Output, except ``adopt_id`` and ``protect``, which decide which resources there are. Only a plain None is not
    declared; an Output that resolves to None is. ``identity`` and the properties below it have azure-native's own names and types, as its
    Args or as dicts; what they mean is documented at learn.microsoft.com/azure/templates/microsoft.devices/iothubs.
    """

    name: pulumi.Input[str] | None = None
    """Unique in all of Azure: 3 to 50 letters, digits and hyphens. Default: the resource's name and eight hex digits that stay."""
    resource_group: pulumi.Input[str] | None = None
    """The name of an existing resource group. Default: one is created, with the hub's generated name, tags and protection."""
    location: pulumi.Input[str] | None = None
    """An Azure region, such as `westeurope`. Default: `azure-native:location`."""
    sku: pulumi.Input[str] | iothub.IotHubSkuInfoArgs | iothub.IotHubSkuInfoArgsDict | None = None
    """F1, B1 to B3, or S1 to S3; azure-native's own type may have the units in it. Default: S1."""
    units: pulumi.Input[int] | None = None
    """The number of units of that size, 1 to 200; F1 has one. Default: 1."""
    tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    """Tags of the hub, and of its resource group if one is created; added to those of an adopted hub. `hubtrust` is this stack's own."""
    protect: bool = True
    """Pulumi refuses to delete or replace the hub and its resource group."""
    adopt_id: str | None = None
    """The resource id of an existing hub to import into this stack; ``name`` and ``resource_group`` are left out then."""

    identity: pulumi.Input[iothub.ArmIdentityArgs | iothub.ArmIdentityArgsDict] | None = None
    """The hub's managed identities, with which it reaches endpoints and storage."""
    allowed_fqdn_list: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    """The hosts that the hub may connect to, if ``restrict_outbound_network_access`` is True."""
    authorization_policies: (
        pulumi.Input[
            Sequence[
                pulumi.Input[iothub.SharedAccessSignatureAuthorizationRuleArgs | iothub.SharedAccessSignatureAuthorizationRuleArgsDict]
            ]
        ]
        | None
    ) = None
    """Shared access policies; they work only if ``disable_local_auth`` is False."""
    cloud_to_device: pulumi.Input[iothub.CloudToDevicePropertiesArgs | iothub.CloudToDevicePropertiesArgsDict] | None = None
    """How long and how often messages to devices are tried, and the feedback about them."""
    comments: pulumi.Input[str] | None = None
    """A comment."""
    disable_device_sas: pulumi.Input[bool] | None = None
    """Devices can't use shared access keys. Default: True."""
    disable_local_auth: pulumi.Input[bool] | None = None
    """Services can't use shared access keys. Default: True."""
    disable_module_sas: pulumi.Input[bool] | None = None
    """Modules can't use shared access keys. Default: True."""
    enable_data_residency: pulumi.Input[bool] | None = None
    """Data stays in the region, without a copy in the paired one. Azure takes it only when the hub is created."""
    enable_file_upload_notifications: pulumi.Input[bool] | None = None
    """Services are notified of files that devices upload; needs ``storage_endpoints``."""
    event_hub_endpoints: (
        pulumi.Input[Mapping[str, pulumi.Input[iothub.EventHubPropertiesArgs | iothub.EventHubPropertiesArgsDict]]] | None
    ) = None
    """Partitions and retention of the built-in endpoint; its only key is `events`."""
    features: pulumi.Input[str | iothub.Capabilities] | None = None
    """Capabilities: None or DeviceManagement."""
    ip_filter_rules: pulumi.Input[Sequence[pulumi.Input[iothub.IpFilterRuleArgs | iothub.IpFilterRuleArgsDict]]] | None = None
    """IP filter rules of the older kind; ``network_rule_sets`` takes their place."""
    messaging_endpoints: (
        pulumi.Input[Mapping[str, pulumi.Input[iothub.MessagingEndpointPropertiesArgs | iothub.MessagingEndpointPropertiesArgsDict]]] | None
    ) = None
    """The queue of notifications about uploaded files."""
    min_tls_version: pulumi.Input[str] | None = None
    """The lowest TLS version, 1.2 or 1.0. Default: 1.2. Azure enforces it in some regions only, and can't change it after the creation."""
    network_rule_sets: pulumi.Input[iothub.NetworkRuleSetPropertiesArgs | iothub.NetworkRuleSetPropertiesArgsDict] | None = None
    """From which addresses the hub can be reached, and whether that holds for the built-in endpoint too."""
    private_endpoint_connections: (
        pulumi.Input[Sequence[pulumi.Input[iothub.PrivateEndpointConnectionArgs | iothub.PrivateEndpointConnectionArgsDict]]] | None
    ) = None
    """Private endpoint connections, to approve or reject them; a private endpoint is a resource of its own."""
    public_network_access: pulumi.Input[str | iothub.PublicNetworkAccess] | None = None
    """Enabled or Disabled: whether the hub can be reached without a private endpoint."""
    restrict_outbound_network_access: pulumi.Input[bool] | None = None
    """The hub may connect to ``allowed_fqdn_list`` only."""
    routing: pulumi.Input[iothub.RoutingPropertiesArgs | iothub.RoutingPropertiesArgsDict] | None = None
    """Endpoints, routes and enrichments of messages."""
    storage_endpoints: (
        pulumi.Input[Mapping[str, pulumi.Input[iothub.StorageEndpointPropertiesArgs | iothub.StorageEndpointPropertiesArgsDict]]] | None
    ) = None
    """The storage container of uploaded files; its only key is `$default`."""

    def declared(self, *, defaults: bool) -> dict[str, Any]:
        """The hub's properties as arguments of ``iothub.IotHubPropertiesArgs``; with ``defaults``, a created hub's for what is not set."""
        given = {name: value for name in PROPERTIES if (value := getattr(self, name)) is not None}
        return ({**DEFAULTS, **given}) if defaults else given

    @property
    def local_auth_disabled(self) -> bool | None:
        """Whether services can't use shared access keys; None where that is an Output, or what an adopted hub has."""
        default = DEFAULTS["disable_local_auth"] if self.adopt_id is None else None
        declared = default if self.disable_local_auth is None else self.disable_local_auth
        return declared if isinstance(declared, bool) else None

    @property
    def _has_capacity(self) -> bool:
        capacity = self.sku.get("capacity") if isinstance(self.sku, Mapping) else getattr(self.sku, "capacity", None)
        return isinstance(self.sku, iothub.IotHubSkuInfoArgs | Mapping) and capacity is not None

    def undeclared(self) -> list[str]:
        """The properties of an adopted hub that stay as they are, as paths of the option `ignoreChanges`."""
        own = [path for name, path in _PATHS.items() if getattr(self, name) is None and not (name == "units" and self._has_capacity)]
        return own + [f"properties.{PROPERTIES[name]}" for name in PROPERTIES if getattr(self, name) is None]


SKU: Final = "S1"
UNITS: Final = 1
DEFAULTS: Final[Mapping[str, Any]] = {
    "min_tls_version": "1.2",
    "disable_local_auth": True,
    "disable_device_sas": True,
    "disable_module_sas": True,
}
_PATHS: Final = {"location": "location", "sku": "sku.name", "units": "sku.capacity", "identity": "identity"}
_OWN: Final = frozenset({*_PATHS, "name", "resource_group", "tags", "protect", "adopt_id"})
# The hub's properties by the names of their fields here; the values are Azure's names.
PROPERTIES: Final[Mapping[str, str]] = {
    one.name: wire_name(one.name).replace("Sas", "SAS") for one in fields(HubArgs) if one.name not in _OWN
}
