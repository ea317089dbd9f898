"""Which CAs two environments share, by the devices that each one's hub would let in."""

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding
from cryptography.hazmat.primitives.serialization import Encoding
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policies.rules.certificates import load
from policies.rules.resource import UNKNOWN, NotKnownYetError, Resource
from policies.rules.sharing import authority_not_shared, sharing_at_the_end
from tests.kit.authorities import Forged, ec_key, parsed, pem_of, rsa_key

TRUSTED = "pulumi-python:dynamic/hubtrust:VerifiedCertificate"

ROOT = Forged("Corporate root", key=rsa_key(3072))
MIDDLE = Forged("Corporate devices", issuer=ROOT)
THEIRS = Forged("Staging", issuer=MIDDLE)
LINE = Forged("Staging line 1", issuer=THEIRS)
OURS = Forged("Prod", issuer=MIDDLE)
ALONE = Forged("Prod alone")
NAMESAKE = Forged("Corporate devices", issuer=Forged("Corporate root"))  # other keys below the same names


def pem(authority: Forged) -> str:
    return pem_of(authority.certificate)


def der(authority: Forged) -> str:
    """Base64, as `make environment` writes it."""
    return base64.b64encode(load(pem(authority))[0].encoding).decode()


def thumbprint(authority: Forged, what: str = "key") -> str:
    return load(pem(authority))[0].thumbprints()[what]


def hub_trusts(authority: Forged, type_: str = TRUSTED) -> Resource:
    held = {"certificate": pem(authority)}
    return Resource(type_, held if type_ == TRUSTED else {"properties": held}, urn="urn:ca")


def found(authority: Forged, theirs: Any, type_: str = TRUSTED) -> list[str]:
    return list(authority_not_shared(hub_trusts(authority, type_), {"elsewhere": {"staging": theirs}}))


KEY = ec_key()
SHARED: dict[str, tuple[Forged, Any, str]] = {
    "the same": (THEIRS, [der(THEIRS)], "is also trusted by staging"),
    "the same, in PEM alone": (THEIRS, pem(THEIRS), "is also trusted by staging"),
    "the same key": (Forged("A", key=KEY), [der(Forged("B", key=KEY))], "the key of this CA, 'CN=A', is also trusted by staging"),
    "by thumbprint": (ALONE, {"trusts": [thumbprint(ALONE).lower()]}, "the key of this CA"),
    "a root above theirs": (ROOT, {"trusts": [der(THEIRS)], "above": [der(MIDDLE), der(ROOT)]}, "is above a CA that staging trusts"),
    "a root above theirs, by thumbprint": (ROOT, {"trusts": [der(THEIRS)], "above": [thumbprint(ROOT)]}, "is above a CA that staging"),
    "directly above theirs, which nobody recorded": (MIDDLE, [der(THEIRS)], "is above 'CN=Staging' of staging"),
    "far above one below theirs": (ROOT, {"trusts": [thumbprint(THEIRS)], "above": [der(MIDDLE)], "below": [der(THEIRS)]}, "is above"),
    "below their root": (OURS, {"trusts": [der(MIDDLE)]}, "is below 'CN=Corporate devices', which staging trusts"),
    "far below their root": (OURS, {"trusts": [der(ROOT)], "below": [der(MIDDLE)]}, "is below"),
    "one of those below theirs": (LINE, {"trusts": [der(ROOT)], "below": [thumbprint(LINE)]}, "is below a CA that staging trusts"),
    "below theirs": (LINE, [der(THEIRS)], "is below 'CN=Staging', which staging trusts"),
}


@pytest.mark.parametrize("case", SHARED)
@pytest.mark.parametrize("type_", [TRUSTED, "azure-native:iothub:Certificate", "azure-native:devices/v20230630:Certificate"])
def test_a_ca_by_which_devices_would_enter_is_refused(case: str, type_: str) -> None:
    """In both directions, in whichever way the certificate is declared; the message has the remedy."""
    authority, theirs, fact = SHARED[case]
    (message,) = found(authority, theirs, type_)
    assert fact in message
    assert "create another (hubtrust:caGeneration)" in message


