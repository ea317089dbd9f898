"""Each rule as a pure function: violations, compliant resources, and values that are not known yet."""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from pulumi_policy.proxy import unknown_checking_proxy

from hubtrust.certificates import verification
from hubtrust.certificates.lifetimes import LIFETIMES
from hubtrust.custody.custodies import CUSTODIES
from hubtrust.devices.description import read_description
from hubtrust.devices.roster import Roster
from hubtrust.hub_args import PROPERTIES, HubArgs
from policies import rules
from policies.rules import RULES
from policies.rules import authority as authority_rules
from policies.rules import device as device_rules
from policies.rules import trust as trust_rules
from policies.rules.certificates import load
from policies.rules.resource import UNKNOWN, NotKnownYetError, Resource
from policies.rules.secrecy import PlainTextKeys, bare_keys
from settings import Settings
from tests.kit import der
from tests.kit.authorities import ABSENT, Forged, ec_key, hierarchy, pem_of, private_pem, rsa_key
from tests.kit.certificate_shapes import COMMON_NAME, RequestShape, attribute, key_info
from tests.kit.certificate_shapes import name as encoded_name

NOW = datetime.now(UTC)
DYNAMIC = "pulumi-python:dynamic/hubtrust:"
PLUGIN = "hubtrust:index:"
TLS_ROOT = "tls:index/selfSignedCert:SelfSignedCert"
HUB = "azure-native:iothub:IotHubResource"
VAULT_TYPE = "hubtrust:index:AuthorityVault"
GOOD_HUB = {"minTlsVersion": "1.2", "disableLocalAuth": True, "disableDeviceSAS": True, "disableModuleSAS": True}
RULE = {rule.name: rule for rule in RULES}


def violations(rule: str, resource: Resource, **settings: Any) -> list[str]:
    """The messages of a rule for a resource."""
    return list(RULE[rule].validate(resource, {**RULE[rule].defaults, **settings}))


def trusted(given: x509.Certificate, **props: Any) -> Resource:
    """A VerifiedCertificate for this CA."""
    return Resource(f"{DYNAMIC}VerifiedCertificate", {"certificate": pem_of(given), **props}, urn="urn:it")


def authority(**properties: Any) -> x509.Certificate:
    """A CA certificate that complies except for `properties`: a root, path length 0, P-256, one year."""
    return Forged(**{"path_length": 0, "start": NOW - timedelta(hours=1), "end": NOW + timedelta(days=365), **properties}).certificate


def odd_request(key: Any = None) -> str:
    """A request that `cryptography` does not read: of version 2, without attributes, `_` in a PrintableString."""
    shape = RequestShape(
        subject=encoded_name(attribute(COMMON_NAME, der.PRINTABLE_STRING, b"press_1")),
        key=key_info((key or ec_key()).public_key()),
        attributes=None,
        version=der.integer(1),
    )
    return base64.b64encode(shape.signed(key or ec_key())).decode()


def in_pem(*requests: str, label: str = "CERTIFICATE REQUEST") -> str:
    return "".join(f"-----BEGIN {label}-----\n{one}\n-----END {label}-----\n" for one in requests)


def issued(profile: str, **props: Any) -> Resource:
    return Resource(f"{DYNAMIC}IssuedCertificate", {"profile": profile, **props}, urn="urn:issued")


def hub(protect: bool = True, **properties: Any) -> Resource:
    return Resource(HUB, {"properties": {**GOOD_HUB, **properties}, "tags": {"environment": "prod"}}, protect=protect)


def fleet(thumbprinted: int) -> str:
    """A packed fleet of four devices, some of them with thumbprints."""
    own = [read_description({"thumbprints": ["A" * 40]}), read_description({})]
    return Roster.of((f"press-{number}", own[number >= thumbprinted]) for number in range(4)).pack()


def thumbprints(given: x509.Certificate) -> dict[str, str]:
    """SHA-256 of a certificate and of its key."""
    return load(pem_of(given))[0].thumbprints()


