"""A hub that this program declares with azure-native, and the CA that it trusts."""

import pulumi
from pulumi_azure_native import iothub, resources

from hubtrust import CertificateAuthority, Generate, TrustedHub

group = resources.ResourceGroup("plant")
sku = iothub.IotHubSkuInfoArgs(name="S1", capacity=1)
hub = iothub.IotHubResource("plant", resource_group_name=group.name, sku=sku)
plant = CertificateAuthority("plant", source=Generate(common_name="Contoso Plant"))
trusted = TrustedHub("plant", hub=hub, authorities=[plant])

pulumi.export("hubId", hub.id)
pulumi.export("trust", trusted.trust)
