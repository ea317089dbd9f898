"""The rules `renewal-window`, `certificate-expiry` and `key-rotation`: what is renewed in time, and which keys grow too old."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from hubtrust.certificates.lifetimes import LIFETIMES
from policies.rules import renewal, rotation
from policies.rules.certificates import load
from policies.rules.resource import UNKNOWN, NotKnownYetError, Resource
from tests.kit.authorities import Forged, ec_key, pem_of
from tests.policies.judging import RULE, at_the_end, before

DYNAMIC = "pulumi-python:dynamic/hubtrust:"
ROOT_TYPE, SIGNED_TYPE = "tls:index/selfSignedCert:SelfSignedCert", "tls:index/locallySignedCert:LocallySignedCert"
NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def issued(profile: str, urn: str = "urn:it", **props: Any) -> Resource:
    return Resource(f"{DYNAMIC}IssuedCertificate", {"profile": profile, **props}, urn=urn)


def lasting(days: float, **properties: Any) -> Forged:
    """A certificate with so many days left."""
    return Forged(**{"start": NOW - 100 * DAY, "end": NOW + days * DAY + timedelta(hours=1), **properties})


def test_the_packs_windows_are_those_of_the_components() -> None:
    """The pack imports nothing of the components."""
    assert {profile: lifetime.renew_before_days for profile, lifetime in LIFETIMES.items()} == renewal._DEFAULT_WINDOWS


@pytest.mark.parametrize(
    ("resource", "named"),
    [
        (issued("device", renewBeforeDays=6.0), "from 6 days before its end, but 7 days may pass between two runs"),
        (issued("device", renewBeforeDays=0.0), "renew_before_days"),
        (issued("intermediate", renewBeforeDays=1.0), "hubtrust:caIssuingRenewBeforeDays"),
        (issued("root", renewBeforeDays=1.0), "hubtrust:caRootRenewBeforeDays"),
        (Resource(f"{DYNAMIC}IssuedBatch", {"renewBeforeDays": 0.5}), "from 0.5 days"),
        (Resource(ROOT_TYPE, {"isCaCertificate": True}), "from 0 days before its end"),
        (Resource(SIGNED_TYPE, {"earlyRenewalHours": 167.0}), "earlyRenewalHours"),
    ],
)
def test_a_window_that_a_run_can_miss_is_reported(resource: Resource, named: str) -> None:
    """Also pulumi-tls's, which renews nothing early unless it is told to."""
    (message,) = before("renewal-window", resource)
    assert named in message


@pytest.mark.parametrize(
    "resource",
    [
        *(issued(profile) for profile in LIFETIMES),
        issued("device", renewBeforeDays=7.0),
        Resource(f"{DYNAMIC}IssuedBatch", {}),
        Resource(SIGNED_TYPE, {"earlyRenewalHours": 168.0}),
        Resource("random:index/randomId:RandomId", {"renewBeforeDays": 0.0}),
    ],
)
def test_a_window_as_long_as_the_time_between_two_runs_is_fine(resource: Resource) -> None:
    """The components' defaults are longer; another `days` moves the line."""
    assert before("renewal-window", resource) == []
    assert bool(before("renewal-window", resource, days=5000)) is not resource.type.startswith("random")


@pytest.mark.parametrize(
    "resource",
    [
        issued("device", renewBeforeDays=UNKNOWN),
        Resource(f"{DYNAMIC}IssuedCertificate", {"profile": UNKNOWN}),
        Resource(ROOT_TYPE, {"earlyRenewalHours": UNKNOWN}),
    ],
)
def test_an_unknown_window_postpones_the_rule(resource: Resource) -> None:
    """It is checked before the resource is created."""
    with pytest.raises(NotKnownYetError):
        before("renewal-window", resource)


@pytest.mark.parametrize("rule", ["certificate-expiry", "key-rotation"])
def test_a_list_of_which_a_part_is_not_known_postpones_the_rule(rule: str) -> None:
    """A preview shows some certificates of a batch, and others are still to be issued."""
    known = pem_of(lasting(300, authority=False, subject="press-1").certificate)
    props = unknown_checking_proxy({"certificates": [known, UNKNOWN_STRING_VALUE]})
    with pytest.raises(NotKnownYetError):
        at_the_end(rule, [Resource(f"{DYNAMIC}IssuedBatch", props, urn="urn:it")])


