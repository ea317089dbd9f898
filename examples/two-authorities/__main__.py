"""One hub that trusts two CAs: each signs the devices of its own plant, and each can be taken off without the other."""

import pulumi

from hubtrust import CertificateAuthority, Generate, TrustedHub

presses = CertificateAuthority("presses", source=Generate(common_name="Contoso Presses"))
ovens = CertificateAuthority("ovens", source=Generate(common_name="Contoso Ovens", key="ec-p384"))
hub = TrustedHub("plant", authorities=[presses, ovens])

pulumi.export("hubHostName", hub.host_name)
pulumi.export("trust", hub.trust)
