"""A hub of our own that trusts a CA of our own: root, one intermediate, everything made here."""

import pulumi

from hubtrust import CertificateAuthority, Generate, HubSettings, TrustedHub

plant = CertificateAuthority("plant", source=Generate(common_name="Contoso Plant", organization="Contoso"))
hub = TrustedHub("plant", authorities=[plant], settings=HubSettings(sku="S1", tags={"environment": "trial"}))

pulumi.export("hubHostName", hub.host_name)
pulumi.export("trust", hub.trust)