def test_what_a_run_left_in_its_window_is_reported() -> None:
    """In its own window, or within `days`, whichever is longer; a batch is told once, by the certificate that ends first."""
    fine, short = lasting(31, authority=False, subject="press-1"), lasting(29, authority=False, subject="press-2")
    batch = [pem_of(one.certificate) for one in (fine, short, lasting(3, authority=False, subject="press-3"))]
    found = at_the_end(
        "certificate-expiry",
        [
            issued("device", "fine", certificate=pem_of(fine.certificate)),
            issued("device", "short", certificate=pem_of(short.certificate)),
            issued("device", "own-window", certificate=pem_of(short.certificate), renewBeforeDays=10.0),
            issued("device", "days", certificate=pem_of(lasting(6).certificate), renewBeforeDays=1.0),
            issued("device", "over", certificate=pem_of(lasting(-1).certificate), renewBeforeDays=1.0),
            Resource(f"{DYNAMIC}IssuedBatch", {"certificates": batch, "renewBeforeDays": 30.0}, urn="batch"),
            Resource(f"{DYNAMIC}IssuedBatch", {"certificates": []}, urn="empty"),
            Resource(ROOT_TYPE, {"certPem": pem_of(lasting(8).certificate)}, urn="tls"),
            Resource(ROOT_TYPE, {"certPem": pem_of(lasting(8).certificate), "earlyRenewalHours": 240.0}, urn="tls-early"),
            Resource(f"{DYNAMIC}VerifiedCertificate", {"certificate": pem_of(lasting(1).certificate)}, urn="authority-expiry"),
            Resource(f"{DYNAMIC}IssuedBatch", {"certificates": ["noise"]}, urn="noise"),
        ],
    )
    assert set(found) == {"short", "days", "over", "batch", "tls-early"}
    assert found["batch"].startswith("'CN=press-3' (and 1 more of this resource) ends on ")
    assert "in 29 days, and this run has not renewed it" in found["short"]
    assert "in 0 days" in found["over"]


def test_an_issuer_that_ends_on_the_same_day_is_named() -> None:
    """Then only the issuer's renewal helps; a root has none."""
    issuer = lasting(20, subject="Plant CA", path_length=0)
    below = pem_of(lasting(20, subject="press-1", issuer=issuer, end=issuer.end).certificate)
    root = pem_of(issuer.certificate)
    found = at_the_end(
        "certificate-expiry",
        [
            issued("device", "device", certificate=below, issuerCertificate=root),
            Resource(SIGNED_TYPE, {"certPem": below, "caCertPem": root, "earlyRenewalHours": 800.0}, urn="tls"),
            issued("root", "root", certificate=root),
        ],
    )
    assert "have its issuer 'CN=Plant CA' renewed" in found["device"]
    assert "have its issuer 'CN=Plant CA' renewed" in found["tls"]
    assert "declare a longer lifetime" in found["root"]


@pytest.mark.parametrize("rule", ["certificate-expiry", "key-rotation"])
@pytest.mark.parametrize("props", [{}, {"certificate": UNKNOWN}])
def test_a_certificate_that_is_not_issued_yet_postpones_itself_only(rule: str, props: dict[str, Any]) -> None:
    """In a preview, what is known of the others is told first."""
    old = pem_of(lasting(1, start=NOW - 9999 * DAY).certificate)
    found = RULE[rule].validate([issued("device", "new", **props), issued("device", "old", certificate=old)], RULE[rule].defaults)
    assert next(found)[1] == "old"
    with pytest.raises(NotKnownYetError, match="certificate"):
        next(found)


@pytest.mark.parametrize(
    ("certificate", "days", "named"),
    [
        ({"authority": False}, 1095, "issue the device's next certificate for a new key"),
        ({"issuer": Forged("Root")}, 1825, "start the next generation (hubtrust:caGeneration)"),
        ({}, 3650, "start the next generation (hubtrust:caGeneration)"),
    ],
)
def test_a_key_has_a_period_by_what_it_is_for(certificate: dict[str, Any], days: int, named: str) -> None:
    """Of a device, of a CA below a root, of a root."""
    for age, reported in ((days - 1, False), (days + 1, True)):
        made = pem_of(lasting(9, start=NOW - age * DAY, **certificate).certificate)
        found = at_the_end("key-rotation", [issued("any", certificate=made)])
        assert bool(found) is reported
        if reported:
            assert f"for {days + 1} days, but at most {days} are allowed: {named}" in found["urn:it"]


