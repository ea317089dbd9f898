"""The pack, run by an engine: a violation of any rule fails `up` before anything is created."""

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from policies.rules import POLICIES, RULES
from policies.rules.certificates import load
from tests.kit.authorities import ABSENT, Forged, ec_key, pem_of, private_pem, rsa_key
from tests.policies.conftest import HandMade

NOW = datetime.now(UTC)
SERVICE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/h"
AT_THE_END = {rule.name for rule in RULES if rule.stack}
EVERY = {policy.name for policy in POLICIES}
KEY = ec_key()


def authority(**properties: Any) -> x509.Certificate:
    """A CA certificate that complies except for `properties`."""
    return Forged(**{"path_length": 0, "start": NOW - timedelta(hours=1), "end": NOW + timedelta(days=1000), **properties}).certificate


def trusted(name: str, certificate: x509.Certificate, **more: Any) -> dict[str, Any]:
    """A VerifiedCertificate."""
    properties = {"serviceId": SERVICE, "certificate": pem_of(certificate), "name": name, "generation": 1, "signer": {"custody": "offline"}}
    return {"noun": "VerifiedCertificate", "name": name, "properties": properties | more}


def note(text: Any) -> dict[str, Any]:
    return {"noun": "Note", "name": "note", "properties": {"text": text}}


SHARED = authority()
LOOSE_HUB = {
    "noun": "azure-native:iothub:IotHubResource",
    "name": "hub",
    "properties": {
        "resourceGroupName": "g",
        "location": "westeurope",
        "sku": {"name": "S1", "capacity": 1},
        "properties": {"minTlsVersion": "1.0"},
    },
}
VIOLATIONS = [
    trusted("attested", authority(), attest=True),
    trusted("in-state", authority(), signer={"secret": {"custody": "state"}}),
    trusted("shared", SHARED),
    trusted("weak", authority(key=rsa_key(2048))),
    trusted("long-lived", authority(end=NOW + timedelta(days=4000))),
    trusted("loose", authority(path_length=None)),
    trusted("unusual", authority(usage=ABSENT)),
    trusted("ending", authority(end=NOW + timedelta(days=3))),
    {"noun": "IssuedCertificate", "name": "leaf", "properties": {"profile": "device", "lifetimeDays": 400, "renewBeforeDays": 1}},
    {"noun": "DeviceIdentity", "name": "device", "properties": {"deviceId": "device", "thumbprints": ["A" * 40]}},
    {"noun": "EnrollmentGroupEntry", "name": "group", "properties": {"serviceId": "dps", "groupId": "presses"}},
    note(private_pem(KEY)),
    LOOSE_HUB,
    {
        "noun": "azure-native:authorization:RoleAssignment",
        "name": "contributor",
        "properties": {
            "scope": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/provisioningServices/d",
            "principalId": "somebody",
            "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/dfce44e4-17b7-4bd1-a6d1-04996ec95633",
        },
    },
]
STRICT: dict[str, Any] = {
    "custody_allowed": {"enforcementLevel": "mandatory", "allowed": ["offline"]},
    "authority_not_shared": {"elsewhere": {"prod": [load(pem_of(SHARED))[0].thumbprints()["key"]]}},
    "required_tags": {"required": ["environment"]},
    "public_access": "mandatory",
    "network_exposure": "mandatory",
    "opaque_declarations": {"types": ["*:dynamic/elsewhere:N?te"]},
    "certificate_expiry": "mandatory",
    "key_rotation": "mandatory",
    "authority_expiry": "mandatory",
    "authority_profile": "mandatory",
    "previous_generation": "mandatory",
}


def test_a_violation_of_any_rule_fails_up_and_nothing_is_created(hand_made: HandMade) -> None:
    """This holds for every rule on single resources, in the preview at the start of `up`; no message shows a key."""
    hand_made.configure(**STRICT)
    hand_made.plan(VIOLATIONS)
    violated = hand_made.run("up", "--yes")
    assert hand_made.code != 0
    assert violated["mandatory"] == EVERY - AT_THE_END
    assert "is not a secret" in hand_made.printed
    assert "BEGIN PRIVATE KEY" not in hand_made.printed
    assert hand_made.resources() == []


