"""What the components declare: parents and dependencies, what is protected, what is secret, and the frozen type tokens."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pulumi
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from pulumi.runtime import mocks

from hubtrust.authority import AuthorityError, CertificateAuthority, Generate, Import, Request, Trust
from hubtrust.device import DeviceError, TrustedDevice
from hubtrust.devices.roster import Roster, RosterError
from hubtrust.devices.roster_files import from_pattern
from hubtrust.fleet import FleetDeclarationError, TrustedFleet
from hubtrust.hub import TrustedHub
from hubtrust.hub_args import HubArgs
from hubtrust.hub_kinds import HubIdError
from hubtrust.pki import issue
from hubtrust.pki.keys import load_private_key
from hubtrust.pki.signers import KeyInMemory
from hubtrust.proven_authorities import SameNameError
from hubtrust.replaced_arguments import ReplacedArgumentError
from tests.kit.authorities import ABSENT, Forged, ec_key, hierarchy, name, parsed, pem_of, private_pem
from tests.kit.device_certificates import signing_request
from tests.kit.remembering_engine import HUB, OPERATOR, PROVEN_AT, TOKEN, Engine, Monitor
from tests.kit.root_authority import RootAuthority

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}  # how the engine marks a secret


_HUB = "azure-native:iothub:IotHubResource"
_GROUP = "azure-native:resources:ResourceGroup"
_ROLE = "azure-native:authorization:RoleAssignment"
_ROOT = "tls:index/selfSignedCert:SelfSignedCert"
_ISSUED = "pulumi-python:dynamic/hubtrust:IssuedCertificate"
_VERIFIED = "pulumi-python:dynamic/hubtrust:VerifiedCertificate"
_OWNER = "pulumi-python:dynamic/hubtrust:HubOwner"


def declare(source: Any = None, *, trust: Trust = Trust.ISSUING, generation: int = 1, **hub: Any) -> dict[str, Any]:
    """An authority and a hub that trusts it; returns their outputs."""
    seen: list[dict[str, Any]] = []

    @pulumi.runtime.test
    def program() -> Any:
        authority = CertificateAuthority("plant", source=source or Generate(common_name="Plant"), generation=generation, trust=trust)
        created = TrustedHub("plant", authorities=[authority], **hub)
        return pulumi.Output.all(trust=created.trust, host=created.host_name, request=authority.certificate_request).apply(seen.append)

    program()
    return seen[0]


def test_a_preview_of_a_change_of_the_hub_knows_its_host_name(engine: Engine) -> None:
    """The engine knows a hub's id then, and not its properties: what is on the hub is shown as changed only if it changes."""
    mocks.set_mocks(engine, preview=True, monitor=Monitor(engine))
    engine.properties = None
    assert declare()["host"] == "hub-7.azure-devices.net"


def test_type_tokens_are_frozen(engine: Engine) -> None:
    """The components' type tokens are in every user's state."""
    declare()
    assert {kind for kind in engine.registered if kind.startswith("hubtrust:")} == {
        "hubtrust:index:CertificateAuthority",
        "hubtrust:index:TrustedHub",
    }


@pytest.mark.parametrize("protect", [True, False])
def test_the_hub_is_protected_and_its_children_are_not(engine: Engine, protect: bool) -> None:
    """The hub and its resource group as declared; certificates and roles may always be replaced."""
    declare(hub=HubArgs(protect=protect), operators=[OPERATOR])
    assert {kind: engine.request(kind).protect for kind in (_HUB, _GROUP, _VERIFIED, _ROLE)} == {
        _HUB: protect,
        _GROUP: protect,
        _VERIFIED: False,
        _ROLE: False,
    }


def test_children_have_their_component_as_parent_and_are_deleted_with_the_hub(engine: Engine) -> None:
    """Parents are the components; what belongs to the hub is not deleted one by one when the hub is."""
    declare(operators=[OPERATOR])
    for kind in (_HUB, _GROUP, _VERIFIED, _ROLE):
        assert engine.request(kind).parent.endswith("$hubtrust:index:TrustedHub::plant")
    for kind in (_ROOT, _ISSUED):
        assert engine.request(kind).parent.endswith("$hubtrust:index:CertificateAuthority::plant")
    for kind in (_VERIFIED, _ROLE):
        assert engine.request(kind).deletedWith.endswith(f"${_HUB}::plant")


