"""An IoT Edge gateway, a camera below it, and a module of the gateway with a certificate of its own; a Wi-Fi key stays a secret."""

import pulumi

from hubtrust import CertificateAuthority, Generate, HubArgs, TrustedDevice, TrustedHub, TrustedModule

config = pulumi.Config()
plant = CertificateAuthority("plant", source=Generate(common_name="Contoso Plant"))
hub = TrustedHub("plant", authorities=[plant], hub=HubArgs(protect=False), operators=["deployer"])

# Real devices make their own keys, and give their requests as `request`.
gateway = TrustedDevice("gateway", hub=hub, authority=plant, make_key=True, edge=True)
camera = TrustedDevice(
    "camera-01",
    hub=hub,
    authority=plant,
    make_key=True,
    parent=gateway,
    tags={"gateway": gateway.device_id},
    desired={"wifi": {"key": config.require_secret("wifiKey")}},
)
analysis = TrustedModule("analysis", device=gateway, make_key=True, tags={"model": 4})

pulumi.export("gatewayScope", gateway.device_scope)
pulumi.export("cameraChain", camera.chain)
pulumi.export("analysisChain", analysis.chain)
pulumi.export("hubId", hub.hub_id)