@pytest.mark.parametrize(
    ("authority", "theirs"),
    [
        (ALONE, {"trusts": [der(THEIRS)], "above": [der(MIDDLE), der(ROOT)], "below": [der(LINE)]}),
        (OURS, {"trusts": [der(THEIRS)], "above": [der(MIDDLE), der(ROOT)], "below": [der(LINE)]}),
        (NAMESAKE, {"trusts": [der(THEIRS)], "above": []}),
        (OURS, [der(NAMESAKE)]),
        (OURS, []),
        (OURS, {"trusts": []}),
    ],
    ids=[
        "nothing in common",
        "below a root that neither trusts",
        "a namesake",
        "its namesake",
        "none",
        "an empty list",
    ],
)
def test_what_lets_nobody_in_passes(authority: Forged, theirs: Any) -> None:
    """Two CAs below a root that no hub trusts are apart, and so are CAs that have only a name in common: a signature decides."""
    assert found(authority, theirs) == []


def test_a_signature_that_can_not_be_checked_counts_by_name() -> None:
    """What can't be seen is not passed."""
    above = Forged("Ed", key=ed25519.Ed25519PrivateKey.generate(), algorithm=None)
    below = Forged("Below", issuer=above, algorithm=None)
    (message,) = found(above, [der(below)])
    assert "is above 'CN=Below' of staging" in message


def signed_with_pss(mask: hashes.HashAlgorithm, *, forged: bool = False) -> str:
    """A CA below the corporate root, in base64: RSASSA-PSS with SHA-256 and another hash for its mask (RFC 4055, 3.1)."""
    plain = parsed(Forged("Staging", issuer=ROOT, key=rsa_key(2048)).certificate)
    # `cryptography` signs certificates with one hash for both: its certificate is the mould.
    builder = x509.CertificateBuilder(
        plain.issuer, plain.subject, plain.public_key(), 7, plain.not_valid_before_utc, plain.not_valid_after_utc, list(plain.extensions)
    )
    same = builder.sign(ROOT.key, hashes.SHA256(), rsa_padding=padding.PSS(padding.MGF1(hashes.SHA256()), 32))
    number = bytes.fromhex("0609608648016503040201")  # of SHA-256
    other = {"sha384": "02", "sha512": "03"}[mask.name]
    algorithm = bytes.fromhex("06092a864886f70d010108300d") + number
    body = same.tbs_certificate_bytes.replace(algorithm, algorithm[:-1] + bytes.fromhex(other))
    assert body != same.tbs_certificate_bytes
    signature = ROOT.key.sign(b"another body" if forged else body, padding.PSS(padding.MGF1(mask), 32), hashes.SHA256())
    whole = (
        same.public_bytes(Encoding.DER).replace(same.tbs_certificate_bytes, body).replace(algorithm, algorithm[:-1] + bytes.fromhex(other))
    )
    return base64.b64encode(whole.replace(same.signature, signature)).decode()


@pytest.mark.parametrize("mask", [hashes.SHA384(), hashes.SHA512()], ids=["SHA-384", "SHA-512"])
def test_a_mask_of_another_hash_is_checked(mask: hashes.HashAlgorithm) -> None:
    """The signature with it is seen, and one of another body is no path."""
    (message,) = found(ROOT, [signed_with_pss(mask)])
    assert "is above 'CN=Staging' of staging" in message
    assert found(ROOT, [signed_with_pss(mask, forged=True)]) == []


def test_a_root_beside_the_ca_is_judged() -> None:
    """Only a root that is above the first certificate by its signature is left out of a chain; a name is not enough."""
    for beside in (ROOT, Forged("Corporate root"), NAMESAKE):
        both = Resource(TRUSTED, {"certificate": pem(ALONE) + pem(beside)})
        (message,) = authority_not_shared(both, {"elsewhere": {"staging": [der(beside)]}})
        assert "is also trusted by staging" in message
    chain = Resource(TRUSTED, {"certificate": pem(OURS) + pem(MIDDLE) + pem(ROOT)})
    assert list(authority_not_shared(chain, {"elsewhere": {"staging": {"trusts": [], "above": [der(ROOT)]}}})) == []


@pytest.mark.parametrize(
    "theirs", ["AB", ["AB:CD"], [""], {"trusts": ["no certificate"]}, {"trust": [thumbprint(THEIRS)]}, [{"trusts": 1}]]
)
def test_what_can_not_be_compared_is_reported(theirs: Any) -> None:
    """A misspelled thumbprint or list would silently allow everything."""
    (message,) = found(ALONE, theirs)
    assert "staging" in message
    assert "nothing can be compared" in message


