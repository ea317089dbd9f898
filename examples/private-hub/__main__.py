"""A private hub with a route and an identity, and the CA that it trusts; its proof goes through Resource Manager alone."""

import pulumi
from pulumi_azure_native import iothub, resources

from hubtrust import CertificateAuthority, Generate, TrustedFleet, TrustedHub

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
plant = CertificateAuthority("plant", source=Generate(common_name="Contoso Plant"))
trusted = TrustedHub("plant", hub=hub, authorities=[plant])
fleet = TrustedFleet("plant", hub=trusted, authority=plant, canary="canary")

pulumi.export("trust", trusted.trust)
pulumi.export("connection", fleet.connection)
