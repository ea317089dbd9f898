"""The resources as a program declares them: what is sent to the engine, what is secret, the outputs, and the frozen names."""

import base64
import inspect
import json
from pathlib import Path
from typing import Any

import dill
import pulumi
import pytest
from pulumi.runtime import mocks

from docs import constructor_arguments
from hubtrust import signer_inputs
from hubtrust.devices.roster import unpack
from hubtrust.devices.roster_files import from_pattern
from hubtrust.dynamic.authority_generation import AuthorityGeneration, AuthorityGenerationProvider
from hubtrust.dynamic.authority_request import AuthorityRequest, AuthorityRequestProvider
from hubtrust.dynamic.connection_check import ConnectionCheck, ConnectionCheckProvider
from hubtrust.dynamic.device_fleet import DeviceFleet, DeviceFleetProvider
from hubtrust.dynamic.device_identity import DeviceIdentity, DeviceIdentityProvider
from hubtrust.dynamic.enrollment_fleet import EnrollmentFleetEntries, EnrollmentFleetProvider
from hubtrust.dynamic.enrollment_group import EnrollmentGroupEntry, EnrollmentGroupProvider
from hubtrust.dynamic.evidence_records import EvidenceRecords, EvidenceRecordsProvider
from hubtrust.dynamic.hub_owner import HubOwner, HubOwnerProvider
from hubtrust.dynamic.individual_enrollment import IndividualEnrollmentEntry, IndividualEnrollmentProvider
from hubtrust.dynamic.issued_batch import IssuedBatch, IssuedBatchProvider
from hubtrust.dynamic.issued_certificate import IssuedCertificate, IssuedCertificateProvider
from hubtrust.dynamic.lifecycle import Reconciled, Reconciler
from hubtrust.dynamic.link_policy import LinkPolicy, LinkPolicyProvider
from hubtrust.dynamic.module_identity import ModuleIdentity, ModuleIdentityProvider
from hubtrust.dynamic.possession_proof import PossessionProof, PossessionProofProvider
from hubtrust.dynamic.signing_key import SigningKey, SigningKeyProvider
from hubtrust.dynamic.vault_access import VaultAccess, VaultAccessProvider
from hubtrust.dynamic.verified_certificate import VerifiedCertificate, VerifiedCertificateProvider
from hubtrust.inputs import wire_name

HUB = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/hub-7"

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}  # how a secret crosses


class Engine(mocks.Mocks):
    """Answers every registration with outputs as an engine would."""

    def __init__(self) -> None:
        self.registered: list[mocks.MockResourceArgs] = []
        self.more: dict[str, Any] = {}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """Record the registration, and return its outputs."""
        self.registered.append(args)
        return f"{args.name}-id", {
            "certificateName": "plant-a-g1-0123abcd",
            "notAfter": "2036-11-24T03:19:06Z",
            "state": "verified",
            **self.more,
        }

    def call(self, _args: mocks.MockCallArgs) -> dict[Any, Any]:
        """No function is called here."""
        return {}


@pytest.fixture
def engine() -> Engine:
    pulumi.runtime.settings.SETTINGS = pulumi.runtime.Settings("project", "stack")
    found = Engine()
    mocks.set_mocks(found, preview=False)
    return found


def test_inputs_are_sent_in_camel_case(engine: Engine) -> None:
    """Python's snake_case is sent as camelCase and returned as snake_case; an input that is not set is not sent."""

    @pulumi.runtime.test
    def declare() -> Any:
        created = VerifiedCertificate(
            "plant", service_id=HUB, certificate="PEM", name="plant-a", signer=signer_inputs.in_state("KEY", "word")
        )
        return pulumi.Output.all(created.certificate_name, created.not_after, created.state).apply(seen.append)

    seen: list[Any] = []
    declare()
    assert seen == [["plant-a-g1-0123abcd", "2036-11-24T03:19:06Z", "verified"]]
    sent = {name: value for name, value in engine.registered[0].inputs.items() if name != "__provider"}
    assert sent == {
        "serviceId": HUB,
        "certificate": "PEM",
        "name": "plant-a",
        "signer": {**SECRET, "value": {"custody": "state", "privateKey": "KEY", "passphrase": "word"}},
    }
    assert engine.registered[0].typ == "pulumi-python:dynamic/hubtrust:VerifiedCertificate"


