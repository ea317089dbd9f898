"""A CA whose key and certificate are resources of the user's own program: not known before the first run, and the key is a secret."""

import json

from tests.e2e.leaks import keys_in, leaks
from tests.kit.program import Program

PROGRAM = """
import pulumi
import pulumi_tls as tls

from hubtrust import CertificateAuthority, Import, TrustedFleet, TrustedHub

key = tls.PrivateKey("ours", algorithm="ECDSA", ecdsa_curve="P256")
own = tls.SelfSignedCert(
    "ours",
    private_key_pem=key.private_key_pem,
    subject=tls.SelfSignedCertSubjectArgs(common_name="Ours"),
    is_ca_certificate=True,
    set_subject_key_id=True,
    allowed_uses=["cert_signing", "crl_signing"],
    validity_period_hours=720,
)
name = key.id.apply(lambda _: "mine")
source = Import(chain=own.cert_pem, private_key=pulumi.Output.secret(key.private_key_pem), certificate_name=name)
ours = CertificateAuthority("ours", source=source)
hub = TrustedHub("plant", authorities=[ours], operators=["deployer"])
fleet = TrustedFleet("plant", hub=hub, authority=ours, canary="press-001")
pulumi.export("trust", hub.trust)
pulumi.export("chain", ours.chain)
pulumi.export("connection", fleet.connection)
"""


def test_a_ca_of_the_program_is_proven_in_its_first_run(stack: Program) -> None:
    """The preview shows all resources, the device connects, only keys are secrets, and the next run changes nothing."""
    (stack.folder / "__main__.py").write_text(PROGRAM)
    assert stack.run("preview") == 0, stack.printed
    assert "hubtrust:VerifiedCertificate plant-ours-g1 create" in " ".join(stack.printed.split()), stack.printed
    stack.up()
    found = stack.outputs()
    (trusted,) = found["trust"]
    assert (trusted["name"], trusted["proof"], found["connection"]["state"]) == ("mine", "possession", "connected")
    assert found["chain"].startswith("-----BEGIN CERTIFICATE-----"), "an output that is a secret is not shown"
    exported = json.loads(stack.engine_says("stack", "export", "--show-secrets"))
    keys = keys_in(json.dumps(exported))
    assert keys
    assert not leaks(stack, keys, printed=stack.printed)
    stack.up()
    assert "updated" not in stack.printed, stack.printed
    assert "replaced" not in stack.printed, stack.printed
