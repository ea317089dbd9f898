"""The trust of a hub that another stack declares: this one knows its id alone, by a StackReference."""

import pulumi

from hubtrust import CertificateAuthority, Generate, TrustedHub

hubs = pulumi.StackReference(pulumi.Config().require("hubStack"))
presses = CertificateAuthority("presses", source=Generate(common_name="Contoso Presses"))
trusted = TrustedHub("presses", hub=hubs.require_output("hubId"), authorities=[presses])

pulumi.export("hubName", trusted.hub_name)
pulumi.export("trust", trusted.trust)
