"""One of everything that an inventory reads: two CAs, a hub, a provisioning service, devices, enrollments, and certificates of others."""

from pathlib import Path

import pulumi
import pulumi_tls as tls
from pulumi_azure_native import iothub

from hubtrust import (
    AuthorityVault,
    CertificateAuthority,
    EnrollmentFleet,
    EnrollmentGroup,
    EvidenceLog,
    Generate,
    HubArgs,
    Import,
    IndividualEnrollment,
    InKeyVault,
    IssuedBatch,
    ProvisioningService,
    ProvisioningServiceArgs,
    Request,
    Roster,
    TrustedDevice,
    TrustedFleet,
    TrustedHub,
    enrollments_from_list,
    from_ids,
    signer_inputs,
)

given = Path(__file__).parent / "given"


def text(name: str) -> str:
    """A file that the test made."""
    return (given / name).read_text(encoding="utf-8")


own = CertificateAuthority("plant", source=Generate(common_name="Contoso Plant"))
bought = CertificateAuthority("bought", source=Import(chain=text("bought.pem")))  # its key is offline, so that it waits for its proof
CertificateAuthority("asked", source=Request(common_name="Asked CA"))  # nobody has answered its request
vault = AuthorityVault("plant")
CertificateAuthority("kept", source=Generate(common_name="Kept", intermediates=2, custody=InKeyVault(vault=vault)))
hub = TrustedHub("plant", authorities=[own, bought], hub=HubArgs(protect=False, disable_local_auth=False), operators=["deployer"])

TrustedDevice("press-1", hub=hub, authority=own, make_key=True, lifetime_days=60)
TrustedDevice("press-2", hub=hub, thumbprints=["A" * 40], status="disabled")
roster: Roster = from_ids([f"lathe-{number:03}" for number in range(1, 21)])
TrustedFleet("lathes", hub=hub, authority=own, roster=roster, check=False)
IssuedBatch(
    "ovens",
    requests=text("ovens.csr"),
    issuer_certificate=text("ovens-ca.pem"),
    signer=signer_inputs.in_state(pulumi.Output.secret(text("ovens-ca.key"))),
    lifetime_days=20,
    renew_before_days=5,
)

arguments = ProvisioningServiceArgs(protect=False)
service = ProvisioningService("plant", authorities=[own], hubs=[hub], service=arguments, operators=["deployer"])
group = EnrollmentGroup("presses", service=service, authorities=own)
IndividualEnrollment("saw-1", service=service, certificates=[text("saw-1.pem")])
EnrollmentFleet("saws", service=service, roster=enrollments_from_list([{"registrationId": "saw-2", "certificate": text("saw-2.pem")}]))
EvidenceLog("plant", hubs=[hub], services=[service], enrollments=[group])

# Of others: a certificate on the hub that nobody proves, and a CA that no hub trusts.
iothub.Certificate(
    "portal",
    resource_group_name=hub.hub_id.apply(lambda id_: id_.split("/")[4]),
    resource_name_=hub.hub_id.apply(lambda id_: id_.rpartition("/")[2]),
    certificate_name="portal",
    properties=iothub.CertificatePropertiesArgs(certificate=text("portal.b64")),
)
key = tls.PrivateKey("other", algorithm="ECDSA", ecdsa_curve="P256")
tls.SelfSignedCert(
    "other",
    private_key_pem=key.private_key_pem,
    subject=tls.SelfSignedCertSubjectArgs(common_name="Another CA"),
    is_ca_certificate=True,
    validity_period_hours=24 * 80,
    allowed_uses=["cert_signing"],
)
pulumi.export("bought", text("bought.pem"))
