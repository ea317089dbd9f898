"""Every rule that is about what a resource declares in Azure, over every way to declare it, through the analyzer's own protocol.

Each row is tried five times: plain; with every value secret; not known yet; in a component; and renamed by an alias.
"""

import json
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
from tests.policies.declared_ways import CERTIFICATES, GROUPS, HUBS, OURS, ROLES, SERVICES, Way

NOW = datetime.now(UTC)
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
BAD_CA = pem_of(authority(path_length=None, key=rsa_key(2048), usage=ABSENT, end=NOW + timedelta(days=4000)))
ENDING_CA = pem_of(authority(end=NOW + timedelta(days=3)))
OF_A_CA = {"key-strength", "path-length-set", "authority-lifetime", "authority-profile"}
ROLE = {
    "principalId": "somebody",
    "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/dfce44e4-17b7-4bd1-a6d1-04996ec95633",
    "scope": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/provisioningServices/d",
}


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
    *_rows("certificate-good", {**CERTIFICATES, "ours": OURS}, GOOD_CA, set()),
    *_rows("certificate-unverified", {**CERTIFICATES, "ours": OURS}, {**GOOD_CA, "isVerified": "FALSE"}, set()),
    *_rows("certificate-verified", {**CERTIFICATES, "ours": OURS}, {**GOOD_CA, "isVerified": True}, {"proof-required"}),
    *_rows("certificate-verified-as-text", {**CERTIFICATES, "ours": OURS}, {**GOOD_CA, "isVerified": "true"}, {"proof-required"}),
    *_rows("certificate-verified-in-upper-case", CERTIFICATES, {**GOOD_CA, "isVerified": " TRUE"}, {"proof-required"}),
    *_rows("certificate-verified-as-a-number", CERTIFICATES, {**GOOD_CA, "isVerified": 1}, {"proof-required"}),
    *_rows("certificate-verified-as-yes", CERTIFICATES, {**GOOD_CA, "isVerified": "yes"}, {"proof-required"}),
    *_rows("certificate-bad", {**CERTIFICATES, "ours": OURS}, {"certificate": BAD_CA}, OF_A_CA),
    *_rows("certificate-shared", {**CERTIFICATES, "ours": OURS}, {"certificate": SHARED_CA}, {"authority-not-shared"}),
    *_rows("certificate-above-others", {**CERTIFICATES, "ours": OURS}, {"certificate": LOOSE_CA}, {"path-length-set"}),
    *_rows("certificate-ending", {**CERTIFICATES, "ours": OURS}, {"certificate": ENDING_CA}, {"authority-expiry"}),
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
    """`opaque-declarations` has rows of its own, below."""
    assert set().union(*(row.violated for row in ROWS)) == ABOUT - {"opaque-declarations"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_each_way_is_judged_by_what_it_means(analyzer: PolicyAnalyzer, row: Row) -> None:
    """Plain, secret, in a component, and renamed by an alias: the same policies are violated, and no others."""
    declared = row.declared
    secrets = {name: secret(value) for name, value in declared.properties.items()}
    forms = {
        "plain": declared,
        "secret": replace(declared, properties=secrets),
        "nested": replace(declared, parents=("my:index:Site", "hubtrust:index:TrustedHub")),
        "renamed": replace(declared, name="new", aliases=("urn:pulumi:dev::program::elsewhere:index:Thing::old",)),
    }
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


@pytest.mark.parametrize("way", [*CERTIFICATES, "ours"], ids=str)
def test_an_old_key_is_found_in_every_way(analyzer: PolicyAnalyzer, way: str) -> None:
    """`key-rotation` counts from the first day of the certificate that a hub trusts."""
    old = pem_of(authority(start=NOW - timedelta(days=4000)))
    for certificate, expected in ((old, True), (GOOD_CA["certificate"], False)):
        declared = Declared(*{**CERTIFICATES, "ours": OURS}[way]({"certificate": certificate}))
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


HUB_IN_A_TEMPLATE = {"resources": [{"type": "Microsoft.Devices/IotHubs", "apiVersion": "2023-06-30", "name": "h"}]}
SITE = {"resources": [{"type": "Microsoft.Web/sites", "name": "s", "resources": [{"type": "config", "name": "web"}]}]}
LINK = {"uri": "https://templates.example/hub.json"}


def _nested(inner: Any) -> dict[str, Any]:
    return {"resources": [{"type": "microsoft.resources/DEPLOYMENTS", "name": "inner", "properties": inner}]}


def _inner(inner: Any) -> dict[str, Any]:
    return {"type": "Microsoft.Resources/deployments", "properties": inner}


def _native_deployment(noun: str) -> Way:
    return lambda properties: (f"azure-native:resources:{noun}", {"properties": {"mode": "Incremental", **properties}})


def _policy(template: Any) -> dict[str, Any]:
    deployment = {"properties": {"mode": "incremental", "template": template}}
    return {"if": {"field": "type"}, "then": {"effect": "deployIfNotExists", "details": {"deployment": deployment}}}


def _changing(effect: str, details: Any) -> dict[str, Any]:
    return {"policyRule": {"if": {"field": "type"}, "then": {"effect": effect, "details": details}}}


def _operations(field: str) -> dict[str, Any]:
    return {"operations": [{"operation": "addOrReplace", "field": field, "value": "Enabled"}]}


EXISTING_HUB = {"h": {"type": "Microsoft.Devices/IotHubs@2023-06-30", "existing": True}}
POLICY = "Microsoft.Authorization/policyDefinitions"
ARTIFACT = "Microsoft.Blueprint/blueprints/artifacts"
PUBLIC = "Microsoft.Devices/IotHubs/publicNetworkAccess"
# What has a template in its properties, beside deployments: the type, the properties, and whether they are refused.
HOLDERS: list[tuple[str, str, Any, bool]] = [
    ("policy-of-a-hub", POLICY, {"policyRule": _policy(HUB_IN_A_TEMPLATE)}, True),
    ("policy-of-a-hub-in-text", POLICY, {"policyRule": json.dumps(_policy(HUB_IN_A_TEMPLATE))}, True),
    ("version-of-a-policy-of-a-hub", f"{POLICY.upper()}/versions", {"policyRule": _policy(HUB_IN_A_TEMPLATE)}, True),
    ("policy-of-a-site", POLICY, {"policyRule": _policy(SITE)}, False),
    ("policy-that-audits", POLICY, {"policyRule": {"if": {}, "then": {"effect": "[parameters('effect')]"}}}, False),
    ("policy-that-is-computed", POLICY, {"policyRule": "[parameters('rule')]"}, True),
    ("policy-with-computed-details", POLICY, _changing("deployIfNotExists", "[parameters('details')]"), True),
    ("policy-in-computed-properties", POLICY, "[parameters('properties')]", True),
    ("policy-that-modifies-a-hub", POLICY, _changing("modify", _operations(PUBLIC)), True),
    ("policy-that-modifies-what-is-computed", POLICY, _changing("modify", _operations("[parameters('field')]")), True),
    ("policy-that-appends-to-a-hub", POLICY, _changing("append", [{"field": PUBLIC.lower(), "value": "Enabled"}]), True),
    ("policy-that-modifies-tags", POLICY, _changing("modify", _operations("tags['owner']")), False),
    ("policy-that-modifies-a-computed-tag", POLICY, _changing("modify", _operations("[concat('tags[', parameters('t'), ']')]")), False),
    ("artifact-of-a-hub", ARTIFACT, {"template": HUB_IN_A_TEMPLATE}, True),
    ("artifact-of-a-hub-in-a-version", "microsoft.blueprint/Blueprints/versions/artifacts", {"template": HUB_IN_A_TEMPLATE}, True),
    ("artifact-of-a-site", ARTIFACT, {"template": SITE}, False),
    ("artifact-of-a-role", ARTIFACT, {"principalIds": ["p"], "roleDefinitionId": "r"}, True),
    ("artifact-of-a-policy", ARTIFACT, {"policyDefinitionId": "p", "parameters": {}}, False),
]


DEPLOYMENTS: dict[str, Way] = {
    **{noun: _native_deployment(noun) for noun in ("Deployment", "DeploymentAtScope", "DeploymentAtSubscriptionScope")},
    **{noun: _native_deployment(noun) for noun in ("DeploymentAtManagementGroupScope", "DeploymentAtTenantScope")},
    "of-a-version": lambda facts: ("azure-native:resources/v20240301:Deployment", {"properties": dict(facts)}),
    "stack": lambda facts: ("azure-native:resources:DeploymentStackAtResourceGroup", dict(facts)),
    "stack-of-a-version": lambda facts: ("azure-native_resources_v20240301:resources:DeploymentStackAtSubscription", dict(facts)),
    "azapi": lambda facts: (
        "azapi:index/resource:Resource",
        {"type": "Microsoft.Resources/deployments@2024-03-01", "body": {"properties": dict(facts)}},
    ),
    "azapi-text": lambda facts: (
        "azapi:index/resource:Resource",
        {"type": "microsoft.resources/deployments@2024-03-01", "body": json.dumps({"properties": dict(facts)})},
    ),
    "generic": lambda facts: (
        "azure-native:resources:Resource",
        {
            "resourceProviderNamespace": "Microsoft.Resources",
            "resourceType": "deployments",
            "parentResourcePath": "",
            "properties": dict(facts),
        },
    ),
}
TEMPLATES: list[tuple[str, dict[str, Any], bool]] = [
    ("a-site", {"template": SITE}, False),
    ("a-site-in-text", {"template": json.dumps(SITE)}, False),
    ("a-site-inside", {"template": _nested({"template": SITE})}, False),
    ("nothing", {"template": {"resources": []}}, False),
    ("a-hub-that-exists", {"template": {"languageVersion": "2.0", "resources": EXISTING_HUB}}, False),
    ("a-hub-that-exists-in-a-preview-language", {"template": {"languageVersion": "2.1-experimental", "resources": EXISTING_HUB}}, False),
    ("a-hub-that-exists-in-version-1", {"template": {"resources": EXISTING_HUB}}, True),
    ("a-hub-that-exists-in-version-1.9", {"template": {"languageVersion": "1.9", "resources": EXISTING_HUB}}, True),
    ("a-hub-that-exists-in-a-computed-version", {"template": {"languageVersion": "[variables('2.0')]", "resources": EXISTING_HUB}}, True),
    ("a-hub-that-exists-in-a-list", {"template": {"languageVersion": "2.0", "resources": list(EXISTING_HUB.values())}}, True),
    (
        "a-hub-that-exists-inside-version-1",
        {"template": {"languageVersion": "2.0", "resources": {"d": _inner({"template": {"resources": EXISTING_HUB}})}}},
        True,
    ),
    (
        "a-hub-that-exists-in-text",
        {"template": {"languageVersion": "2.0", "resources": {"h": {**EXISTING_HUB["h"], "existing": "true"}}}},
        True,
    ),
    ("a-hub", {"template": HUB_IN_A_TEMPLATE}, True),
    ("a-hub-in-text", {"template": json.dumps(HUB_IN_A_TEMPLATE)}, True),
    ("a-hub-by-name", {"template": {"resources": {"h": {"type": "microsoft.devices/iothubs@2023-06-30"}}}}, True),
    ("a-hub-in-other-case", {"template": {"RESOURCES": [{"TYPE": "MICROSOFT.DEVICES/IOTHUBS"}]}}, True),
    ("a-hub-inside", {"template": _nested({"template": HUB_IN_A_TEMPLATE})}, True),
    ("a-certificate-below-a-hub", {"template": {"resources": [{"type": "Microsoft.Devices/IotHubs/Certificates"}]}}, True),
    (
        "a-certificate-of-a-hub-that-exists",
        {
            "template": {
                "languageVersion": "2.0",
                "resources": {"h": {**EXISTING_HUB["h"], "resources": {"c": {"type": "certificates"}}}},
            }
        },
        True,
    ),
    ("a-role", {"template": {"resources": [{"type": "Microsoft.Authorization/roleAssignments"}]}}, True),
    ("a-role-of-a-site", {"template": {"resources": [{"type": "Microsoft.Web/sites/providers/roleAssignments"}]}}, True),
    (
        "a-role-below-a-site",
        {"template": {"resources": [{"type": "Microsoft.Web/sites", "resources": [{"type": "providers/roleAssignments"}]}]}},
        True,
    ),
    (
        "a-role-in-a-long-type",
        {"template": {"resources": [{"type": "Microsoft.Web/sites/providers/Microsoft.Authorization/roleAssignments"}]}},
        True,
    ),
    (
        "a-role-with-its-whole-type-below-a-site",
        {"template": {"resources": [{"type": "Microsoft.Web/sites", "resources": [{"type": "Microsoft.Authorization/roleAssignments"}]}]}},
        True,
    ),
    ("a-lock-of-a-site", {"template": {"resources": [{"type": "Microsoft.Web/sites/providers/locks"}]}}, False),
    ("a-type-with-dots", {"template": {"resources": [{"type": "Microsoft.Web/../Microsoft.Devices/IotHubs"}]}}, True),
    ("a-type-with-two-slashes", {"template": {"resources": [{"type": "Microsoft.Devices//IotHubs"}]}}, True),
    *(
        (f"{name}-inside", {"template": {"resources": [{"type": kind, "properties": properties}]}}, refused)
        for name, kind, properties, refused in HOLDERS
    ),
    ("too-deep", {"template": "[" * 200_000}, True),
    ("too-deep-inside", {"template": '{"resources":[{"type":"A.B/c",' * 450 + "}]" * 450 + "}"}, True),
    ("a-script", {"template": {"resources": [{"type": "Microsoft.Resources/deploymentScripts"}]}}, True),
    ("a-type-that-is-computed", {"template": {"resources": [{"type": "[parameters('type')]"}]}}, True),
    ("resources-that-are-computed", {"template": {"resources": "[parameters('resources')]"}}, True),
    ("a-link-inside", {"template": _nested({"templateLink": LINK})}, True),
    ("computed-inside", {"template": _nested("[parameters('deployment')]")}, True),
    ("a-link", {"templateLink": LINK}, True),
    ("a-link-beside-a-template", {"template": SITE, "templateLink": {"id": "/subscriptions/s/x"}}, True),
    ("another-deployment-on-errors", {"template": SITE, "onErrorDeployment": {"type": "LastSuccessful"}}, True),
    ("no-json", {"template": "{ // a comment"}, True),
    ("no-template", {}, True),
]
AZAPI = "azapi:index/resource:Resource"
GENERIC = "azure-native:resources:Resource"
GROUP_ID = "/subscriptions/s/resourceGroups/g"
HUB_AT = "providers/Microsoft.Devices/IotHubs/h"
WEB = "Microsoft.Web/sites@2023-01-01"


def _generic(namespace: str, parent: str, kind: str, **more: Any) -> Declared:
    return Declared(GENERIC, {"resourceProviderNamespace": namespace, "parentResourcePath": parent, "resourceType": kind, **more})


def _action(kind: str, at: str, action: str = "", method: str | None = None) -> Declared:
    given = {"type": kind, "resourceId": at, "action": action, "method": method}
    return Declared("azapi:index/resourceAction:ResourceAction", {name: value for name, value in given.items() if value is not None})


# azapi's actions: the path that is made of resourceId and action counts, beside the type.
ACTIONS = [
    (
        "put-of-a-hub",
        _action("Microsoft.Resources/subscriptions@2023-06-30", "/subscriptions/s", f"resourceGroups/g/{HUB_AT}", "PUT"),
        True,
    ),
    ("put-of-a-hub-by-its-name", _action(WEB, f"{GROUP_ID}/providers/Microsoft.Devices/IotHubs", "h", "PUT"), True),
    ("put-of-a-certificate", _action(WEB, f"{GROUP_ID}/{HUB_AT}/certificates", "c", "put"), True),
    ("patch-of-a-hub", _action(WEB, f"{GROUP_ID}/providers/Microsoft.Web/sites/s", f"../../../{HUB_AT}", "PATCH"), True),
    ("patch-of-a-hub-in-its-id", _action(WEB, f"{GROUP_ID}/{HUB_AT}", method="PATCH"), True),
    ("verify", _action(WEB, f"{GROUP_ID}/{HUB_AT}", "certificates/c/verify", "POST"), True),
    ("verify-by-default", _action(WEB, f"{GROUP_ID}/{HUB_AT}/certificates/c", "verify"), True),
    ("delete-below", _action("Microsoft.Resources/subscriptions@1", "/subscriptions/s", f"resourceGroups/g/{HUB_AT}", "DELETE"), True),
    ("put-below-a-site", _action(WEB, f"{GROUP_ID}/providers/Microsoft.Web/sites/s", "config/web", "PUT"), True),
    ("deployment", _action(WEB, GROUP_ID, "providers/Microsoft.Resources/deployments/d", "PUT"), True),
    ("policy", _action(WEB, f"/subscriptions/s/providers/{POLICY}", "p", "PUT"), True),
    (
        "role-on-a-resource-named-providers",
        _action(WEB, "/subscriptions/s/resourceGroups/providers/providers/Microsoft.Authorization/roleAssignments/r", "", "PUT"),
        True,
    ),
    ("hub-named-providers", _action(WEB, f"{GROUP_ID}/providers/Microsoft.Devices/IotHubs/providers/certificates/c", "", "PUT"), True),
    ("batch", _action("Microsoft.Resources/tenants@1", "/", "batch", "POST"), True),
    ("query", _action(WEB, f"{GROUP_ID}/{HUB_AT}?x=", "providers/Microsoft.Web/sites/s", "POST"), True),
    ("encoded", _action(WEB, f"{GROUP_ID}/providers/Microsoft.Web/sites/s", "..%2F..%2fMicrosoft.Devices%2FIotHubs%2Fh", "POST"), True),
    (
        "type-with-dots",
        _action("Microsoft.Web/../Microsoft.Devices/IotHubs@1", f"{GROUP_ID}/providers/Microsoft.Web/sites/s", "start"),
        True,
    ),
    ("start-of-a-site", _action(WEB, f"{GROUP_ID}/providers/Microsoft.Web/sites/s", "start"), False),
    ("put-of-a-site", _action(WEB, f"{GROUP_ID}/providers/Microsoft.Web/sites/s", "", "PUT"), False),
    ("restart-of-a-slot", _action(WEB, f"{GROUP_ID}/providers/Microsoft.Web/sites/s", "slots/x/restart", "POST"), False),
    (
        "register",
        _action("Microsoft.Resources/providers@2021-04-01", "/subscriptions/s/providers/Microsoft.Devices", "register", "POST"),
        False,
    ),
    (
        "register-below-a-subscription",
        _action("Microsoft.Resources/subscriptions@2021-04-01", "/subscriptions/s", "providers/Microsoft.Devices/register", "POST"),
        False,
    ),
    ("read-of-a-hub", _action(WEB, f"{GROUP_ID}/{HUB_AT}", method="GET"), False),
]
# Types and names that make another path in Azure than they seem to.
ODD_PATHS = [
    ("dots-in-the-parent", _generic("Microsoft.Storage", "../Microsoft.Devices", "IotHubs"), True),
    ("dot-in-the-parent", _generic("Microsoft.Devices", ".", "IotHubs"), True),
    ("dots-in-the-type", _generic("Microsoft.Storage", "", "../Microsoft.Devices/IotHubs"), True),
    ("dots-in-the-namespace", _generic("Microsoft.Storage/../Microsoft.Devices", "", "IotHubs"), True),
    ("encoded-dots", _generic("Microsoft.Storage", "%2e%2e/Microsoft.Devices", "IotHubs"), True),
    ("query-in-the-type", _generic("Microsoft.Devices", "", "IotHubs/h?x="), True),
    ("name-in-the-type", _generic("Microsoft.Devices", "", "IotHubs/h"), True),
    ("name-in-the-group", _generic("Microsoft.Web", "", "sites", resourceGroupName=f"g/{HUB_AT}"), True),
    (
        "role-on-a-site",
        _generic(
            "Microsoft.Web",
            "sites/s/providers/Microsoft.Authorization",
            "policyDefinitions",
            properties={"policyRule": _policy(HUB_IN_A_TEMPLATE)},
        ),
        True,
    ),
    ("generic-site", _generic("Microsoft.Web", "", "sites", resourceName="s (1)"), False),
    ("generic-child", _generic("Microsoft.Web", "sites/s.x-1_(2)", "config"), False),
    ("azapi-dots", Declared(AZAPI, {"type": "Microsoft.Storage/../Microsoft.Devices/IotHubs@1"}), True),
    ("azapi-two-slashes", Declared(AZAPI, {"type": "Microsoft.Devices//IotHubs@1"}), True),
    ("azapi-dotless-i", Declared(AZAPI, {"type": "Microsoft.Dev\u0131ces/IotHubs@1"}), True),
    ("azapi-no-namespace", Declared(AZAPI, {"type": "IotHubs@1"}), True),
    ("azapi-short", Declared(AZAPI, {"type": "Microsoft.Web/sites/providers/roleAssignments@1"}), True),
    ("azapi-name", Declared(AZAPI, {"type": "Microsoft.Resources/resourceGroups@1", "name": f"g/{HUB_AT}"}), True),
    ("azapi-parent", Declared(AZAPI, {"type": WEB, "name": "s", "parentId": f"{GROUP_ID}/{HUB_AT}?x="}), True),
    ("azapi-parent-dots", Declared(AZAPI, {"type": WEB, "name": "s", "parentId": f"{GROUP_ID}/../g2"}), True),
    ("azapi-site", Declared(AZAPI, {"type": WEB, "name": "s", "parentId": GROUP_ID}), False),
    ("azapi-tenant", Declared(AZAPI, {"type": "Microsoft.Management/managementGroups@1", "name": "m", "parentId": "/"}), False),
    ("azapi-patch", Declared("azapi:index/updateResource:UpdateResource", {"type": WEB, "resourceId": f"{GROUP_ID}/{HUB_AT}"}), True),
    ("azapi-patch-dots", Declared("azapi:index/updateResource:UpdateResource", {"type": "Microsoft.Web/../x/y"}), True),
]
OPAQUE = [
    *((f"action-{name}", declared, refused) for name, declared, refused in ACTIONS),
    *((f"path-{name}", declared, refused) for name, declared, refused in ODD_PATHS),
    *(
        (f"azapi-{name}", Declared(AZAPI, {"type": f"{kind}@2025-01-01", "body": {"properties": properties}}), refused)
        for name, kind, properties, refused in HOLDERS
    ),
    *(
        (f"azapi-text-{name}", Declared(AZAPI, {"type": kind, "body": json.dumps({"properties": properties})}), refused)
        for name, kind, properties, refused in HOLDERS
    ),
    *(
        (f"generic-{name}", _generic(kind.partition("/")[0], "", kind.partition("/")[2], properties=properties), refused)
        for name, kind, properties, refused in HOLDERS
        if kind == POLICY
    ),
    *(
        (f"generic-{name}", _generic("Microsoft.Blueprint", "blueprints/b", "artifacts", properties=properties), refused)
        for name, kind, properties, refused in HOLDERS
        if kind == ARTIFACT
    ),
    *(
        (f"native-{name}", Declared("azure-native:authorization:PolicyDefinition", properties), refused)
        for name, kind, properties, refused in HOLDERS
        if kind == POLICY and isinstance(properties, dict)
    ),
    ("native-artifact-of-a-role", Declared("azure-native:blueprint:RoleAssignmentArtifact", {"principalIds": ["p"]}), True),
    (
        "azapi-sensitive-body-of-a-deployment",
        Declared(
            AZAPI,
            {
                "type": "Microsoft.Resources/deployments@1",
                "body": {"properties": {"template": SITE}},
                "sensitiveBody": {"properties": {"template": HUB_IN_A_TEMPLATE}},
            },
        ),
        True,
    ),
    ("azapi-body-too-deep", Declared(AZAPI, {"type": "Microsoft.Devices/IotHubs@1", "body": "[" * 200_000}), True),
    *((f"{name}-{way}", Declared(*write(facts)), refused) for way, write in DEPLOYMENTS.items() for name, facts, refused in TEMPLATES),
    *(
        (f"classic-{scope}-{name}", Declared(token, {"name": "d", "templateContent": json.dumps(template)}), template is HUB_IN_A_TEMPLATE)
        for scope, token in {
            "group": "azure:core/resourceGroupTemplateDeployment:ResourceGroupTemplateDeployment",
            "subscription": "azure:core/subscriptionTemplateDeployment:SubscriptionTemplateDeployment",
            "tenant": "azure:core/tenantTemplateDeployment:TenantTemplateDeployment",
            "management-group": "azure:management/groupTemplateDeployment:GroupTemplateDeployment",
            "azurerm": "azurerm:index/resourceGroupTemplateDeployment:ResourceGroupTemplateDeployment",
        }.items()
        for name, template in {"site": SITE, "hub": HUB_IN_A_TEMPLATE}.items()
    ),
    ("classic-old", Declared("azure:core/templateDeployment:TemplateDeployment", {"templateBody": json.dumps(HUB_IN_A_TEMPLATE)}), True),
    (
        "classic-template-spec",
        Declared(
            "azure:core/resourceGroupTemplateDeployment:ResourceGroupTemplateDeployment", {"templateSpecVersionId": "/subscriptions/s/x"}
        ),
        True,
    ),
    ("script", Declared("azure-native:resources:AzureCliScript", {"scriptContent": "true"}), True),
    ("script-classic", Declared("azure:core/resourceDeploymentScriptPowerShell:ResourceDeploymentScriptPowerShell"), True),
    ("application", Declared("azure-native:solutions:Application", {"kind": "ServiceCatalog"}), True),
    ("application-classic", Declared("azure:managedapplication/application:Application"), True),
    ("application-azapi", Declared("azapi:index/resource:Resource", {"type": "Microsoft.Solutions/applications@2021-07-01"}), True),
    ("blueprint", Declared("azure-native:blueprint:Assignment"), True),
    ("blueprint-classic", Declared("azure:blueprint/assignment:Assignment"), True),
    ("artifact", Declared("azure-native:blueprint:TemplateArtifact", {"kind": "template", "template": HUB_IN_A_TEMPLATE}), True),
    ("artifact-of-a-site", Declared("azure-native:blueprint:TemplateArtifact", {"kind": "template", "template": SITE}), False),
    ("policy", Declared("azure-native:authorization:PolicyDefinition", {"policyRule": _policy(HUB_IN_A_TEMPLATE)}), True),
    ("policy-classic", Declared("azure:policy/definition:Definition", {"policyRule": json.dumps(_policy(HUB_IN_A_TEMPLATE))}), True),
    ("policy-of-a-site", Declared("azure-native:authorization:PolicyDefinition", {"policyRule": _policy(SITE)}), False),
    ("policy-that-denies", Declared("azure:policy/definition:Definition", {"policyRule": '{"then": {"effect": "deny"}}'}), False),
    ("lab", Declared("azure-native:devtestlab:Environment"), True),
    ("registry-authority", Declared("azure-native:deviceregistry:Credential"), True),
    ("registry-asset", Declared("azure-native:deviceregistry:Asset"), False),
    ("operator", Declared("kubernetes:devices.azure.com/v1api20210702:IotHub"), True),
    ("operator-crossplane", Declared("kubernetes:devices.azure.upbound.io/v1beta1:IOTHub"), True),
    ("terraform-module", Declared("hubs:index:Module", {"location": "westeurope"}), True),
    ("hub-in-a-terraform-module", Declared("hubs:tf:azurerm_iothub", {"min_tls_version": "1.0"}), True),
    ("azapi-in-a-terraform-module", Declared("hubs:tf:azapi_resource"), True),
    ("site-in-a-terraform-module", Declared("hubs:tf:azurerm_linux_web_app"), False),
    ("pod", Declared("kubernetes:core/v1:Pod"), False),
    ("patch", Declared("azapi:index/updateResource:UpdateResource", {"type": "Microsoft.Devices/IotHubs@2023-06-30"}), True),
    ("patch-of-a-site", Declared("azapi:index/updateResource:UpdateResource", {"type": "Microsoft.Web/sites@2023-01-01"}), False),
    (
        "action",
        Declared("azapi:index/resourceAction:ResourceAction", {"type": "Microsoft.Devices/iotHubs@2023-06-30", "method": "PATCH"}),
        True,
    ),
    (
        "action-that-reads",
        Declared("azapi:index/resourceAction:ResourceAction", {"type": "Microsoft.Devices/IotHubs@1", "method": "GET"}),
        False,
    ),
    ("tenant", Declared("azapi:index/resource:Resource", {"type": "Microsoft.Devices/elasticPools/iotHubTenants@2018-01-22"}), True),
    (
        "consumers",
        Declared("azapi:index/resource:Resource", {"type": "Microsoft.Devices/IotHubs/eventHubEndpoints/ConsumerGroups@1"}),
        False,
    ),
    (
        "body-that-is-no-json",
        Declared("azapi:index/resource:Resource", {"type": "Microsoft.Devices/IotHubs@1", "body": "properties:"}),
        True,
    ),
    (
        "sensitive-body",
        Declared("azapi:index/resource:Resource", {"type": "Microsoft.Devices/IotHubs@1", "body": {}, "sensitiveBody": {"properties": {}}}),
        True,
    ),
    ("setting", Declared("elsewhere:index:Hub1"), True),
    ("setting-reviewed", Declared("elsewhere:index:Hub1", name="read"), False),
    ("elsewhere", Declared("elsewhere:index:Site"), False),
]


@pytest.mark.parametrize(("declared", "refused"), [row[1:] for row in OPAQUE], ids=[row[0] for row in OPAQUE])
def test_what_cannot_be_read_is_refused(analyzer: PolicyAnalyzer, declared: Declared, refused: bool) -> None:
    """Plain, secret, in a component and renamed; each message says what to do."""
    forms = [
        declared,
        replace(declared, properties={name: secret(value) for name, value in declared.properties.items()}),
        replace(declared, parents=("my:index:Site",)),
        replace(declared, aliases=("urn:pulumi:dev::program::elsewhere:index:Thing::old",)),
    ]
    if declared.name == "read":
        forms = [declared]  # the URN was reviewed, and no other
    for each in forms:
        found = analyzer.analyze(each).violations.get("opaque-declarations", [])
        assert bool(found) is refused, found
        assert all("declare what it makes as resources of their own" in message for message in found)


# In text an unknown value makes the whole text unknown, which is the case of a template that is not known.
@pytest.mark.parametrize("way", sorted(DEPLOYMENTS.keys() - {"azapi-text"}), ids=str)
def test_a_template_that_is_not_known_yet_is_read_later(analyzer: PolicyAnalyzer, way: str) -> None:
    """A preview says that the rule can't be checked yet, and the update checks it."""
    answer = analyzer.analyze(Declared(*DEPLOYMENTS[way]({"template": UNKNOWN})))
    assert "opaque-declarations" not in answer.violations
    assert "opaque-declarations" in answer.not_applicable


@pytest.mark.parametrize(
    "properties",
    [
        {"resourceId": UNKNOWN, "action": "start"},
        {"resourceId": f"{GROUP_ID}/providers/Microsoft.Web/sites/s", "action": UNKNOWN},
        {"resourceId": f"{GROUP_ID}/providers/Microsoft.Web/sites/s", "action": "start", "method": UNKNOWN},
    ],
    ids=["id", "action", "method"],
)
def test_an_action_that_is_not_known_yet_is_read_later(analyzer: PolicyAnalyzer, properties: dict[str, Any]) -> None:
    """Its path says what it changes."""
    answer = analyzer.analyze(Declared("azapi:index/resourceAction:ResourceAction", {"type": WEB, **properties}))
    assert "opaque-declarations" not in answer.violations
    assert "opaque-declarations" in answer.not_applicable


@pytest.mark.parametrize("name", ["name", "parentId"])
def test_a_place_that_is_not_known_yet_is_read_later(analyzer: PolicyAnalyzer, name: str) -> None:
    """It could make another path than the type says; what is known already is told at once."""
    later = analyzer.analyze(Declared(AZAPI, {"type": WEB, name: UNKNOWN}))
    assert "opaque-declarations" not in later.violations
    assert "opaque-declarations" in later.not_applicable
    assert "opaque-declarations" in analyzer.analyze(Declared(AZAPI, {"type": "A.B/../c", name: UNKNOWN})).violations


@pytest.mark.parametrize(
    ("kind", "properties"), [(kind, properties) for name, kind, properties, _ in HOLDERS if name.endswith("-of-a-site")]
)
def test_a_definition_that_is_not_known_yet_is_read_later(analyzer: PolicyAnalyzer, kind: str, properties: dict[str, Any]) -> None:
    """As a deployment's template is."""
    for unknown in (UNKNOWN, _unknown(properties)):
        answer = analyzer.analyze(Declared(AZAPI, {"type": kind, "body": {"properties": unknown}}))
        assert "opaque-declarations" not in answer.violations
        assert "opaque-declarations" in answer.not_applicable
