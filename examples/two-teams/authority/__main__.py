"""The CA of one team, for the hub of another: its key never leaves this stack, which signs the proof that the hub asks for.

The setting `hubStack` is set once the hub's stack exists: see docs/compositions.md.
"""

import pulumi

from hubtrust import CertificateAuthority, Generate

hub_stack = pulumi.Config().get("hubStack")
code = pulumi.StackReference(hub_stack).get_output("code") if hub_stack else None
plant = CertificateAuthority("plant", source=Generate(common_name="Contoso Plant"))

pulumi.export("chain", plant.chain)
pulumi.export("proof", plant.prove("hub", code))