@pytest.mark.parametrize("given", [signer_inputs.in_state("KEY"), signer_inputs.in_state("KEY", pulumi.Output.secret("word"))])
def test_a_signer_is_sent_as_a_secret(engine: Engine, given: Any) -> None:
    """The whole signer is sent as a secret, whether or not a part of it was one; the provider itself is not a secret."""

    @pulumi.runtime.test
    def declare() -> Any:
        return IssuedCertificate("issuing", profile="root", subject="CN=A", signer=given).certificate

    declare()
    sent = engine.registered[0].inputs
    assert sent["signer"].items() >= SECRET.items()
    assert isinstance(sent["__provider"], str)
    assert "KEY" not in str({name: value for name, value in sent.items() if name != "signer"})


@pytest.mark.parametrize("attest", [True, pulumi.Output.from_input(True)], ids=["known", "output"])
def test_attest_gives_a_warning(engine: Engine, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], attest: Any) -> None:
    """A program that sets `attest` gets one warning, whether its value is known at once or is another resource's output."""

    @pulumi.runtime.test
    def declare() -> Any:
        return VerifiedCertificate("plant", service_id=HUB, certificate="PEM", attest=attest).state

    declare()
    assert (capsys.readouterr().err + caplog.text).count("possession of its key is not proven") == 1
    assert engine.registered[0].inputs["attest"] is True


@pytest.mark.parametrize(("proof", "warned"), [("possession", False), ("attestation", False), ("key-held", True), ("found", True)])
def test_a_certificate_that_is_not_proven_gives_a_warning(
    engine: Engine, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], proof: str, warned: bool
) -> None:
    """In every run, with the value of `reprove` that proves it: a run without changes calls no provider that could say so."""
    engine.more = {"proof": proof, "etag": "E7"}

    @pulumi.runtime.test
    def declare() -> Any:
        return VerifiedCertificate("plant", service_id=HUB, certificate="PEM", signer=signer_inputs.offline()).state

    declare()
    printed = capsys.readouterr().err + caplog.text
    assert (f"proof is {proof}; to prove it, set reprove to 'E7'" in printed) is warned


def test_a_devices_tags_are_sent_unchanged(engine: Engine) -> None:
    """Names in tags keep their underscores, which Pulumi would rewrite; our tag names the stack and the resource."""

    @pulumi.runtime.test
    def declare() -> Any:
        return DeviceIdentity("press", hub_id=HUB, device_id="press-001", tags={"plant_line": "A"}, desired={"a_b": 1}).etag

    declare()
    sent = engine.registered[0].inputs
    assert (json.loads(sent["tags"]), json.loads(sent["desired"])) == ({"plant_line": "A"}, {"a_b": 1})
    urn = "urn:pulumi:stack::project::pulumi-python:dynamic/hubtrust:DeviceIdentity::press"
    assert (sent["owner"]["urn"], sent["owner"]["stack"].partition("/")[2]) == (urn, "project/stack")


def test_a_fleet_is_sent_as_one_text(engine: Engine) -> None:
    """A thousand devices are one short input."""

    @pulumi.runtime.test
    def declare() -> Any:
        return DeviceFleet("presses", hub_id=HUB, roster=from_pattern("press-{0001..1000}")).digest

    declare()
    sent = engine.registered[0].inputs
    assert len(unpack(sent["members"])) == 1000
    assert len(sent["members"]) < 200
    assert engine.registered[0].typ == "pulumi-python:dynamic/hubtrust:DeviceFleet"


def test_a_connection_checks_signer_is_a_secret(engine: Engine) -> None:
    """The signer is sent as a secret; a check that waits for a chain has no signer."""

    @pulumi.runtime.test
    def declare() -> Any:
        waiting = ConnectionCheck("later", hub_id=HUB, device_id="press-001", chain=pulumi.Output.from_input(None))
        created = ConnectionCheck("now", hub_id=HUB, device_id="press-001", chain="PEM", signer=signer_inputs.in_state("KEY"))
        return pulumi.Output.all(waiting.state, created.state)

    declare()
    by_name = {one.name: one.inputs for one in engine.registered}
    assert by_name["now"]["signer"].items() >= SECRET.items()
    assert "chain" not in {name for name, value in by_name["later"].items() if value is not None}


