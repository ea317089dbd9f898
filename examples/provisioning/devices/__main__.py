"""The team with the devices: its CA is proven at the provisioning service, and not on the hub, which needs none for devices that enrol."""

import pulumi

from hubtrust import CertificateAuthority, EnrollmentCanary, EnrollmentGroup, Generate, ProvisioningService, TrustedHub

services = pulumi.StackReference(pulumi.Config().require("servicesStack"))
presses = CertificateAuthority("presses", source=Generate(common_name="Contoso Presses"))
hub = TrustedHub.existing("presses", services.require_output("hubId"), authorities=[], operators=["deployer"])
service = ProvisioningService.existing("presses", services.require_output("serviceId"), authorities=[presses], operators=["deployer"])
group = EnrollmentGroup("presses", service=service, authorities=presses, hubs=[hub], tags={"line": "presses"})
canary = EnrollmentCanary("presses", service=service, hubs=[hub], authority=presses, device_id="press-101", enrollments=[group])

pulumi.export("idScope", service.id_scope)
pulumi.export("trust", service.trust)
pulumi.export("chain", presses.chain)
pulumi.export("enrollment", canary.connection)
