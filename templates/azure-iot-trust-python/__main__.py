"""An IoT hub that trusts a CA by proof of possession, its devices, and one connection at the end."""

import pulumi

from hubtrust import CertificateAuthority, Generate, HubArgs, TrustedFleet, TrustedHub, from_pattern

config = pulumi.Config()

# A root and an issuing CA. Their keys are encrypted secrets of this stack; custody=InKeyVault(…) keeps them in a vault.
plant = CertificateAuthority("plant", source=Generate(common_name=config.require("caName")))
# The role Owner does not include managing devices: the deployer gets the role for it.
hub = TrustedHub("plant", authorities=[plant], hub=HubArgs(protect=config.require_bool("protect")), operators=["deployer"])
fleet = TrustedFleet("devices", hub=hub, authority=plant, roster=from_pattern(config.require("devices")), canary="canary")

pulumi.export("hostName", hub.host_name)
pulumi.export("trust", hub.trust)
pulumi.export("connection", fleet.connection)