def test_a_hub_is_secure_by_default(engine: Engine) -> None:
    """TLS 1.2 at least, and no shared access keys for services, devices or modules."""
    declare()
    assert engine.inputs(_HUB)["properties"] == {
        "minTlsVersion": "1.2",
        "disableLocalAuth": True,
        "disableDeviceSAS": True,
        "disableModuleSAS": True,
    }


def test_a_hub_has_its_owners_name_and_tag(engine: Engine) -> None:
    """Generated names end with the owner's token; a name that is given is not generated; hub and group have the tag in any case."""
    declare(hub=HubArgs(tags={"team": "a"}))
    assert engine.inputs(_OWNER)["stack"].endswith("/project/stack")
    tags = {"team": "a", "hubtrust": f"{engine.inputs(_OWNER)['stack']} {TOKEN}"}
    assert (engine.inputs(_HUB)["resourceName"], engine.inputs(_HUB)["tags"]) == (f"plant{TOKEN[:8]}", tags)
    assert (engine.inputs(_GROUP)["resourceGroupName"], engine.inputs(_GROUP)["tags"]) == (f"plant{TOKEN[:8]}", tags)
    assert "resourceName" in engine.request(_HUB).ignoreChanges
    declare(hub=HubArgs(name="mine", resource_group="g"))
    assert (engine.inputs(_HUB)["resourceName"], engine.inputs(_HUB)["tags"].keys()) == ("mine", {"hubtrust"})
    assert "resourceName" not in engine.request(_HUB).ignoreChanges


def test_operators_get_the_data_role_and_nobody_else(engine: Engine) -> None:
    """A role assignment for each operator, of its principal type, on this hub; without operators there is no assignment."""
    declare()
    assert _ROLE not in engine.registered
    declare(operators=[f"Group:{OPERATOR}"])
    sent = engine.inputs(_ROLE)
    assert (sent["principalId"], sent["principalType"], sent["scope"]) == (OPERATOR, "Group", HUB)
    assert sent["roleDefinitionId"].endswith("/roleDefinitions/4fc6c259-987e-4a07-842e-c321cc9d413f")


@pytest.mark.parametrize("intermediates", [1, 2, 5])
def test_path_lengths_are_set(engine: Engine, intermediates: int) -> None:
    """The root allows as many CAs as there are below it; the issuing CA allows no CA below it."""
    declare(Generate(common_name="Plant", intermediates=intermediates))
    root = engine.inputs(_ROOT)
    assert (root["maxPathLength"], root["setSubjectKeyId"]) == (intermediates, True)
    assert engine.inputs(_ISSUED, "plant-g1-issuing")["pathLength"] == 0


def test_a_root_that_signs_devices_is_issued_here(engine: Engine) -> None:
    """By IssuedCertificate, because pulumi-tls can't set a path length of 0."""
    declare(Generate(common_name="Plant", intermediates=0))
    assert _ROOT not in engine.registered
    sent = engine.inputs(_ISSUED)
    assert (sent["profile"], sent["pathLength"]) == ("root", 0)


def test_keys_are_secrets(engine: Engine) -> None:
    """The input `signer` of IssuedCertificate and VerifiedCertificate is a secret."""
    declare()
    for kind in (_ISSUED, _VERIFIED):
        assert engine.inputs(kind)["signer"].items() >= SECRET.items()