def test_a_violation_by_the_whole_stack_fails_up_at_the_end(hand_made: HandMade) -> None:
    """Two generations on one hub, a proof without evidence, and a CA whose key is old, which ends and has no path length."""
    hand_made.configure(**STRICT)
    dates = {"start": NOW - timedelta(days=1900), "end": NOW + timedelta(days=3)}
    loose = pem_of(Forged("Loose", issuer=Forged("Root", path_length=1), path_length=None, **dates).certificate)
    issued = {"noun": "IssuedCertificate", "name": "loose", "properties": {"profile": "intermediate", "certificate": loose}}
    word = {"state": "verified", "proof": "possession", "etag": "E7", "provenCode": "AB" * 24}
    older, newer = trusted("ca", authority(), outs=word), trusted("ca", authority(), generation=2) | {"name": "ca-2"}
    hand_made.plan([issued, older, newer])
    violated = hand_made.run("up", "--yes", "--skip-preview")
    assert hand_made.code != 0
    assert violated["mandatory"] == AT_THE_END
    assert "generation 1 of the CA 'ca'" in hand_made.printed
    assert "the evidence for it is not in the state" in hand_made.printed
    assert "the stack has no evidence log" in hand_made.printed
    assert "at most 1825 are allowed" in hand_made.printed


def test_a_proof_that_a_run_found_missing_fails_up_at_the_end(hand_made: HandMade) -> None:
    """No input shows that somebody else called a certificate verified. It fails the `up` that finds it, and then each preview."""
    found = trusted("found", authority(), outs={"state": "verified", "proof": "found", "etag": "E7"})
    held = trusted("held", authority(), outs={"state": "verified", "proof": "key-held", "etag": "E8"})
    hand_made.plan([found, held, trusted("proven", authority(), outs={"state": "verified", "proof": "possession"})])
    hand_made.configure(proof_required={"allow": ["key-held"]}, proof_evidence="disabled")
    assert hand_made.run("preview")["mandatory"] == set()
    for verb in (("up", "--yes", "--skip-preview"), ("preview",)):
        assert hand_made.run(*verb)["mandatory"] == {"proof-required"}
        assert hand_made.code != 0
        assert hand_made.printed.count("its proof is") == 1
        assert "its proof is found, and this environment takes possession or key-held: prove possession" in hand_made.printed
        assert "set hubtrust:reprove to 'E7'" in hand_made.printed
    hand_made.plan([trusted("found", authority(), outs={"state": "verified", "proof": "possession"}), held])
    assert hand_made.run("up", "--yes")["mandatory"] == set(), "the preview of the update that mends it does not stand in its way"
    assert hand_made.code == 0, hand_made.printed


def test_a_preview_reports_unknown_settings(hand_made: HandMade) -> None:
    """A misspelled setting is reported and fails. A secret key is accepted; a CA about to expire is reported."""
    hand_made.configure(authority_expiry={"enforcementLevel": "advisory"}, key_strength={"rsaBitz": 4096})
    hand_made.plan([trusted("ending", authority(end=NOW + timedelta(days=3))), note({"secret": private_pem(KEY)})])
    assert hand_made.run("preview") == {"mandatory": {"key-strength"}, "advisory": {"authority-expiry"}}
    assert hand_made.code != 0
    assert "'rsaBitz'" in hand_made.printed


def test_a_key_in_any_form_must_be_secret_on_both_engines(hand_made: HandMade) -> None:
    """As the engine sends properties to a policy: plain, in an asset, inside an object; and the same values as secrets."""
    der = base64.b64encode(KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())).decode()
    scalar = base64.urlsafe_b64encode(KEY.private_numbers().private_value.to_bytes(32, "big")).decode().rstrip("=")
    jwk = {"kty": "EC", "crv": "P-256", "d": scalar}
    values = {
        "der": der,
        "text": json.dumps(jwk),
        "asset": {"asset": der},
        "object": {"deep": [jwk]},
        "twice": base64.b64encode(private_pem(KEY).encode()).decode(),
    }
    secrets = {f"sealed-{name}": {"secret": value} for name, value in values.items() if name != "asset"}
    secrets["sealed-part"] = {"kty": "EC", "crv": "P-256", "d": {"secret": scalar}}
    hand_made.configure()
    hand_made.plan([{"noun": "Note", "name": "note", "properties": values | secrets}])
    assert hand_made.run("preview") == {"mandatory": {"private-key-secret"}, "advisory": set()}
    assert hand_made.code != 0
    found = set(re.findall(r"the private key in (\S+) \(([^)]+)\) is not a secret", hand_made.printed))
    named = {("der", "PKCS #8"), ("text", "JWK"), ("asset.text", "PKCS #8"), ("object.deep[0]", "JWK"), ("twice", "PEM")}
    assert found == named
    assert scalar not in hand_made.printed
    assert der not in hand_made.printed