P521 = ec_key(ec.SECP521R1())
# The object identifier of P-256 is one that nobody knows.
UNKNOWN_CURVE = base64.b64encode(
    base64.b64decode(odd_request()).replace(bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06082a8648ce3d03017f"))
).decode()
OLD = {"elsewhere": {"staging": [thumbprints(authority())["key"]]}}
UNUSED = pem_of(authority(usage=ABSENT))
# rule, a resource that breaks it, what the message must name, settings
BROKEN: list[tuple[str, Resource, str, dict[str, Any]]] = [
    ("proof-required", trusted(authority(), attest=True), "attest", {}),
    ("proof-required", Resource("azure-native:iothub:Certificate", {"properties": {"isVerified": True}}), "properties.isVerified", {}),
    ("proof-required", Resource("azure-native:iothub/v20230630:Certificate", {"properties": {"isVerified": True}}), "isVerified", {}),
    ("proof-required", Resource("azure:iot/certificate:Certificate", {"isVerified": True}), "isVerified", {}),
    ("proof-required", trusted(authority(), state="verified", proof="found", etag="E7"), "'E7'", {"allow": ["found", "key-held"]}),
    ("proof-required", trusted(authority(), state="verified", proof="attestation"), "attestation", {"allow": ["attestation"]}),
    ("proof-required", trusted(authority(), state="verified", proof="key-held"), "key-held", {}),
    ("proof-required", trusted(authority(), state="verified"), "missing", {"allow": ["key-held"]}),
    ("custody-allowed", trusted(authority(), signer={"custody": "state"}), "'state'", {"allowed": ["offline"]}),
    ("custody-allowed", issued("intermediate", signer={"custody": "state"}), "'state'", {"allowed": ["offline"]}),
    ("key-strength", trusted(authority(key=rsa_key(2048))), "2048", {}),
    ("key-strength", trusted(authority(key=P521)), "P-521", {}),
    ("key-strength", trusted(authority(key=ed25519.Ed25519PrivateKey.generate(), algorithm=None)), "Ed25519", {"hashes": ["1.3.101.112"]}),
    ("key-strength", trusted(authority(issuer=Forged("Root"), algorithm=hashes.SHA512())), "sha512", {"hashes": ["sha256"]}),
    ("key-strength", Resource("tls:index/privateKey:PrivateKey", {"algorithm": "RSA"}), "2048", {}),
    ("key-strength", Resource("tls:index/privateKey:PrivateKey", {"algorithm": "ECDSA", "ecdsaCurve": "P521"}), "P-521", {}),
    ("key-strength", Resource("tls:index/privateKey:PrivateKey", {"algorithm": "ED25519"}), "ED25519", {}),
    ("key-strength", issued("device", request=in_pem(odd_request(rsa_key(1024)))), "the key in request is RSA with 1024 bits", {}),
    ("key-strength", issued("intermediate", request=odd_request(rsa_key(2048))), "the key in request is RSA with 2048 bits", {}),
    ("key-strength", issued("device", request=in_pem(odd_request(P521), label="NEW CERTIFICATE REQUEST")), "EC on P-521", {}),
    ("key-strength", issued("device", request=odd_request(ed25519.Ed25519PrivateKey.generate())), "a key of type Ed25519", {}),
    ("key-strength", issued("device", request=in_pem(UNKNOWN_CURVE)), "EC on 1.2.840.10045.3.1.127", {}),
    (
        "key-strength",
        Resource(f"{DYNAMIC}IssuedBatch", {"requests": in_pem(odd_request(), odd_request(P521), odd_request(P521))}),
        "a key in requests is EC on P-521",
        {},
    ),
    ("key-strength", Resource(f"{DYNAMIC}IssuedBatch", {"requests": [odd_request(), odd_request(P521)]}), "a key in requests is", {}),
    ("authority-lifetime", trusted(authority(end=NOW + timedelta(days=4000))), "4000", {}),
    ("authority-lifetime", issued("intermediate", lifetimeDays=1826.0), "1826", {}),
    ("authority-lifetime", issued("root"), "3650", {"rootDays": 100.0}),
    ("authority-lifetime", Resource(TLS_ROOT, {"isCaCertificate": True, "validityPeriodHours": 87624.0}), "3651", {}),
    ("path-length-set", trusted(authority(path_length=None)), "no path length", {}),
    ("path-length-set", trusted(authority(authority=ABSENT)), "not a CA", {}),
    ("path-length-set", trusted(authority(authority=False, path_length=None)), "not a CA", {}),
    ("path-length-set", trusted(authority(issuer=Forged("Root"), path_length=1)), "path length 1", {}),
    ("path-length-set", issued("device", issuerCertificate=pem_of(authority(path_length=2))), "path length 2", {}),
    ("path-length-set", Resource("azure-native:iothub:Certificate", {"properties": {"certificate": "bm8="}}), "PEM", {}),
    ("authority-profile", trusted(authority(usage=ABSENT)), "no key usage (4.2.1.3)", {}),
    ("authority-profile", trusted(authority(critical_constraints=False)), "basic constraints extension is not critical (4.2.1.9)", {}),
    ("authority-profile", trusted(authority(ski=ABSENT)), "no subject key identifier (4.2.1.2)", {}),
    ("authority-profile", trusted(authority(issuer=Forged("Root"), aki=ABSENT)), "no authority key identifier (4.2.1.1)", {}),
    ("authority-profile", Resource("azure-native:iothub:Certificate", {"properties": {"certificate": UNUSED}}), "4.2.1.3", {}),
    ("device-lifetime", issued("device", lifetimeDays=366.0), "366", {}),
    ("device-lifetime", Resource(f"{DYNAMIC}IssuedBatch", {"lifetimeDays": 500.0}), "500", {}),
    ("path-length-set", Resource(f"{DYNAMIC}IssuedBatch", {"issuerCertificate": pem_of(authority(path_length=1))}), "path length 1", {}),
    ("device-lifetime", issued("device"), "365", {"days": 30.0}),
    ("device-lifetime", Resource("tls:index/locallySignedCert:LocallySignedCert", {"validityPeriodHours": 9000.0}), "375", {}),
    ("path-length-set", Resource(f"{DYNAMIC}ConnectionCheck", {"chain": pem_of(authority(path_length=1))}), "path length 1", {}),
    ("custody-allowed", Resource(f"{DYNAMIC}SigningKey", {"signer": {"custody": "pkcs11"}}), "'pkcs11'", {"allowed": ["offline"]}),
    ("devices-by-ca", Resource(f"{DYNAMIC}DeviceIdentity", {"deviceId": "press-001", "thumbprints": ["AB"]}), "'press-001'", {}),
    ("devices-by-ca", Resource(f"{DYNAMIC}ModuleIdentity", {"deviceId": "d", "moduleId": "eye", "thumbprints": ["AB"]}), "'eye'", {}),
    ("devices-by-ca", Resource(f"{DYNAMIC}DeviceFleet", {"members": fleet(1)}), "1 of the fleet's devices", {}),
    ("devices-by-ca", Resource(f"{DYNAMIC}DeviceFleet", {"members": fleet(3)}), "most of the fleet's devices", {}),
    ("devices-by-ca", Resource(f"{DYNAMIC}DeviceFleet", {"members": "2.abcd"}), "can't be read", {}),
    ("tls-minimum", hub(minTlsVersion="1.0"), "1.0", {}),
    ("tls-minimum", hub(minTlsVersion=None), "not set", {}),
    ("shared-keys-off", hub(disableLocalAuth=False), "disableLocalAuth", {}),
    ("shared-keys-off", hub(disableModuleSAS=None), "disableModuleSAS", {}),
    ("hub-protected", hub(protect=False), "protect", {}),
    ("hub-protected", Resource("azure-native:resources:ResourceGroup", {}), "protect", {}),
    ("required-tags", hub(), "'owner'", {"required": ["owner"]}),
    ("required-tags", hub(), "'staging'", {"values": {"environment": "staging"}}),
    ("public-access", hub(), "publicNetworkAccess", {}),
]  # fmt: skip


def of_the_plugin(resource: Resource) -> Resource:
    """The same resource, as a program in any language declares it."""
    return replace(resource, declared_type=resource.declared_type.replace(DYNAMIC, PLUGIN))


BROKEN += [(rule, of_the_plugin(each), *rest) for rule, each, *rest in BROKEN if each.declared_type.startswith(DYNAMIC)]


@pytest.mark.parametrize(("rule", "resource", "named", "settings"), BROKEN, ids=[f"{each[0]}-{place}" for place, each in enumerate(BROKEN)])
def test_a_violation_is_reported_with_fact_and_remedy(rule: str, resource: Resource, named: str, settings: Mapping[str, Any]) -> None:
    """There is one message of one line that names what is wrong and, after a colon, what to do."""
    (message,) = violations(rule, resource, **settings)
    assert named in message
    assert "\n" not in message
    assert ": " in message


GOOD = hierarchy(days=1800)
OLD_ROOT = Forged("Old root", key=rsa_key(2048), start=NOW - timedelta(days=9000), end=NOW - timedelta(days=1))
KEPT = [
    Resource(
        "azure-native:resources:ResourceGroup", urn=f"urn:pulumi:prod::plant::{VAULT_TYPE}$azure-native:resources:ResourceGroup::plant"
    ),
    trusted(GOOD.issuing.certificate, signer={"custody": "offline"}, attest=False, generation=1.0, name="ca", serviceId="/h"),
    trusted(authority(), state="verified", proof="possession"),
    trusted(authority(), state="waiting", code="AB"),
    trusted(authority(path_length=1)),  # a root that is trusted may have CAs below it
    issued("intermediate", issuerCertificate=pem_of(GOOD.up[1]), lifetimeDays=1825.0, signer={"custody": "offline"}),
    issued("device", issuerCertificate=pem_of(*GOOD.up), lifetimeDays=365.0, signer={"custody": "offline"}),
    issued("device", request=in_pem(odd_request(), odd_request(rsa_key(3072)))),
    *(issued("device", request=text) for text in ("noise", "", "MA==", "MIIBIjAA", in_pem("noise"), in_pem("MAUwAwIBAA=="))),
    # A root above the CA that is trusted is somebody else's, and no path asks for more than its name.
    issued("device", issuerCertificate=pem_of(Forged("Issuing", issuer=OLD_ROOT, path_length=0).certificate, OLD_ROOT.certificate)),
    hub(publicNetworkAccess="Disabled"),
    Resource("azure-native:iothub:Certificate", {"properties": {"isVerified": False, "certificate": pem_of(GOOD.issuing.certificate)}}),
    Resource("tls:index/privateKey:PrivateKey", {"algorithm": "ECDSA", "ecdsaCurve": "P256"}),
    Resource(TLS_ROOT, {"isCaCertificate": True, "validityPeriodHours": 87600.0, "earlyRenewalHours": 168.0}),
    Resource(f"{DYNAMIC}DeviceIdentity", {"deviceId": "d", "thumbprints": None}),
    Resource(f"{DYNAMIC}DeviceFleet", {"members": fleet(0)}),
    Resource(f"{DYNAMIC}ConnectionCheck", {"chain": pem_of(*GOOD.up), "signer": {"custody": "offline"}}),
    Resource("random:index/randomId:RandomId", {"keepers": {"isVerified": True}}),
]
KEPT += [of_the_plugin(each) for each in KEPT if each.declared_type.startswith(DYNAMIC)]


@pytest.mark.parametrize("resource", KEPT, ids=[f"{each.type.rpartition(':')[2]}-{place}" for place, each in enumerate(KEPT)])
def test_a_compliant_resource_has_no_violations(resource: Resource) -> None:
    """No rule reports a resource as the components declare it, or one that it does not apply to."""
    for rule in RULES:
        if not rule.stack and rule.name != "authority-expiry":
            assert list(rule.validate(resource, rule.defaults)) == [], rule.name


UNKNOWNS = [
    ("proof-required", trusted(authority(), attest=UNKNOWN)),
    ("custody-allowed", trusted(authority(), signer=UNKNOWN)),
    *((rule, trusted(authority(), certificate=UNKNOWN)) for rule in ("key-strength", "authority-lifetime", "path-length-set")),
    *((rule, trusted(authority(), certificate=UNKNOWN)) for rule in ("authority-not-shared", "authority-expiry", "authority-profile")),
    ("tls-minimum", hub(minTlsVersion=UNKNOWN)),
    ("shared-keys-off", hub(disableLocalAuth=UNKNOWN)),
    ("required-tags", Resource(HUB, {"tags": UNKNOWN})),
    ("public-access", hub(publicNetworkAccess=UNKNOWN)),
    ("device-lifetime", issued("device", lifetimeDays=UNKNOWN)),
    ("key-strength", Resource(f"{DYNAMIC}IssuedBatch", {"requests": [odd_request(), UNKNOWN]})),
]
UNKNOWNS += [(rule, of_the_plugin(each)) for rule, each in UNKNOWNS if each.declared_type.startswith(DYNAMIC)]


@pytest.mark.parametrize(("rule", "resource"), UNKNOWNS, ids=[f"{each[0]}-{place}" for place, each in enumerate(UNKNOWNS)])
def test_a_value_not_known_yet_postpones_the_rule(rule: str, resource: Resource) -> None:
    """A rule that can't be checked in a preview names the unknown property; it neither passes nor fails."""
    with pytest.raises(NotKnownYetError, match="checked then"):
        violations(rule, resource)


def test_a_declared_lifetime_is_checked_before_there_is_a_certificate() -> None:
    """In a preview, a CA declared with too long a lifetime is refused before it has a certificate."""
    found = violations_until_unknown("authority-lifetime", issued("intermediate", lifetimeDays=9000.0, issuerCertificate=UNKNOWN))
    assert ["9000" in message for message in found] == [True]


def violations_until_unknown(rule: str, resource: Resource) -> Iterator[str]:
    try:
        yield from RULE[rule].validate(resource, RULE[rule].defaults)
    except NotKnownYetError:
        return


@pytest.mark.parametrize("proof", verification.PROOFS)
@pytest.mark.parametrize("allow", [(), ("key-held",), verification.PROOFS])
def test_only_a_held_key_can_be_allowed_beside_possession(proof: str, allow: tuple[str, ...]) -> None:
    """No configuration makes somebody's word a proof; the check is the same for one resource and at the end of a run."""
    resource = trusted(authority(), state="verified", proof=proof, etag="E7")
    passes = proof == "possession" or (proof == "key-held" and "key-held" in allow)
    messages = violations("proof-required", resource, allow=list(allow))
    assert (messages == []) is passes
    waiting, unknown = trusted(authority(), state="waiting"), trusted(authority(), state=UNKNOWN)
    assert list(trust_rules.proofs_at_the_end([waiting, resource], {"allow": allow})) == [(message, "urn:it") for message in messages]
    at_end = trust_rules.proofs_at_the_end([unknown, resource], {"allow": allow})
    assert [next(at_end) for _ in messages] == [(message, "urn:it") for message in messages]
    with pytest.raises(NotKnownYetError):
        next(at_end)


def test_a_ca_of_another_environment_is_refused_by_certificate_and_by_key() -> None:
    """This holds for the same certificate and for another one with the same key, with any format of the thumbprint."""
    key = ec_key()
    one, renewed = authority(key=key), authority(key=key, serial=4712)
    colons = ":".join(thumbprints(one)["certificate"][i : i + 2] for i in range(0, 64, 2)).lower()
    assert len(violations("authority-not-shared", trusted(one), elsewhere={"staging": [colons]})) == 1
    (message,) = violations("authority-not-shared", trusted(renewed), elsewhere={"staging": [thumbprints(one)["key"]]})
    assert "the key of this CA" in message
    assert "staging" in message
    assert violations("authority-not-shared", trusted(authority()), **OLD) == []


@pytest.mark.parametrize(("days", "reported"), [(179, True), (181, False), (-1, True)])
def test_a_ca_about_to_expire_is_reported(days: int, reported: bool) -> None:
    """From six months before it expires, and afterwards."""
    certificate = authority(start=NOW - timedelta(days=300), end=NOW + timedelta(days=days, hours=1))
    assert bool(violations("authority-expiry", trusted(certificate))) is reported


def test_a_previous_generation_is_reported_on_its_own_hub_only() -> None:
    """The older generation of a name on one hub is reported; other CAs, other hubs and single generations are not."""

    def one(name: str, generation: int, service: Any = "/hubs/A") -> Resource:
        props = {"name": name, "generation": float(generation), "serviceId": service}
        return Resource(f"{DYNAMIC}VerifiedCertificate", props, urn=f"{name}-{generation}-{service}")

    trusting = [
        one("ca", 1),
        one("ca", 2, "/hubs/a"),
        one("other", 1),
        one("ca", 1, "/hubs/b"),
        one("new", 1, UNKNOWN),
        one("new", 2, UNKNOWN),
    ]
    found = {urn: message for message, urn in RULE["previous-generation"].validate(trusting, {})}
    assert set(found) == {"ca-1-/hubs/A", "new-1-unknown"}
    assert "generation 1 of the CA 'ca'" in found["ca-1-/hubs/A"]


def test_the_lowest_ca_of_a_stack_has_the_path_length_0() -> None:
    """It is read from the issued certificates; a CA with another CA below it is not reported."""
    root = Forged("Root", path_length=1)
    loose = Forged("Loose", issuer=root, path_length=None)
    resources = [
        Resource(TLS_ROOT, {"isCaCertificate": True, "certPem": pem_of(root.certificate)}, urn="root"),
        issued("intermediate", certificate=pem_of(loose.certificate)),
        issued("device", certificate=UNKNOWN),
    ]
    assert [urn for _, urn in RULE["issuing-path-length"].validate(resources, {})] == ["urn:issued"]
    right = Forged("Right", issuer=root, path_length=0)
    assert (
        list(RULE["issuing-path-length"].validate([resources[0], issued("intermediate", certificate=pem_of(right.certificate))], {})) == []
    )


@pytest.mark.parametrize("props", [{}, {"certificate": UNKNOWN}])
def test_the_lowest_ca_is_not_known_before_all_are_issued(props: dict[str, Any]) -> None:
    """The root exists and the CA below it does not: the root is not mistaken for the lowest CA."""
    root = Resource(TLS_ROOT, {"isCaCertificate": True, "certPem": pem_of(Forged("Root", path_length=1).certificate)}, urn="root")
    with pytest.raises(NotKnownYetError):
        list(RULE["issuing-path-length"].validate([root, issued("intermediate", **props)], {}))


def test_pulumis_unknown_values_are_unknown_at_any_depth() -> None:
    """Pulumi's proxy of a preview's inputs raises on access to an unknown value, with `in` too."""
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    props = unknown_checking_proxy({"tags": unknown, "properties": {"minTlsVersion": unknown, "disableLocalAuth": True}})
    resource = Resource(HUB, props)
    assert resource.read("tags") is UNKNOWN
    assert resource.read("tags", "owner") is UNKNOWN
    assert resource.read("properties", "minTlsVersion") is UNKNOWN
    assert resource.read("properties", "disableLocalAuth") is True
    assert resource.read("properties", "publicNetworkAccess") is None
    assert resource.read("properties", "disableLocalAuth", "deeper") is None


SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


def test_a_private_key_outside_a_secret_is_found_wherever_it_is() -> None:
    """It is found in an object, in a list, inside other text, encrypted or not, but not in a secret. The key is never shown."""
    bare, sealed = private_pem(ec_key()), private_pem(ec_key(), "passphrase")
    properties = {
        "signer": {"custody": "state", "privateKey": bare},
        "notes": ["nothing", f"see below\n{sealed}"],
        "hidden": {**SECRET, "value": {"privateKey": bare}},
        "certificate": pem_of(authority()),
    }
    assert list(bare_keys(properties)) == [("signer.privateKey", "PEM"), ("notes[1]", "PEM")]
    keys = PlainTextKeys()
    keys.record("urn", properties)
    messages = list(keys.violations("urn", dict))
    assert len(messages) == 2
    assert "PRIVATE KEY" not in "".join(messages)


def test_a_key_without_a_remediation_counts_as_not_secret() -> None:
    """At a level where the policy can't see secrets, a key is reported together with the level to set."""
    (message,) = PlainTextKeys().violations("urn", lambda: {"privateKey": private_pem(ec_key())})
    assert "remediate" in message
    assert list(PlainTextKeys().violations("urn", dict)) == []


def test_the_packs_copies_are_the_tables_of_the_components() -> None:
    """The pack imports nothing of the components, so its copies of their tables are compared here."""
    assert set(rules._CUSTODIES) == set(CUSTODIES)
    assert {trust_rules.POSSESSION, trust_rules.KEY_HELD} == {verification.POSSESSION, verification.KEY_HELD}
    assert trust_rules.VERIFIED == verification.VERIFIED
    assert {profile: lifetime.days for profile, lifetime in LIFETIMES.items()} == authority_rules._DEFAULT_DAYS
    assert LIFETIMES["device"].days == device_rules._DEFAULT_DAYS


def test_the_advice_about_public_access_can_be_followed() -> None:
    """The settings and the argument that it names exist, and a hub that follows it complies."""
    (advice,) = violations("public-access", hub())
    (setting,) = re.findall(r"hubtrust:(\w+)", advice)
    assert "public_network_access of HubArgs" in advice
    declared = Settings.model_validate({setting: "Disabled"}).hub
    assert isinstance(declared, HubArgs)
    properties = {PROPERTIES[name]: value for name, value in declared.declared(defaults=True).items()}
    assert violations("public-access", hub(**properties)) == []
