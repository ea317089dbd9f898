"""Two hubs that trust one CA: its devices may move from one to the other. Each hub gets a proof of its own."""

import pulumi

from hubtrust import CertificateAuthority, Generate, HubArgs, TrustedHub

plant = CertificateAuthority("plant", source=Generate(common_name="Contoso Plant"))
west = TrustedHub("west", hub=HubArgs(location="westeurope"), authorities=[plant])
north = TrustedHub("north", hub=HubArgs(location="northeurope"), authorities=[plant])

pulumi.export("west", west.trust)
pulumi.export("north", north.trust)