def test_a_cas_key_in_any_resource_is_in_the_state(hand_made: HandMade) -> None:
    """A CA that pulumi-tls would sign fails the preview; a key in one resource, of a CA in another, fails the `up` at its end."""
    hand_made.configure(custody_allowed={"enforcementLevel": "mandatory", "allowed": ["offline"]})
    root = {
        "privateKeyPem": {"secret": private_pem(KEY)},
        "isCaCertificate": True,
        "validityPeriodHours": 8000,
        "earlyRenewalHours": 720,
        "allowedUses": ["cert_signing"],
    }
    hand_made.plan([{"noun": "tls:index/selfSignedCert:SelfSignedCert", "name": "root", "properties": root}])
    assert hand_made.run("preview")["mandatory"] == {"custody-allowed"}
    assert "privateKeyPem is the key of this CA" in hand_made.printed
    elsewhere = ec_key()
    hand_made.plan([note({"secret": private_pem(elsewhere)}), trusted("ca", authority(key=elsewhere))])
    assert hand_made.run("up", "--yes", "--skip-preview")["mandatory"] == {"custody-allowed"}
    assert hand_made.code != 0
    assert "text is the key of the CA 'CN=Forged'" in hand_made.printed


def test_a_shared_root_fails_up_in_both_directions(hand_made: HandMade) -> None:
    """Prod trusts a root above staging's CA; and prod's CA is below a root that test trusts, through a CA that another resource shows."""
    root = Forged("Root", path_length=2, end=NOW + timedelta(days=2000))
    middle = Forged("Middle", issuer=root, path_length=1, end=NOW + timedelta(days=1500))
    stagings = Forged("Staging", issuer=middle, path_length=0)
    roots, middles = root.certificate, middle.certificate
    hand_made.configure(
        authority_not_shared={"elsewhere": {"staging": {"trusts": [pem_of(stagings.certificate)], "above": [pem_of(middles)]}}}
    )
    hand_made.plan([trusted("root", roots)])
    assert hand_made.run("up", "--yes")["mandatory"] == {"authority-not-shared"}
    assert "is above 'CN=Staging' of staging" in hand_made.printed
    assert hand_made.code != 0
    assert hand_made.resources() == []
    hand_made.configure(authority_not_shared={"elsewhere": {"test": [pem_of(roots)]}})
    hand_made.plan([trusted("ours", authority(issuer=middle)), note(pem_of(middles))])
    assert hand_made.run("up", "--yes", "--skip-preview")["mandatory"] == {"authority-not-shared"}
    assert "is below 'CN=Root', which test trusts" in hand_made.printed
    assert hand_made.code != 0


def test_an_invalid_configuration_is_refused(hand_made: HandMade) -> None:
    """The error names a setting of the wrong type, and nothing runs."""
    hand_made.plan([note("nothing")])
    hand_made.configure(device_lifetime={"days": "many"})
    hand_made.call("preview", "--stack", "dev", "--policy-pack", "policies", "--policy-pack-config", "policies.json")
    assert hand_made.code != 0
    assert "days" in hand_made.printed


def test_up_without_a_preview_creates_nothing_in_violation(hand_made: HandMade) -> None:
    """The update itself is checked too: a resource that violates a rule is not created."""
    hand_made.configure(**STRICT)
    hand_made.plan([trusted("weak", authority(key=rsa_key(2048)))])
    assert "key-strength" in hand_made.run("up", "--yes", "--skip-preview")["mandatory"]
    assert hand_made.code != 0
    assert hand_made.resources() == []