def test_a_requested_ca_waits_for_its_certificate(engine: Engine) -> None:
    """Until there is an answer, there is a CSR as an output, no certificate on the hub, and no proof."""
    engine.certificate |= {"request": "CSR"}
    printed = declare(Request(common_name="Plant", organization="Contoso"))
    assert _VERIFIED not in engine.registered
    assert printed["request"] == "CSR"
    asked = engine.inputs("pulumi-python:dynamic/hubtrust:AuthorityRequest")
    assert (asked["subject"], asked["signer"].items() >= SECRET.items()) == ("CN=Plant,O=Contoso", True)
    assert [(one["state"], one["verified"], one["proof"]) for one in printed["trust"]] == [("waiting", False, None)]


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"authority": ABSENT, "usage": ABSENT}, "it is not a CA: basicConstraints is missing"),
        ({"authority": False, "usage": False}, "it is not a CA: basicConstraints has cA false"),
        ({"usage": False}, "its key usage lacks keyCertSign"),
    ],
    ids=["a leaf without extensions", "a leaf", "without keyCertSign"],
)
def test_an_answer_that_is_no_ca_is_refused(engine: Engine, wrong: dict[str, Any], match: str) -> None:
    """The authority issued something else than was asked for; the error says what it returned, and how to have it issued."""
    now = datetime.now(UTC)
    returned = Forged(subject="Plant", issuer=Forged(subject="Root"), start=now, end=now + timedelta(days=9), **wrong).certificate
    with pytest.raises(AuthorityError) as refused:
        declare(Request(common_name="Plant", answer=pem_of(returned)))
    assert match in refused.value.fact
    assert refused.value.remedy.startswith("have the request issued as a CA, as it asks for")
    assert _VERIFIED not in engine.registered


def test_a_request_is_no_answer_to_itself(engine: Engine) -> None:
    """The error says what it is."""
    with pytest.raises(AuthorityError, match="it contains a CERTIFICATE REQUEST; give the certificate that the authority issued for"):
        declare(Request(common_name="Plant", answer=issue.request(KeyInMemory(ec_key()), subject=name("Plant")).pem))
    assert _VERIFIED not in engine.registered


@pytest.mark.parametrize(
    ("outs", "shown"),
    [
        ({}, {"proof": "possession", "provenAt": PROVEN_AT, "code": None, "ceremony": None}),
        ({"proof": "key-held"}, {"proof": "key-held", "provenAt": None}),
        ({"proof": "found", "code": "AB", "ceremony": "openssl"}, {"proof": "found", "code": "AB", "ceremony": "openssl"}),
        ({"state": "waiting", "proof": None, "code": "AB"}, {"verified": False, "proof": None, "code": "AB", "provenAt": None}),
    ],
    ids=["proven", "changed since", "its ceremony was overtaken", "waiting"],
)
@pytest.mark.parametrize("preview", [False, True])
def test_the_output_trust_says_what_is_known(engine: Engine, outs: dict[str, Any], shown: dict[str, Any], preview: bool) -> None:
    """For each certificate what Azure says, its etag, and how it was verified. The date of a proof is shown only while the proof holds."""
    engine.certificate = {name: value for name, value in (engine.certificate | outs).items() if value is not None}
    mocks.set_mocks(engine, preview=preview, monitor=Monitor(engine))
    (printed,) = declare()["trust"]
    expected = {"state": "verified", "verified": True, "etag": "E1"} | {"state": outs.get("state", "verified")} | shown
    assert {name: printed[name] for name in expected} == expected


def test_the_certificate_to_prove_again_is_named(engine: Engine) -> None:
    """`reprove` reaches every certificate of the hub: only the one with that etag is proven again."""
    declare()
    assert "reprove" not in engine.inputs(_VERIFIED)
    declare(reprove="E1")
    assert engine.inputs(_VERIFIED)["reprove"] == "E1"


def test_an_existing_hub_is_not_managed(engine: Engine) -> None:
    """Only its certificate is declared."""
    printed = declare(hub=HUB)
    assert printed["host"] == "hub-7.azure-devices.net"
    assert not {_HUB, _GROUP, _ROLE} & engine.registered
    assert engine.inputs(_VERIFIED)["serviceId"] == HUB


def test_an_invalid_hub_id_is_refused(engine: Engine) -> None:
    """The error shows the valid form of the id."""
    with pytest.raises(HubIdError, match="it is not the resource id of an IoT hub; use /subscriptions/"):
        TrustedHub.existing("plant", "/subscriptions/s/resourceGroups/g", authorities=[])
    assert _HUB not in engine.registered


