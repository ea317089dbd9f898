"""A fleet from a file, one press by its own certificate request where there is one, and a canary that connects at the end."""

from pathlib import Path

import pulumi

from hubtrust import CertificateAuthority, Generate, HubArgs, TrustedDevice, TrustedFleet, TrustedHub, from_file

folder = Path(__file__).parent
plant = CertificateAuthority("plant", source=Generate(common_name="Contoso Plant", organization="Contoso"))
# The role Owner does not include managing devices: the deployer gets the role for it.
hub = TrustedHub("plant", authorities=[plant], hub=HubArgs(protect=False), operators=["deployer"])

roster = from_file(folder / "fleet.csv", tags={"site": "Rosenheim"})
fleet = TrustedFleet("lathes", hub=hub, authority=plant, roster=roster, canary="canary")

# The press created its key and this request itself (openssl req -new -key press.key -subj /CN=press-001); only the chain is returned to it.
request = folder / "press-001.csr"
press = TrustedDevice(
    "press-001",
    hub=hub,
    authority=plant,
    request=request.read_text(encoding="utf-8") if request.exists() else None,
    make_key=not request.exists(),
)

pulumi.export("devices", fleet.devices)
pulumi.export("connection", fleet.connection)
pulumi.export("pressChain", press.chain)
