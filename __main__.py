"""A hub, a CA verified by possession, and a device connected; and with `provisioning`, devices that enrol themselves."""

import signal
from pathlib import Path

import pulumi

import hubtrust
import settings
from hubtrust import CertificateAuthority, TrustedFleet, TrustedHub, retain_everything

# Pulumi ends a program with this signal when a resource has failed. Python's own answer is a traceback beside the error that counts.
signal.signal(signal.SIGINT, signal.SIG_DFL)

stack = settings.load(Path(__file__).parent)
for notice in stack.notices():
    pulumi.log.warn(notice)
retain_everything(when=stack.retain)

vault = None
if stack.makes_vault:  # hubtrust loads what declares it, with azure-native's classes for vaults, at its first use
    vault = hubtrust.AuthorityVault(
        stack.name,
        vault_name=stack.ca_vault_name or None,
        hsm=stack.ca_vault_hsm,
        operators=stack.ca_vault_operators,
        tags=stack.tag_values,
        cloud=stack.cloud or None,
    )

authority = CertificateAuthority(
    stack.name,
    source=stack.source(vault),
    generation=stack.ca_generation,
    keep_previous=stack.ca_keep_previous,
    previous=stack.previous(),
    trust=stack.ca_trust,
    cloud=stack.cloud or None,
)

hub = TrustedHub(
    stack.name,
    authorities=[authority],
    hub=stack.hub,
    operators=stack.operators,
    attest=stack.attest,
    reprove=stack.reprove or None,
    adopt=stack.adopt or None,
    drop_generation=stack.ca_drop_generation or None,
    leave=stack.leave_hub or None,
    cloud=stack.cloud or None,
)

fleet = TrustedFleet(
    stack.name,
    hub=hub,
    authority=authority,
    roster=stack.roster,
    canary=stack.canary or None,
    check=stack.check,
    adopt=stack.adopt_devices or None,
    no_devices=stack.no_devices,
    delete_devices=stack.delete_devices or None,
)

pulumi.export("resourceGroupName", hub.resource_group_name)
pulumi.export("hubName", hub.hub_name)
pulumi.export("hubHostName", hub.host_name)
pulumi.export("trust", hub.trust)
pulumi.export("certificateRequest", authority.certificate_request)
pulumi.export("chain", authority.chain)
pulumi.export("devices", fleet.devices)
pulumi.export("connection", fleet.connection)

services: list[hubtrust.ProvisioningService] = []
enrollments: list[hubtrust.EnrollmentGroup] = []
if stack.provisions:  # and devices that have no entry, and enrol themselves; as of the vault, its classes are loaded only here
    service = hubtrust.ProvisioningService(
        stack.name,
        authorities=[authority],
        hubs=[] if stack.existing_dps else [hub],
        service=stack.provisioning_service(hub.resource_group_name),
        operators=stack.dps_operators,
        attest=stack.attest,
        reprove=stack.reprove or None,
        adopt=stack.adopt or None,
        drop_generation=stack.ca_drop_generation or None,
        cloud=stack.cloud or None,
    )
    services.append(service)
    enrollments = [
        hubtrust.EnrollmentGroup(
            f"{stack.name}-{group}",
            service=service,
            group_id=group,
            authorities=authority,
            hubs=[hub],
            tags=stack.twin_tags or None,
            reprovision=stack.reprovision or None,
            status="disabled" if stack.disables(group) else None,
            adopt=stack.adopts_enrollment(group) or None,
        )
        for group in stack.enrollment_groups
    ]
    states = {group: one.state for group, one in zip(stack.enrollment_groups, enrollments, strict=True)}
    enrolling = {"idScope": service.id_scope, "host": service.device_host_name, "trust": service.trust, "groups": states}
    pulumi.export("provisioning", enrolling)
    if stack.enrollment_canary:
        canary = hubtrust.EnrollmentCanary(
            stack.name,
            service=service,
            hubs=[hub],
            authority=authority,
            device_id=stack.enrollment_canary,
            enrollments=enrollments,
            check=stack.enrollment_check,
        )
        pulumi.export("enrollment", canary.connection)

evidence = hubtrust.EvidenceLog(
    stack.name,
    hubs=[hub],
    services=services,
    enrollments=enrollments,
    fleets=[fleet],
    file=stack.evidence_file or None,
    cloud=stack.cloud or None,
)
pulumi.export("evidence", evidence.log)