_OF_ENROLLMENTS = {
    *("serviceId", "hostName", "cloud", "deadline", "attestation", "thumbprints", "status", "edge", "hubs", "allocation", "webhookDigest"),
    *("reprovision", "tags", "desired", "etag", "created", "unread", "skip", "revokeDevices", "revoked", "left", "imported", "adopted"),
}
# Part of every user's state: a change here breaks the next run of everybody. A moved provider leaves a re-export behind.
PINS: dict[type[Reconciler[Any]], tuple[str, type[Reconciled], set[str]]] = {
    AuthorityGenerationProvider: (
        "hubtrust.dynamic.authority_generation",
        AuthorityGeneration,
        {"authority", "generation", "keepPrevious", "hubId", "hostName", "serviceId", "cloud", "devicesOf"},
    ),
    VerifiedCertificateProvider: (
        "hubtrust.dynamic.verified_certificate",
        VerifiedCertificate,
        {
            *("serviceId", "certificate", "name", "generation", "attest", "cloud", "deadline", "certificateName", "custody", "thumbprint"),
            *("sha256", "subject", "notAfter", "keyThumbprint", "etag", "code", "codeEtag", "ceremony", "state", "proof"),
            *("provenCode", "provenBy", "provenEtag", "provenAt", "proofs", "adopted", "imported"),
        },
    ),
    IssuedCertificateProvider: (
        "hubtrust.dynamic.issued_certificate",
        IssuedCertificate,
        {
            *(
                "profile",
                "subject",
                "deviceId",
                "moduleId",
                "issuerCertificate",
                "pathLength",
                "lifetimeDays",
                "renewBeforeDays",
                "custody",
            ),
            *("certificate", "chain", "issuer", "serial", "thumbprint", "sha256", "notBefore", "notAfter", "renewAt", "key"),
            *("keyThumbprint", "keySince", "issuerKeyThumbprint"),
        },
    ),
    SigningKeyProvider: (
        "hubtrust.dynamic.signing_key",
        SigningKey,
        {"custody", "declared", "reference", "publicKey", "keyThumbprint", "key", "hardware", "created", "subject", "request"},
    ),
    AuthorityRequestProvider: (
        "hubtrust.dynamic.authority_request",
        AuthorityRequest,
        {"custody", "subject", "keyThumbprint", "request"},
    ),
    PossessionProofProvider: (
        "hubtrust.dynamic.possession_proof",
        PossessionProof,
        {"certificate", "cloud", "proof", "proofCode"},
    ),
    DeviceIdentityProvider: (
        "hubtrust.dynamic.device_identity",
        DeviceIdentity,
        {
            *("hubId", "hostName", "owner", "cloud", "deadline", "deviceId", "status", "reason", "edge", "thumbprints", "tags", "desired"),
            *("authentication", "etag", "deviceEtag", "lastWrite", "parentScope", "deviceScope", "skip", "unread", "imported", "adopted"),
        },
    ),
    ModuleIdentityProvider: (
        "hubtrust.dynamic.module_identity",
        ModuleIdentity,
        {
            *("hubId", "hostName", "owner", "cloud", "deadline", "deviceId", "moduleId", "thumbprints", "tags", "desired"),
            *("authentication", "etag", "moduleEtag", "unread", "imported"),
        },
    ),
    DeviceFleetProvider: (
        "hubtrust.dynamic.device_fleet",
        DeviceFleet,
        {
            *("hubId", "hostName", "owner", "cloud", "deadline", "tagNames", "desiredNames", "count", "enabled", "digest"),
            *("exceptions", "lastWrite", "members", "unread", "imported", "adopted"),
        },
    ),
    EnrollmentFleetProvider: (
        "hubtrust.dynamic.enrollment_fleet",
        EnrollmentFleetEntries,
        {
            *("serviceId", "hostName", "cloud", "deadline", "fleetName", "recorded", "count", "enabled", "digest", "exceptions"),
            *("lastWrite", "unread", "imported", "adopted"),
        },
    ),
    EnrollmentGroupProvider: ("hubtrust.dynamic.enrollment_group", EnrollmentGroupEntry, _OF_ENROLLMENTS | {"groupId", "caReferences"}),
    IndividualEnrollmentProvider: (
        "hubtrust.dynamic.individual_enrollment",
        IndividualEnrollmentEntry,
        _OF_ENROLLMENTS | {"registrationId", "deviceId"},
    ),
    LinkPolicyProvider: (
        "hubtrust.dynamic.link_policy",
        LinkPolicy,
        {"cloud", "connectionString", "deadline", "hostName", "hubId", "location", "make", "policyName"},
    ),
    VaultAccessProvider: ("hubtrust.dynamic.vault_access", VaultAccess, {"uri", "roles"}),
    EvidenceRecordsProvider: (
        "hubtrust.dynamic.evidence_records",
        EvidenceRecords,
        {"stack", "file", "facts", "log", "size", "rootHash"},
    ),
    HubOwnerProvider: ("hubtrust.dynamic.hub_owner", HubOwner, {"stack", "created", "token", "wholeHub"}),
    IssuedBatchProvider: (
        "hubtrust.dynamic.issued_batch",
        IssuedBatch,
        {"certificates", "issuerChain", "lifetimeDays", "renewBeforeDays", "custody", "count", "renewAt"},
    ),
    ConnectionCheckProvider: (
        "hubtrust.dynamic.connection_check",
        ConnectionCheck,
        {
            "hubId",
            "hostName",
            "deviceId",
            "cloud",
            "state",
            "reason",
            "certificationPath",
            "trigger",
            "connectedAt",
            "validUntil",
            "serviceId",
            "assignedHub",
            "deviceEtag",
        },
    ),
}


