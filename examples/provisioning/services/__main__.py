"""The team with the services: a hub, and a provisioning service that is linked to it. Which CAs there are is other teams' matter."""

import pulumi

from hubtrust import HubArgs, ProvisioningService, TrustedHub

hub = TrustedHub("plant", authorities=[], hub=HubArgs(disable_local_auth=False))  # the service signs in to it with a key
service = ProvisioningService("plant", authorities=[], hubs=[hub])

pulumi.export("hubId", hub.hub_id)
pulumi.export("serviceId", service.service_id)