@pytest.mark.parametrize(
    ("source", "match"),
    [
        (Generate(common_name="Plant", root_days=30, root_renew_before_days=30), "it is 30, but .* is only 30; use a smaller"),
        (Import(chain="noise"), "the imported chain: it contains no certificate, key or request; give PEM"),
        (
            Import(chain=RootAuthority().pem + RootAuthority("B").pem),
            "the imported chain: it contains 2 chains, .*give one chain, not a bundle",
        ),
        (Import(chain=RootAuthority().pem, private_key=RootAuthority().private_pem), "it belongs to none of 'CN=Plant A'"),
        (Request(common_name="4F2A91C0" * 6), "its common name has the form of an Azure verification code"),
        (Request(common_name="Plant", answer="noise"), "the answer to the certificate request: it contains no certificate, key or request"),
        (
            Generate(common_name="x" * 65, intermediates=0),
            "a name in it is empty or longer than 64 characters .*; use names of 1 to 64 characters",
        ),
    ],
)
def test_an_invalid_authority_is_one_line(engine: Engine, source: Any, match: str) -> None:
    """A RunError, which Pulumi shows without a traceback, before any certificate on the hub is declared."""
    with pytest.raises(AuthorityError, match=match) as caught:
        CertificateAuthority("plant", source=source)
    assert isinstance(caught.value, pulumi.RunError)
    assert ("\n" in str(caught.value), "PRIVATE" in str(caught.value)) == (False, False)
    assert _VERIFIED not in engine.registered


def test_an_authority_is_imported_in_any_encoding(engine: Engine) -> None:
    """Files as they are: DER and an encrypted key, or one PKCS#12 file. What is declared is PEM, and the key is a secret."""
    ca = RootAuthority()
    own, secret = parsed(ca.certificate), serialization.BestAvailableEncryption(b"horse")
    file = pkcs12.serialize_key_and_certificates(None, ca.key, own, None, secret)
    locked = ca.key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, secret)
    for chain, key, passphrase in (
        (ca.certificate.der, locked, "horse"),
        (file, file, None),
        (base64.b64encode(file).decode(), file, None),
    ):
        declare(Import(chain=chain, private_key=key, passphrase="horse"))
        given = engine.inputs(_VERIFIED)
        assert given["certificate"] == ca.pem
        assert given["signer"].items() >= SECRET.items()
        signer = given["signer"]["value"]["privateKey"], given["signer"]["value"].get("passphrase")
        assert load_private_key(signer[0], what="the key", passphrase=signer[1]).public_key() == ca.key.public_key()
        assert (signer[0].startswith("-----BEGIN ENCRYPTED"), signer[1]) == (passphrase is not None, passphrase)
    with pytest.raises(AuthorityError, match="the imported key: the passphrase does not open this PKCS#12 file"):
        declare(Import(chain=file, private_key=file, passphrase="cow"))


def test_two_authorities_with_one_name_are_refused(engine: Engine) -> None:
    """Also the same authority given twice; no hub is declared."""
    plant = CertificateAuthority("plant", source=Generate(common_name="Plant"))
    with pytest.raises(SameNameError, match="the authorities of 'hub': two of them are called 'plant'; give each authority its own name"):
        TrustedHub("hub", authorities=[plant, plant])
    assert _HUB not in engine.registered


@pytest.mark.parametrize(
    ("generation", "remedy"),
    [(2, "use drop_generation=1, which applies to that generation only"), (1, "leave it out: no generation is dropped")],
)
def test_the_argument_of_an_earlier_version_names_its_successor(engine: Engine, generation: int, remedy: str) -> None:
    """`drop_previous` held for every later rotation too."""
    with pytest.raises(ReplacedArgumentError, match=f"there is no argument drop_previous any more; {remedy}"):
        declare(generation=generation, drop_previous=True)
    assert _HUB not in engine.registered


def test_a_generation_is_dropped_after_the_next_one_is_trusted(engine: Engine) -> None:
    """The check for devices that depend on it comes after the certificates: if it refuses, devices can move."""
    declare(drop_generation={"plant": 1})
    sent = engine.request("pulumi-python:dynamic/hubtrust:AuthorityGeneration", "plant-plant")
    assert any(_VERIFIED in urn for urn in sent.dependencies)
    assert engine.inputs("pulumi-python:dynamic/hubtrust:AuthorityGeneration", "plant-plant")["dropGeneration"] == 1


