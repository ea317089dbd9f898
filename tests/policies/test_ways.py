"""Every rule that is about what a resource declares in Azure, over every way to declare it, through the analyzer's own protocol.

Each row is tried in five forms: plain; with every value secret; not known yet; in a component; and renamed by an alias.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.kit.authorities import ABSENT, Forged, ec_key, pem_of, rsa_key
from tests.kit.policy_analyzer import UNKNOWN, Declared, PolicyAnalyzer, secret
from tests.kit.samples import one_of
from tests.policies.declared_ways import (
    CERTIFICATES,
    ENROLLMENTS,
    GROUPS,
    HUBS,
    OURS,
    OURS_ON_A_SERVICE,
    ROLES,
    SERVICES,
    SIGNED_GROUPS,
    Way,
    of_the_plugin,
)

NOW = datetime.now(UTC)
EVERY_CERTIFICATE: dict[str, Way] = {
    **CERTIFICATES,
    "ours": OURS,
    "ours-on-a-service": OURS_ON_A_SERVICE,
    "ours-of-the-plugin": of_the_plugin(OURS),
}
TAGS = {"environment": "prod"}
GOOD_HUB = {
    "minTlsVersion": "1.2",
    "disableLocalAuth": True,
    "disableDeviceSAS": True,
    "disableModuleSAS": True,
    "publicNetworkAccess": "Disabled",
    "tags": TAGS,
}
GOOD_SERVICE = {"publicNetworkAccess": "Disabled", "tags": TAGS}
NO_DEVICE_KEYS_INPUT = {"classic", "azurerm"}  # the provider has none


def public_info(key: Any) -> bytes:
    """The key's SubjectPublicKeyInfo."""
    return bytes(key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))


def authority(**properties: Any) -> x509.Certificate:
    """A root that complies except for `properties`."""
    good = {"path_length": 0, "key": ec_key(), "start": NOW - timedelta(hours=1), "end": NOW + timedelta(days=1000)}
    return Forged(**{**good, **properties}).certificate


SHARED_KEY = ec_key()
SETTINGS: dict[str, dict[str, Any]] = {
    "required-tags": {"required": ["environment"], "values": {"environment": "prod"}},
    "authority-not-shared": {"elsewhere": {"staging": [sha256(public_info(SHARED_KEY)).hexdigest()]}},
    "opaque-declarations": {"types": ["elsewhere:*:Hub?"], "reviewed": ["urn:pulumi:dev::program::elsewhere:index:Hub1::read"]},
}
GOOD_CA = {"certificate": pem_of(authority())}
# Not a root, and it could issue further CAs.
LOOSE_CA = pem_of(authority(issuer=Forged("Root", path_length=2), path_length=1))
SHARED_CA = pem_of(authority(key=SHARED_KEY))
LEAF = pem_of(Forged("press-001", authority=False, key=ec_key()).certificate)
BAD_CA = pem_of(authority(path_length=None, key=rsa_key(2048), usage=ABSENT, end=NOW + timedelta(days=4000)))
ENDING_CA = pem_of(authority(end=NOW + timedelta(days=3)))
OF_A_CA = {"key-strength", "path-length-set", "authority-lifetime", "authority-profile"}
ROLE = {
    "principalId": "somebody",
    "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/dfce44e4-17b7-4bd1-a6d1-04996ec95633",
    "scope": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/provisioningServices/d",
}


def _signed(certificate: str) -> dict[str, str]:
    return {"certificate": certificate, "beside": GOOD_CA["certificate"]}


@dataclass(frozen=True)
class Row:
    """A declaration and the policies that it must violate, all others of `about` it must comply with."""

    id: str
    declared: Declared
    violated: set[str]
    keep: tuple[str, ...] = field(default=("type", "resourceType", "resourceProviderNamespace", "parentResourcePath"))
    """Inputs that stay known when the others are not: without them nobody knows what is declared."""


def _rows(kind: str, ways: Mapping[str, Way], facts: Mapping[str, Any], violated: set[str], *, protect: bool = True) -> Iterator[Row]:
    for name, way in ways.items():
        token, properties = way(facts)
        also = {"shared-keys-off"} if ways is HUBS and name in NO_DEVICE_KEYS_INPUT else set()
        yield Row(f"{kind}-{name}", Declared(token, properties, protect=protect), violated | also)


