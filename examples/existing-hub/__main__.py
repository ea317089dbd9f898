"""Only the trust of a hub that another team, Terraform or the portal owns: this stack manages its certificates, not the hub."""

import pulumi

from hubtrust import CertificateAuthority, Generate, TrustedHub

plant = CertificateAuthority("plant", source=Generate(common_name="Contoso Plant"))
hub = TrustedHub.existing("plant", pulumi.Config().require("hubId"), authorities=[plant])

pulumi.export("hubHostName", hub.host_name)
pulumi.export("trust", hub.trust)
