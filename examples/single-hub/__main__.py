"""A hub and the CA that it trusts, a root and one intermediate, all created here."""

import pulumi

from hubtrust import CertificateAuthority, Generate, HubArgs, TrustedHub

plant = CertificateAuthority("plant", source=Generate(common_name="Contoso Plant", organization="Contoso"))
hub = TrustedHub("plant", authorities=[plant], hub=HubArgs(sku="S1", tags={"environment": "trial"}))

pulumi.export("hubHostName", hub.host_name)
pulumi.export("trust", hub.trust)
