"""The program of a team that has its hub already: the package adds the trust, the devices and the connection, as parts of its own noun."""

import pulumi
from pulumi_azure_native import iothub, resources

from hubtrust import CertificateAuthority, Generate, TrustedDevice, TrustedFleet, TrustedHub, from_ids


class Line(pulumi.ComponentResource):
    """One line of presses: what this team calls its own."""

    def __init__(self, name: str, hub: TrustedHub, authority: CertificateAuthority, presses: list[str]) -> None:
        super().__init__("contoso:plant:Line", name)
        own = pulumi.ResourceOptions(parent=self)
        self.gateway = TrustedDevice(f"{name}-gateway", hub=hub, authority=authority, make_key=True, tags={"line": name}, opts=own)
        roster = from_ids(presses, tags={"line": name})
        fleet = TrustedFleet(name, hub=hub, authority=authority, roster=roster, canary=f"{name}-canary", opts=own)
        self.connection = fleet.connection
        self.register_outputs({})


# The team's own resources, as they were before.
group = resources.ResourceGroup("plant", tags={"team": "presses"})
sku = iothub.IotHubSkuInfoArgs(name="S1", capacity=1)
hub = iothub.IotHubResource("plant", resource_group_name=group.name, sku=sku, tags={"team": "presses"})

# What the package adds: the CA, its proof on that hub, and the role to manage devices.
plant = CertificateAuthority("plant", source=Generate(common_name="Contoso Plant"))
trusted = TrustedHub("plant", hub=hub, authorities=[plant], operators=["deployer"])
line = Line("line-1", trusted, plant, ["press-001", "press-002"])

pulumi.export("trust", trusted.trust)
pulumi.export("connection", line.connection)
pulumi.export("gatewayChain", line.gateway.chain)
pulumi.export("gatewayKey", line.gateway.private_key)  # a secret
