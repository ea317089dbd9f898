"""A private hub with a route and an identity, and its CA, whose keys a vault makes and keeps: all of it made in one `up`."""

import pulumi
from pulumi_azure_native import iothub, resources

from hubtrust import AuthorityVault, CertificateAuthority, Generate, InKeyVault, TrustedFleet, TrustedHub

group = resources.ResourceGroup("plant")
route = iothub.RoutePropertiesArgs(name="presses", source="DeviceMessages", endpoint_names=["events"], is_enabled=True)
hub = iothub.IotHubResource(
    "plant",
    resource_group_name=group.name,
    sku=iothub.IotHubSkuInfoArgs(name="S1", capacity=1),
    identity=iothub.ArmIdentityArgs(type=iothub.ResourceIdentityType.SYSTEM_ASSIGNED),
    properties=iothub.IotHubPropertiesArgs(
        public_network_access=iothub.PublicNetworkAccess.DISABLED, routing=iothub.RoutingPropertiesArgs(routes=[route])
    ),
)
keys = InKeyVault(vault=AuthorityVault("plant"))
plant = CertificateAuthority("plant", source=Generate(common_name="Contoso Plant", custody=keys))
trusted = TrustedHub("plant", hub=hub, authorities=[plant])
fleet = TrustedFleet("plant", hub=trusted, authority=plant, canary="canary")

pulumi.export("trust", trusted.trust)
pulumi.export("connection", fleet.connection)