def _hub(what: str, violated: set[str], *, drop: str = "", protect: bool = True, **changed: Any) -> Iterator[Row]:
    facts = {name: value for name, value in (GOOD_HUB | changed).items() if name != drop}
    yield from _rows(f"hub-{what}", HUBS, facts, violated, protect=protect)


def _without(ways: Mapping[str, Way], names: set[str]) -> dict[str, Way]:
    return {name: way for name, way in ways.items() if name not in names}


ROWS = [
    *_hub("good", set()),
    *_hub("good-as-text", set(), disableLocalAuth="true", disableDeviceSAS="True", disableModuleSAS="true", minTlsVersion=1.2),
    *_hub("good-in-other-case", set(), publicNetworkAccess="DISABLED"),
    *_hub("tls-1.0", {"tls-minimum"}, minTlsVersion="1.0"),
    *_hub("tls-as-a-number", {"tls-minimum"}, minTlsVersion=1.1),
    *_hub("tls-unset", {"tls-minimum"}, drop="minTlsVersion"),
    *_hub("tls-empty", {"tls-minimum"}, minTlsVersion=""),
    *_hub("service-keys", {"shared-keys-off"}, disableLocalAuth=False),
    *_hub("service-keys-as-text", {"shared-keys-off"}, disableLocalAuth="false"),
    *_hub("service-keys-as-a-number", {"shared-keys-off"}, disableLocalAuth=2),
    *_hub("service-keys-unset", {"shared-keys-off"}, drop="disableLocalAuth"),
    *_hub("device-keys", {"shared-keys-off"}, disableDeviceSAS=False),
    *_hub("module-keys", {"shared-keys-off"}, disableModuleSAS="False"),
    *_hub("public", {"public-access", "network-exposure"}, publicNetworkAccess="Enabled"),
    *_hub("public-unset", {"public-access", "network-exposure"}, drop="publicNetworkAccess"),
    *_hub("tags-unset", {"required-tags"}, drop="tags"),
    *_hub("tags-of-another-environment", {"required-tags"}, tags={"Environment": "staging"}),
    *_hub("tags-empty", {"required-tags"}, tags={"environment": " "}),
    *_hub("unprotected", {"hub-protected"}, protect=False),
    *_rows("service-good", SERVICES, GOOD_SERVICE, set()),
    *_rows("service-public", SERVICES, {"tags": TAGS}, {"public-access", "network-exposure"}),
    *_rows("service-tags", SERVICES, {"publicNetworkAccess": "Disabled"}, {"required-tags"}),
    *_rows("service-unprotected", SERVICES, GOOD_SERVICE, {"hub-protected"}, protect=False),
    *_rows("group-good", GROUPS, {"tags": {"ENVIRONMENT": "prod"}}, set()),
    *_rows("group-tags", GROUPS, {"tags": {"owner": "me"}}, {"required-tags"}),
    *_rows("group-unprotected", GROUPS, {"tags": TAGS}, {"hub-protected"}, protect=False),
    *_rows("role", ROLES, ROLE, {"enrollment-holders"}),
    *_rows("certificate-good", EVERY_CERTIFICATE, GOOD_CA, set()),
    *_rows("certificate-unverified", EVERY_CERTIFICATE, {**GOOD_CA, "isVerified": "FALSE"}, set()),
    *_rows("certificate-verified", EVERY_CERTIFICATE, {**GOOD_CA, "isVerified": True}, {"proof-required"}),
    *_rows("certificate-verified-as-text", EVERY_CERTIFICATE, {**GOOD_CA, "isVerified": "true"}, {"proof-required"}),
    *_rows("certificate-verified-in-upper-case", CERTIFICATES, {**GOOD_CA, "isVerified": " TRUE"}, {"proof-required"}),
    *_rows("certificate-verified-as-a-number", CERTIFICATES, {**GOOD_CA, "isVerified": 1}, {"proof-required"}),
    *_rows("certificate-verified-as-yes", CERTIFICATES, {**GOOD_CA, "isVerified": "yes"}, {"proof-required"}),
    *_rows("certificate-bad", EVERY_CERTIFICATE, {"certificate": BAD_CA}, OF_A_CA),
    *_rows("certificate-shared", EVERY_CERTIFICATE, {"certificate": SHARED_CA}, {"authority-not-shared"}),
    *_rows("certificate-above-others", EVERY_CERTIFICATE, {"certificate": LOOSE_CA}, {"path-length-set"}),
    *_rows("certificate-ending", EVERY_CERTIFICATE, {"certificate": ENDING_CA}, {"authority-expiry"}),
    *_rows("group-signed", SIGNED_GROUPS, _signed(GOOD_CA["certificate"]), set()),
    *_rows("group-signed-by-a-bad-ca", SIGNED_GROUPS, _signed(BAD_CA), OF_A_CA),
    *_rows("group-signed-by-a-shared-ca", SIGNED_GROUPS, _signed(SHARED_CA), {"authority-not-shared"}),
    *_rows("group-signed-by-an-ending-ca", SIGNED_GROUPS, _signed(ENDING_CA), {"authority-expiry"}),
    Row("group-by-reference", Declared(*ENROLLMENTS["group"]({"caReferences": ["ca"]})), set()),
    *_rows("enrollment-by-a-key", ENROLLMENTS, {"symmetricKey": {"primaryKey": "a2V5"}}, {"enrollment-attestation"}),
    *_rows("enrollment-by-nothing", ENROLLMENTS, {"caReferences": [], "certificates": []}, {"enrollment-attestation"}),
    Row("individual", Declared(*ENROLLMENTS["individual"]({"certificates": [LEAF]})), set()),
]
# What the rows are about. The other rules read what only hubtrust's own resources, or pulumi-tls's, have: `test_rules.py` and their own.
ABOUT = {
    "tls-minimum",
    "shared-keys-off",
    "public-access",
    "network-exposure",
    "required-tags",
    "hub-protected",
    "enrollment-holders",
    "enrollment-attestation",
    "proof-required",
    "authority-expiry",
    "authority-not-shared",
    "opaque-declarations",
    *OF_A_CA,
}