@pytest.mark.parametrize("provider", PINS, ids=lambda kind: kind.__name__)
def test_names_in_the_state_are_frozen(provider: type[Reconciler[Any]]) -> None:
    """Module path, token, output keys and the pickle (a name, without anything captured) are pinned."""
    module, resource, outputs = PINS[provider]
    assert provider.__module__ == module
    assert provider.outputs == outputs
    assert resource._resource_type_name == f"dynamic/hubtrust:{resource.__name__}"
    from pulumi.dynamic.dynamic import serialize_provider

    pickled = serialize_provider(provider())
    assert len(pickled) < 150
    assert type(dill.loads(base64.b64decode(pickled))) is provider  # noqa: S301 - our own, made a line above
    assert provider.serialize_as_secret_always is False
    assert provider().__dict__ == {}


@pytest.mark.parametrize("provider", PINS, ids=lambda kind: kind.__name__)
def test_no_secret_input_is_an_output(provider: type[Reconciler[Any]]) -> None:
    """A secret input is never an output, and an output that is not declared is refused."""
    assert provider.secret_inputs & provider.outputs == set()
    assert provider.secret_inputs <= {wire_name(name) for name in provider.inputs.declarations()}
    with pytest.raises(AssertionError, match="has no outputs"):
        provider()._allowed_outputs({"privateKey": "KEY"})


@pytest.mark.parametrize("provider", PINS, ids=lambda kind: kind.__name__)
def test_a_constructor_takes_the_declared_inputs(provider: type[Reconciler[Any]]) -> None:
    """Each declared input is a documented argument of the constructor, required where the input is; there are no other arguments."""
    resource = PINS[provider][1]
    declared = {one.argument or name: one for name, one in provider.inputs.declarations().items() if one.argument != ""}
    taken = dict(inspect.signature(resource.__init__).parameters)
    for name in ("self", "resource_name", "opts"):
        del taken[name]
    assert taken.keys() == declared.keys()
    for name, one in declared.items():
        assert (taken[name].default is inspect.Parameter.empty) == one.required
        assert one.doc.endswith((".", "…"))


def test_editors_show_the_declared_documentation() -> None:
    """The docstring of each constructor, in its source, is what the inputs declare: `make docs` would change nothing."""
    found = list(constructor_arguments.resources())
    assert {one.__name__ for one in found} == {resource.__name__ for _, resource, _ in PINS.values()}
    for resource in found:
        source = Path(inspect.getfile(resource)).read_text(encoding="utf-8")
        assert constructor_arguments.written(source, resource) == source, f"{resource.__name__}: run `make docs`"


@pytest.mark.parametrize("provider", PINS, ids=lambda kind: kind.__name__)
def test_every_output_is_an_attribute(provider: type[Reconciler[Any]]) -> None:
    """The outputs of a resource, inputs that are kept among them, are annotated: checkers and editors know no others."""
    annotated = {wire_name(name) for base in PINS[provider][1].__mro__[:-1] for name in inspect.get_annotations(base)}
    assert provider.outputs - annotated == set()


@pytest.mark.parametrize("provider", PINS, ids=lambda kind: kind.__name__)
def test_a_resources_file_says_where_its_inputs_are_declared(provider: type[Reconciler[Any]]) -> None:
    """The docstring of the module names each class that declares inputs of the resource, and its file where that is another one."""
    text = str(inspect.getmodule(provider).__doc__)
    for declaring in provider.inputs.__mro__:
        if inspect.get_annotations(declaring).keys() & provider.inputs.declarations().keys():
            assert f"``{declaring.__name__}``" in text
            assert declaring.__module__ == provider.__module__ or f"``{declaring.__module__.replace('.', '/')}.py``" in text


@pytest.mark.parametrize("provider", PINS, ids=lambda kind: kind.__name__)
def test_the_frozen_lists_are_the_declared_ones(provider: type[Reconciler[Any]]) -> None:
    """The output keys of each resource are those that ARCHITECTURE.md lists."""
    page = (Path(__file__).parents[2] / "ARCHITECTURE.md").read_text()
    line = next(one for one in page.splitlines() if one.startswith(f"Output keys of `{PINS[provider][1].__name__}`: "))
    assert set(line.partition(": ")[2].rstrip(".").split(", ")) == provider.outputs