_FLEET = "pulumi-python:dynamic/hubtrust:DeviceFleet"
_IDENTITY = "pulumi-python:dynamic/hubtrust:DeviceIdentity"
_CHECK = "pulumi-python:dynamic/hubtrust:ConnectionCheck"


def declare_fleet(**fleet: Any) -> dict[str, Any]:
    """A fleet on a trusted hub; returns its outputs."""
    seen: list[dict[str, Any]] = []

    @pulumi.runtime.test
    def program() -> Any:
        authority = CertificateAuthority("plant", source=Generate(common_name="Plant"))
        hub = TrustedHub("plant", authorities=[authority])
        created = TrustedFleet("plant", hub=hub, authority=authority, **fleet)
        return pulumi.Output.all(devices=created.devices, connection=created.connection).apply(seen.append)

    program()
    return seen[0]


def test_a_fleet_belongs_to_its_hub_and_ends_with_a_connection(engine: Engine) -> None:
    """Created after the hub's certificates and roles, deleted with the hub; the canary is in the roster, so it needs no identity."""
    declare_fleet(roster=from_pattern("press-{1..3}"), canary="press-1")
    assert "hubtrust:index:TrustedFleet" in engine.registered
    assert _IDENTITY not in engine.registered
    for kind in (_FLEET, _CHECK):
        sent = engine.request(kind)
        assert sent.parent.endswith("$hubtrust:index:TrustedFleet::plant")
        assert sent.deletedWith.endswith(f"${_HUB}::plant")
        assert any(_VERIFIED in urn for urn in sent.dependencies)
    assert (engine.inputs(_CHECK)["deviceId"], engine.inputs(_CHECK)["enabled"]) == ("press-1", True)
    assert engine.inputs(_CHECK)["signer"].items() >= SECRET.items()


def test_a_canary_outside_the_fleet_gets_an_identity(engine: Engine) -> None:
    """A canary that is not in the roster is a DeviceIdentity."""
    declare_fleet(roster=from_pattern("press-{1..3}"), canary="canary", check=False)
    assert (engine.inputs(_IDENTITY)["deviceId"], engine.inputs(_CHECK)["enabled"]) == ("canary", False)


@pytest.mark.parametrize(("check", "reason"), [(None, "public network access is disabled"), (True, None), (False, None)])
def test_a_private_hub_is_not_connected_to_unless_the_program_says_so(engine: Engine, check: bool | None, reason: str | None) -> None:
    """The canary's own identity is not written either: both say why."""

    @pulumi.runtime.test
    def program() -> Any:
        authority = CertificateAuthority("plant", source=Generate(common_name="Plant"))
        hub = TrustedHub("plant", authorities=[authority])
        hub.public_network_access = pulumi.Output.from_input("Disabled")
        return TrustedFleet("plant", hub=hub, authority=authority, canary="canary", check=check).connection

    program()
    for kind in (_IDENTITY, _CHECK):
        said = engine.inputs(kind).get("skip")
        assert (reason in said) if reason else said is None
    assert engine.inputs(_CHECK)["enabled"] is (check is not False)


@pytest.mark.usefixtures("engine")
def test_a_canary_needs_a_hub_that_trusts_its_authority() -> None:
    """Otherwise it could never connect; nothing is declared of its devices."""

    @pulumi.runtime.test
    def program() -> Any:
        other = CertificateAuthority("other", source=Generate(common_name="Other"))
        hub = TrustedHub("plant", authorities=[CertificateAuthority("plant", source=Generate(common_name="Plant"))])
        return TrustedFleet("plant", hub=hub, authority=other, canary="canary").devices

    with pytest.raises(
        FleetDeclarationError, match="its hub does not trust the authority 'other', so its canary could never connect; name"
    ):
        program()


def test_an_empty_fleet_is_declared(engine: Engine) -> None:
    """Without it, the devices of the last run would be deleted with the resource, and nothing could refuse; there is no other resource."""
    printed = declare_fleet()
    assert not {_IDENTITY, _CHECK} & engine.registered
    assert engine.inputs(_FLEET)["members"] == Roster(()).pack()
    assert printed["devices"] == {"count": 0, "enabled": 0, "digest": None}
    assert (printed["connection"]["state"], printed["connection"]["reason"]) == ("not checked", "no canary is declared")


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(("roster", "fact"), [(["press-1"], "a list"), ("press-1", "a text"), ({"press-1": {}}, "an object")])
def test_a_fleet_takes_a_roster_and_nothing_else(roster: Any, fact: str) -> None:
    """The error says how to get one."""
    with pytest.raises(RosterError, match=f"roster: it is {fact}; give what from_file, from_ids or from_pattern returns"):
        declare_fleet(roster=roster)


