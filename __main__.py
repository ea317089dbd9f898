"""An Azure IoT hub that trusts a CA because possession of its key was proven."""

from pathlib import Path

import pulumi

import settings
from components.authority import CertificateAuthority
from components.hub import TrustedHub
from components.retention import retain_everything

stack, folder = settings.load(), Path(__file__).parent
if stack.retain:
    retain_everything()

authority = CertificateAuthority(
    stack.name,
    source=stack.source(folder),
    generation=stack.ca_generation,
    keep_previous=stack.ca_keep_previous,
    previous=stack.previous(folder),
    trust=stack.ca_trust,
)

hub = TrustedHub(
    stack.name,
    authorities=[authority],
    settings=stack.hub,
    existing_id=stack.existing_hub or None,
    attest=stack.attest,
    adopt=stack.adopt,
    cloud=stack.cloud or None,
)

pulumi.export("resourceGroupName", hub.resource_group_name)
pulumi.export("hubName", hub.hub_name)
pulumi.export("hubHostName", hub.host_name)
pulumi.export("trust", hub.trust)
pulumi.export("certificateRequest", authority.certificate_request)
