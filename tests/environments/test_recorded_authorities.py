"""What a new environment records of the old one's CAs, and that the policy pack reads it."""

import base64
from typing import Any

import pytest

from environments.recorded_authorities import RecordedAuthorities
from policies.rules.resource import Resource
from policies.rules.sharing import authority_not_shared
from tests.kit.authorities import Forged, pem_of

VERIFIED = "pulumi-python:dynamic/hubtrust:VerifiedCertificate"
ROOT = Forged("Root", path_length=3)
MIDDLE = Forged("Middle", issuer=ROOT, path_length=2)
TRUSTED = Forged("Prod", issuer=MIDDLE, path_length=1)
LINE = Forged("Line", issuer=TRUSTED, path_length=0)
STRANGER = Forged("Stranger")
DEVICE = Forged("press-001", issuer=LINE, authority=False)
MADE = {each.subject: each.certificate for each in (ROOT, MIDDLE, TRUSTED, LINE, STRANGER, DEVICE)}


def pem(*authorities: Forged) -> str:
    return pem_of(*[MADE[each.subject] for each in authorities])


def one(token: str, **outputs: Any) -> dict[str, Any]:
    return {"type": token, "outputs": outputs}


def recorded(*resources: dict[str, Any]) -> dict[str, set[str]]:
    """The names of the CAs in each list."""
    found = RecordedAuthorities.read(resources)
    lists = {"trusts": found.trusts, "above": found.above, "below": found.below}
    return {name: {str(each.subject.rfc4514_string()).removeprefix("CN=") for each in certificates} for name, certificates in lists.items()}


CHECK = one("pulumi-python:dynamic/hubtrust:ConnectionCheck", chain=pem(LINE, TRUSTED, MIDDLE, ROOT))
OTHERS = one("pulumi-python:dynamic/hubtrust:IssuedCertificate", certificate=pem(STRANGER), deep=[{"device": pem(DEVICE)}])
IN_BASE64 = base64.b64encode(pem(TRUSTED).encode()).decode()
AS_DECLARED = {
    "VerifiedCertificate": one(VERIFIED, certificate=pem(TRUSTED)),
    "VerifiedCertificate of the plugin": one("hubtrust:index:VerifiedCertificate", certificate=pem(TRUSTED)),
    "azure-native": one("azure-native:iothub:Certificate", properties={"certificate": pem(TRUSTED)}),
    "azure-native, base64": one(
        "azure-native:deviceprovisioningservices:DpsCertificate",
        properties={"certificate": IN_BASE64},
    ),
    "azure-native in version 2": one("azure-native:devices/v20230630:Certificate", properties={"certificate": pem(TRUSTED)}),
    "an enrollment group": {
        "type": "pulumi-python:dynamic/hubtrust:EnrollmentGroupEntry",
        "inputs": {"groupId": "presses", "signingCertificates": [pem(TRUSTED)]},
    },
    "an enrollment group of the plugin": {
        "type": "hubtrust:index:EnrollmentGroupEntry",
        "inputs": {"groupId": "presses", "signingCertificates": [pem(TRUSTED)]},
    },
    "the classic provider": one("azure:iot/certificate:Certificate", certificateContent=pem(TRUSTED)),
}


@pytest.mark.parametrize("way", AS_DECLARED)
def test_the_cas_above_and_below_are_recorded(way: str) -> None:
    """Whichever resource has them; certificates of devices and of CAs that have nothing to do with it are not."""
    assert recorded(CHECK, AS_DECLARED[way], OTHERS) == {"trusts": {"Prod"}, "above": {"Middle", "Root"}, "below": {"Line"}}


def test_the_pack_refuses_what_is_recorded() -> None:
    """Both directions, with the setting as it is written."""
    setting = RecordedAuthorities.read([CHECK, AS_DECLARED["VerifiedCertificate"]]).setting
    settings = {"elsewhere": {"prod": setting}}
    refused = {
        each.subject: bool(list(authority_not_shared(Resource(VERIFIED, {"certificate": pem(each)}), settings)))
        for each in (ROOT, MIDDLE, TRUSTED, LINE, STRANGER)
    }
    assert refused == {"Root": True, "Middle": True, "Prod": True, "Line": True, "Stranger": False}
    sibling = Forged("Staging", issuer=MIDDLE)
    assert list(authority_not_shared(Resource(VERIFIED, {"certificate": pem_of(sibling.certificate)}), settings)) == []


def test_a_key_without_a_certificate_is_recorded_by_its_thumbprint() -> None:
    """Alone, and beside a certificate; what can't be read is passed over."""
    assert RecordedAuthorities.read([one(VERIFIED, keyThumbprint="AB" * 32, certificate=None)]).setting == ["AB" * 32]
    found = RecordedAuthorities.read([AS_DECLARED["VerifiedCertificate"], one(VERIFIED, keyThumbprint="AB" * 32, certificate="MIInone")])
    assert isinstance(found.setting, dict)
    assert found.setting.keys() == {"trusts"}
    assert found.setting["trusts"][1:] == ["AB" * 32]
    assert "AB" * 32 in found.trusted_keys
    assert len(found.trusted_keys) == 2