def test_a_path_through_another_resource_is_found_at_the_end() -> None:
    """The CA in between is known from a chain that another resource has, in both directions."""
    chain = Resource("pulumi-python:dynamic/hubtrust:ConnectionCheck", {"chain": pem(OURS) + pem(MIDDLE) + pem(ROOT)})
    for authority, theirs in ((OURS, [der(ROOT)]), (ROOT, [der(THEIRS)]), (OURS, [thumbprint(ROOT)])):
        settings = {"elsewhere": {"staging": theirs}}
        assert list(authority_not_shared(hub_trusts(authority), settings)) == []
        ((message, urn),) = sharing_at_the_end([chain, hub_trusts(authority)], settings)
        assert urn == "urn:ca"
        assert "staging" in message
    settings = {"elsewhere": {"staging": [der(THEIRS)]}}
    assert list(sharing_at_the_end([chain, hub_trusts(THEIRS)], settings)) == [], "reported before the step"


def test_a_certificate_that_is_not_known_yet_postpones_the_rule() -> None:
    """Others are judged."""
    unknown = Resource(TRUSTED, unknown_checking_proxy({"certificate": UNKNOWN_STRING_VALUE}))
    chain = Resource("any:index:Note", {"text": pem(MIDDLE)})
    reported = sharing_at_the_end([unknown, chain, hub_trusts(OURS)], {"elsewhere": {"staging": [thumbprint(MIDDLE)]}})
    assert "is below 'CN=Corporate devices'" in next(reported)[0]
    with pytest.raises(NotKnownYetError):
        next(reported)


SERVICE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/provisioningServices/d"
GROUP = "pulumi-python:dynamic/hubtrust:EnrollmentGroupEntry"


def refers_to(*names: Any, service: Any = SERVICE) -> Resource:
    """An enrollment group by CA references."""
    return Resource(GROUP, {"serviceId": service, "groupId": "presses", "caReferences": list(names)}, urn="urn:group")


DECLARED: dict[str, Resource] = {
    "by us": Resource(TRUSTED, {"serviceId": SERVICE, "certificateName": "CA-g1", "certificate": pem(ALONE)}, urn="urn:ca"),
    "by azure-native": Resource(
        "azure-native:deviceprovisioningservices:DpsCertificate",
        {"provisioningServiceName": "D", "certificateName": "ca-g1", "properties": {"certificate": pem(ALONE)}},
        urn="urn:ca",
    ),
    "by the classic provider": Resource(
        "azure:iot/iotHubCertificate:IotHubCertificate",
        {"iotDpsName": "d", "name": "ca-g1", "certificateContent": pem(ALONE)},
        urn="urn:ca",
    ),
}


def at_the_end(*resources: Resource, others: bool = True) -> dict[str, str]:
    settings = {"elsewhere": {"staging": [der(THEIRS)]} if others else {}}
    return {urn: message for message, urn in sharing_at_the_end(list(resources), settings)}


@pytest.mark.parametrize("way", DECLARED)
def test_a_ca_reference_is_to_a_certificate_of_this_stack(way: str) -> None:
    """Whoever declares it, in any letter case; of any other certificate nobody here knows which CA it is."""
    assert at_the_end(DECLARED[way], refers_to("ca-G1")) == {}
    for stray in (refers_to("ca-g1", "corporate"), refers_to("ca-g1", service=SERVICE.replace("/d", "/other"))):
        assert "is not declared here, and staging may trust it too: declare it here" in at_the_end(DECLARED[way], stray)["urn:group"]
    assert at_the_end(refers_to("corporate"), others=False) == {}, "there is no other environment"


def test_a_reference_that_is_not_known_yet_is_judged_later() -> None:
    """In a preview a name may be anything, and so may the reference."""
    not_known = Resource(TRUSTED, {"serviceId": SERVICE, "certificateName": UNKNOWN, "certificate": pem(ALONE)}, urn="urn:ca")
    for resources in ((not_known, refers_to("ca-g1")), (DECLARED["by us"], refers_to(UNKNOWN))):
        with pytest.raises(NotKnownYetError):
            at_the_end(*resources)


def test_a_shared_ca_on_a_provisioning_service_is_refused() -> None:
    """Its devices enrol there, whatever the hub trusts."""
    mine = Resource(TRUSTED, {"serviceId": SERVICE, "certificateName": "ca-g1", "certificate": pem(THEIRS)}, urn="urn:ca")
    (message,) = authority_not_shared(mine, {"elsewhere": {"staging": [der(THEIRS)]}})
    assert "is also trusted by staging" in message