@pytest.fixture(scope="module")
def analyzer() -> Iterator[PolicyAnalyzer]:
    with PolicyAnalyzer() as started:
        started.configure(SETTINGS)
        yield started


def _violated(analyzer: PolicyAnalyzer, declared: Declared) -> set[str]:
    return analyzer.analyze(declared).violations.keys() & ABOUT


def _unknown(value: Any) -> Any:
    return {name: _unknown(each) for name, each in value.items()} if isinstance(value, dict) else UNKNOWN


def test_the_rows_break_every_rule_that_they_are_about() -> None:
    """`opaque-declarations` has rows of its own: `opaque_ways.py`."""
    assert set().union(*(row.violated for row in ROWS)) == ABOUT - {"opaque-declarations"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_each_way_is_judged_by_what_it_means(analyzer: PolicyAnalyzer, row: Row) -> None:
    """Plain, secret, in a component, and renamed by an alias: the same policies are violated, and no others.

    Each row is tried plain, and in one of the other forms; in all of them in a whole run.
    """
    declared = row.declared
    secrets = {name: secret(value) for name, value in declared.properties.items()}
    others = {
        "secret": replace(declared, properties=secrets),
        "nested": replace(declared, parents=("my:index:Site", "hubtrust:index:TrustedHub")),
        "renamed": replace(declared, name="new", aliases=("urn:pulumi:dev::program::elsewhere:index:Thing::old",)),
    }
    forms = {"plain": declared, **one_of(others, row.id)}
    found = {form: _violated(analyzer, each) for form, each in forms.items()}
    assert found == dict.fromkeys(forms, row.violated)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_what_is_not_known_yet_is_not_judged_yet(analyzer: PolicyAnalyzer, row: Row) -> None:
    """Only what is known, protection for instance, is reported; each rule that needs a value says that it can't be checked yet."""
    unknown = {name: value if name in row.keep else _unknown(value) for name, value in row.declared.properties.items()}
    answer = analyzer.analyze(replace(row.declared, properties=unknown))
    assert answer.violations.keys() & ABOUT <= _needs_no_value(row)
    later = {name for name in row.violated if name not in answer.violations}
    assert later <= answer.not_applicable


def _needs_no_value(row: Row) -> set[str]:
    """What no later value can mend: no protection, and an input that is missing."""
    return row.violated - {"proof-required", "authority-expiry", "authority-not-shared", *OF_A_CA}


@pytest.mark.parametrize("way", [*CERTIFICATES], ids=str)
def test_a_certificate_that_is_found_verified_has_no_proof(analyzer: PolicyAnalyzer, way: str) -> None:
    """No input says it, but the results of the run do; what was said before the step is not said again."""
    token, inputs = CERTIFICATES[way](GOOD_CA)
    before = Declared(token, inputs, name=f"found-{way}")
    assert "proof-required" not in analyzer.analyze(before).violations
    after = replace(before, properties=CERTIFICATES[way]({**GOOD_CA, "isVerified": True})[1])
    found = analyzer.analyze_stack([after]).violations["proof-required"]
    assert len(found) == 1
    assert "nothing here proves possession" in found[0]
    assert "proof-required" in analyzer.analyze(after).violations
    assert "proof-required" not in analyzer.analyze_stack([after]).violations


@pytest.mark.parametrize("answer", [{"properties": {"isVerified": True}}, '{"properties": {"isVerified": true}}'], ids=["object", "text"])
def test_what_azapi_was_answered_counts(analyzer: PolicyAnalyzer, answer: Any) -> None:
    """Its inputs stay as they were; ARM's answer is an output of its own."""
    token, properties = CERTIFICATES["azapi"]({**GOOD_CA, "isVerified": False})
    assert "proof-required" not in analyzer.analyze_stack([Declared(token, properties, name="answered")]).violations
    after = Declared(token, {**properties, "output": answer}, name="answered")
    assert "proof-required" in analyzer.analyze_stack([after]).violations


@pytest.mark.parametrize("way", EVERY_CERTIFICATE, ids=str)
def test_an_old_key_is_found_in_every_way(analyzer: PolicyAnalyzer, way: str) -> None:
    """`key-rotation` counts from the first day of the certificate that a hub trusts."""
    old = pem_of(authority(start=NOW - timedelta(days=4000)))
    for certificate, expected in ((old, True), (GOOD_CA["certificate"], False)):
        declared = Declared(*EVERY_CERTIFICATE[way]({"certificate": certificate}))
        assert ("key-rotation" in analyzer.analyze_stack([declared]).violations) is expected


def test_only_the_group_of_a_vault_need_not_be_protected(analyzer: PolicyAnalyzer) -> None:
    """A component of that type around a hub is no way around protection."""
    parents = ("hubtrust:index:AuthorityVault",)
    for way in HUBS.values():
        token, properties = way(GOOD_HUB)
        assert "hub-protected" in analyzer.analyze(Declared(token, properties, protect=False, parents=parents)).violations
    token, properties = GROUPS["native"]({"tags": TAGS})
    assert "hub-protected" not in analyzer.analyze(Declared(token, properties, protect=False, parents=parents)).violations


def test_a_name_that_is_written_twice_is_not_believed(analyzer: PolicyAnalyzer) -> None:
    """ARM does not tell letter cases apart, and takes one of the two."""
    token, properties = HUBS["azapi"](GOOD_HUB)
    twice = {**properties, "body": {"properties": {**properties["body"]["PROPERTIES"], "disableLocalAuth": False}}}
    assert "shared-keys-off" in _violated(analyzer, Declared(token, twice))
    token, properties = CERTIFICATES["azapi"]({**GOOD_CA, "isVerified": False})
    twice = {**properties, "body": {"properties": {**properties["body"]["PROPERTIES"], "IsVerified": True}}}
    assert "proof-required" in _violated(analyzer, Declared(token, twice))
    assert _violated(
        analyzer, Declared("azure-native:devices/v20211015:DpsCertificate", {"isVerified": True, "properties": {"isVerified": False}})
    ) >= {"proof-required"}


def test_two_groups_of_the_same_rules_in_a_list_are_not_believed(analyzer: PolicyAnalyzer) -> None:
    """The classic provider takes one of them."""
    token, properties = HUBS["classic"]({**GOOD_HUB, "publicNetworkAccess": "Enabled"})
    closed = {"defaultAction": "Deny", "applyToBuiltinEventhubEndpoint": True, "ipRules": [{"name": "x", "ipMask": "203.0.113.0/24"}]}
    one = Declared(token, {**properties, "networkRuleSets": [closed]})
    assert "network-exposure" not in _violated(analyzer, one)
    two = Declared(token, {**properties, "networkRuleSets": [closed, {**closed, "defaultAction": "Allow"}]})
    assert "network-exposure" in _violated(analyzer, two)