def test_a_renewal_makes_no_key_younger() -> None:
    """`keySince` is of the first certificate for the key; an issuer's key is at least as old as what it signed first."""
    root, issuing = ec_key(), ec_key()
    renewed_root = lasting(3000, subject="Root", key=root, start=NOW - 10 * DAY)
    renewed = lasting(1000, subject="Issuing", key=issuing, issuer=renewed_root, start=NOW - 10 * DAY)
    since = f"{NOW - 4000 * DAY:%Y-%m-%dT%H:%M:%SZ}"
    resources = [
        Resource(ROOT_TYPE, {"certPem": pem_of(renewed_root.certificate)}, urn="root"),
        issued("intermediate", "issuing", certificate=pem_of(renewed.certificate), issuerCertificate=pem_of(renewed_root.certificate)),
        Resource(f"{DYNAMIC}VerifiedCertificate", {"certificate": pem_of(renewed.certificate)}, urn="trusted"),
    ]
    assert at_the_end("key-rotation", resources) == {}
    resources[1] = Resource(resources[1].type, {**resources[1].props, "keySince": since}, urn="issuing")
    found = at_the_end("key-rotation", resources)
    assert set(found) == {"root", "issuing"}, "each key is told once"
    assert all(since[:10] in message for message in found.values())


def test_a_vault_says_how_old_its_key_is() -> None:
    """Also where its certificate is new; a key that is not in use is not told."""
    young = Forged("Issuing", issuer=Forged("Root"), start=NOW - DAY, end=NOW + 9 * DAY).certificate
    (found,) = load(pem_of(young))
    created = f"{NOW - 2000 * DAY:%Y-%m-%dT%H:%M:%SZ}"
    vault, token, unused = (
        Resource(f"{DYNAMIC}SigningKey", {"keyThumbprint": key, "created": when}, urn="key")
        for key, when in ((found.thumbprints()["key"], created), (found.thumbprints()["key"], None), ("00" * 32, created))
    )
    trusted = Resource(f"{DYNAMIC}VerifiedCertificate", {"certificate": pem_of(young)}, urn="trusted")
    assert at_the_end("key-rotation", [trusted, token]) == {}
    assert at_the_end("key-rotation", [trusted, unused]) == {}
    assert f"in use since {created[:10]}, for 2000 days" in at_the_end("key-rotation", [trusted, vault])["trusted"]


def test_keys_of_batches_imported_chains_and_requests_count() -> None:
    """By the oldest certificate there is; text that holds none is other rules' business."""
    old, young = (pem_of(Forged(authority=False, start=NOW - age * DAY, end=NOW + DAY).certificate) for age in (1200, 10))
    imported = pem_of(Forged("Imported", issuer=Forged("Root"), start=NOW - 2000 * DAY, end=NOW + DAY).certificate)
    found = at_the_end(
        "key-rotation",
        [
            Resource(f"{DYNAMIC}IssuedBatch", {"certificates": [young, old], "issuerCertificate": "noise"}, urn="batch"),
            Resource(f"{DYNAMIC}VerifiedCertificate", {"certificate": imported}, urn="imported"),
            Resource(SIGNED_TYPE, {"certPem": young, "caCertPem": imported}, urn="tls"),
            Resource("random:index/randomId:RandomId", {"certificate": old}, urn="other"),
        ],
    )
    assert set(found) == {"batch", "imported"}


def test_the_day_of_the_judgement_is_an_argument() -> None:
    """Nothing in the rules asks a clock."""
    made = pem_of(Forged(start=NOW - 10 * DAY, end=NOW + 4000 * DAY).certificate)
    later = partial(rotation.key_rotation, now=NOW + 3650 * DAY)
    assert list(rotation.key_rotation([issued("root", certificate=made)], RULE["key-rotation"].defaults, now=NOW)) == []
    assert len(list(later([issued("root", certificate=made)], RULE["key-rotation"].defaults))) == 1