def test_what_a_fleet_may_lose_and_take_is_passed_on(engine: Engine) -> None:
    """To the fleet; what may be taken over to the canary too."""
    declare_fleet(canary="canary", adopt=["canary"], no_devices=True, delete_devices=7)
    sent = engine.inputs(_FLEET)
    assert (sent["noDevices"], sent["deleteDevices"], sent["adopt"]) == (True, 7, ["canary"])
    assert engine.inputs(_IDENTITY)["adopt"] == ["canary"]


@pytest.mark.parametrize(("client", "kind"), [("04b07795-8ddb-461a-bbee-02f9e1bf7b46", "User"), ("c", "ServicePrincipal")])
def test_the_deployer_can_be_an_operator(engine: Engine, client: str, kind: str) -> None:
    """The identity that runs the program, as azure-native reports it: a user logged in with the az CLI, or an application."""
    engine.client = client
    declare(operators=["deployer"])
    sent = engine.inputs(_ROLE)
    assert (sent["principalId"], sent["principalType"]) == (OPERATOR, kind)


def declare_device(**device: Any) -> dict[str, Any]:
    """A device on a trusted hub; returns its outputs."""
    seen: list[dict[str, Any]] = []

    @pulumi.runtime.test
    def program() -> Any:
        authority = CertificateAuthority("plant", source=Generate(common_name="Plant"))
        hub = TrustedHub("plant", authorities=[authority])
        created = TrustedDevice("press-001", hub=hub, authority=authority, **device)
        return pulumi.Output.all(chain=created.chain, key=created.private_key).apply(seen.append)

    program()
    return seen[0]


def test_a_device_with_its_own_request(engine: Engine) -> None:
    """The CSR is an input, the public chain is an output, and no key is generated."""
    request = signing_request("press-001")
    printed = declare_device(request=request, tags={"plant": "A"})
    sent = engine.inputs(_ISSUED, "press-001")
    assert (sent["profile"], sent["deviceId"], sent["request"]) == ("device", "press-001", request)
    assert engine.inputs(_IDENTITY)["deviceId"] == "press-001"
    assert printed == {"chain": "PEM", "key": None}


