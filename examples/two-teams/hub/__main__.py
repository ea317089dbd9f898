"""The hub of one team, which trusts the CA of another: of that it knows the chain, and the proof once there is one."""

import pulumi

from hubtrust import CertificateAuthority, Import, TrustedHub

authorities = pulumi.StackReference(pulumi.Config().require("authorityStack"))
source = Import(chain=authorities.require_output("chain"), proof=authorities.get_output("proof"))
plant = CertificateAuthority("plant", source=source)
hub = TrustedHub("plant", authorities=[plant])

pulumi.export("trust", hub.trust)
pulumi.export("code", hub.trust.apply(lambda trust: trust[0].get("code")))