def test_a_generated_device_key_gives_a_warning(
    engine: Engine, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """For demos and tests: a warning, and the key is a secret."""
    declare_device(make_key=True)
    assert "its key is generated here and kept in the state, for demos and tests only" in capsys.readouterr().err + caplog.text
    assert engine.inputs(_ISSUED, "press-001")["publicKey"] == "PUBLIC"


def test_a_device_under_a_ca_that_its_hub_does_not_trust_is_refused(engine: Engine) -> None:
    """It could never connect. One whose chain leads to a trusted CA can, and nobody here knows whom an existing hub trusts besides."""
    made = hierarchy()
    root, below = pem_of(made.up[-1]), pem_of(*made.up)
    key = private_pem(made.issuing.signer._private_key)  # type: ignore[attr-defined]

    @pulumi.runtime.test
    def program() -> None:
        trusted = CertificateAuthority("plant", source=Generate(common_name="Plant"), generation=2, keep_previous=True)
        top = CertificateAuthority("top", source=Import(chain=root))
        other = CertificateAuthority("other", source=Generate(common_name="Other"))
        subordinate = CertificateAuthority("subordinate", source=Import(chain=below, private_key=key))
        hub = TrustedHub("plant", authorities=[trusted, top])
        TrustedDevice("press-001", hub=hub, authority=trusted, make_key=True)
        TrustedDevice("press-002", hub=hub, authority=subordinate, make_key=True)
        TrustedDevice("press-003", hub=hub, thumbprints=["AB" * 20])
        match = "device 'press-004': its hub does not trust the authority 'other', .*; name 'other' in the hub's authorities"
        for options in ({"make_key": True}, {"request": signing_request("press-004")}):
            with pytest.raises(DeviceError, match=match):
                TrustedDevice("press-004", hub=hub, authority=other, **options)  # type: ignore[arg-type]
        strange = TrustedHub("strange", authorities=[other])
        with pytest.raises(DeviceError, match="its hub does not trust the authority 'subordinate'"):
            TrustedDevice("press-005", hub=strange, authority=subordinate, make_key=True)
        there = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/hub-7"
        for authorities in ([], [trusted]):
            existing = TrustedHub.existing(f"there-{len(authorities)}", there, authorities=authorities)
            TrustedDevice(f"press-1{len(authorities)}", hub=existing, authority=other, make_key=True)

    program()
    assert engine.names >= {"press-001", "press-002", "press-003", "press-10", "press-11"}


def test_a_ca_without_a_certificate_signs_no_device(engine: Engine) -> None:
    """A CA that waits for its certificate can't sign device certificates."""

    @pulumi.runtime.test
    def program() -> None:
        authority = CertificateAuthority("plant", source=Request(common_name="Plant"))
        hub = TrustedHub("plant", authorities=[authority])
        with pytest.raises(DeviceError, match="the key that signs device certificates is not here"):
            TrustedDevice("press-001", hub=hub, authority=authority, request="CSR")

    program()
    assert _IDENTITY not in engine.registered


def rotated(source: Any, **rest: Any) -> list[dict[str, Any]]:
    """The certificates that a hub trusts of an authority of generation 2."""
    seen: list[Any] = []

    @pulumi.runtime.test
    def program() -> Any:
        authority = CertificateAuthority("plant", source=source, generation=2, **rest)
        return TrustedHub("plant", authorities=[authority]).trust.apply(seen.append)

    program()
    return list(seen[0])


def test_two_generations_are_declared_side_by_side(engine: Engine) -> None:
    """A kept generation is declared with the names it had, so nothing of it changes; the new generation is first in the outputs."""
    rotated(Generate(common_name="Plant"))
    alone = set(engine.names)
    assert {"plant-g2-root-key", "plant-plant-g2"} < alone
    assert not [name for name in alone if "-g1" in name]
    trusted = rotated(Generate(common_name="Plant"), keep_previous=True)
    assert engine.names - alone == {name.replace("g2", "g1") for name in alone if "g2" in name}
    assert len(trusted) == 2
    kept, new = (list(engine.request("tls:index/privateKey:PrivateKey", f"plant-g{number}-issuing-key").ignoreChanges) for number in (1, 2))
    assert (kept, new) == (["algorithm", "ecdsaCurve", "rsaBits"], []), "another algorithm is for the next keys, not for those that exist"
    assert all(engine.request(_VERIFIED, f"plant-plant-g{number}").dependencies for number in (1, 2)), (
        "certificates are declared after the check of the generations"
    )


def test_an_imported_authority_keeps_its_previous_chain(engine: Engine) -> None:
    """The previous chain is an input without its key, because it is proven already."""
    old, new = RootAuthority("Old"), RootAuthority("New")
    trusted = rotated(Import(chain=new.pem, private_key=new.private_pem), keep_previous=True, previous=Import(chain=old.pem))
    assert len(trusted) == 2
    assert {"plant-plant-g1", "plant-plant-g2"} <= engine.names


@pytest.mark.parametrize(
    ("source", "options", "match"),
    [
        (Generate(common_name="P"), {"generation": 1, "keep_previous": True}, "generation 1 has no previous one; remove keep_previous"),
        (
            Import(chain=RootAuthority().pem),
            {"generation": 2, "keep_previous": True},
            "the previous chain is missing; give it as previous",
        ),
        (
            Request(common_name="P"),
            {"generation": 2},
            "its certificate request has no answer yet, so nothing would be trusted; keep",
        ),
    ],
)
def test_an_invalid_rotation_is_refused(engine: Engine, source: Any, options: dict[str, Any], match: str) -> None:
    """In one line, before any of its resources is declared."""
    with pytest.raises(AuthorityError, match=match):
        CertificateAuthority("plant", source=source, **options)
    assert _VERIFIED not in engine.registered
