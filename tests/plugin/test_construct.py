"""Construct over gRPC: every component from values of the wire, in a preview and an up, with unknowns, secrets and references."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc
from pulumi.runtime.rpc import (
    UNKNOWN,
    _special_asset_sig,
    _special_output_value_sig,
    _special_resource_sig,
    _special_secret_sig,
    _special_sig_key,
)

from hubtrust import component_outputs
from hubtrust.inputs import wire_name
from hubtrust.plugin.components import COMPONENTS, PROVE, component_of
from tests.kit.authorities import hierarchy, leaf, pem_of, private_pem
from tests.kit.remembering_engine import HUB, OPERATOR, SERVICE, is_secret
from tests.plugin.recording_monitor import RecordingMonitor

_MADE = hierarchy()
_KEY = private_pem(_MADE.issuing.signer._private_key)  # type: ignore[attr-defined] # the test's own
_PREFIX = "hubtrust:index:"
_ELSEWHERE = {_special_sig_key: _special_resource_sig, "urn": "urn:pulumi:dev::plant::hubtrust:index:CertificateAuthority::x"}
_NONE = {  # outputs that these may not have
    "CertificateAuthority": {"certificateRequest", "givenAnchor"},
    "TrustedHub": {"publicNetworkAccess"},
    "TrustedDevice": {"deviceScope"},
}


@pytest.fixture(scope="module")
def plugin() -> Iterator[Any]:
    """The plugin as a process, and a client of it."""
    process = subprocess.Popen([sys.executable, "-m", "hubtrust.plugin"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)
    process.terminate()
    _, told = process.communicate(timeout=30)
    assert "Traceback" not in told, told


class Run:
    """A run of an engine that asks the plugin for components."""

    def __init__(self, plugin: Any, *, preview: bool) -> None:
        self.plugin, self.monitor = plugin, RecordingMonitor(preview=preview)

    def construct(self, kind: str, name: str, inputs: dict[str, Any], **options: Any) -> Any:
        """The response, for ``inputs`` as they are on the wire."""
        given = struct_pb2.Struct()
        given.update(inputs)
        request = provider_pb2.ConstructRequest(
            **self._where(), type=f"{_PREFIX}{kind}", name=name, inputs=given, accepts_output_values=True, **options
        )
        return self.plugin.Construct(request, timeout=60)

    def component(self, kind: str, name: str, **inputs: Any) -> dict[str, Any]:
        """A reference to a component that is constructed."""
        return {_special_sig_key: _special_resource_sig, "urn": self.construct(kind, name, inputs).urn}

    def call(self, token: str, **args: Any) -> Any:
        """The response of a method."""
        given = struct_pb2.Struct()
        given.update(args)
        return self.plugin.Call(provider_pb2.CallRequest(**self._where(), tok=token, args=given), timeout=120)

    def refusal(self, kind: str, name: str, **inputs: Any) -> str:
        """The one line with which the plugin refuses."""
        with pytest.raises(grpc.RpcError) as told:
            self.construct(kind, name, inputs)
        line = str(told.value.details())
        assert "\n" not in line
        assert "Traceback" not in line
        return line

    def _where(self) -> dict[str, Any]:
        return {
            "project": "plant",
            "stack": "dev",
            "organization": "organization",
            "dryRun": self.monitor.preview,
            "monitorEndpoint": self.monitor.address,
            "config": {"azure-native:location": "westeurope"},
        }


@pytest.fixture
def preview(plugin: Any) -> Iterator[Run]:
    """A preview."""
    run = Run(plugin, preview=True)
    yield run
    run.monitor.close()


@pytest.fixture
def up(plugin: Any) -> Iterator[Run]:
    """An up."""
    run = Run(plugin, preview=False)
    yield run
    run.monitor.close()


def output(value: Any = None, *, secret: bool = False, depends: tuple[str, ...] = ()) -> dict[str, Any]:
    """An output value; without a value, one that is not known yet."""
    known = {} if value is None else {"value": value}
    return {_special_sig_key: _special_output_value_sig, **known, "secret": secret, "dependencies": list(depends)}


def every_component(run: Run, *, later: Any) -> dict[str, Any]:
    """Constructs one of each; ``later`` is the value of an input that another resource gives. Returns the responses by kind."""
    made: dict[str, Any] = {}

    def add(kind: str, name: str, **inputs: Any) -> dict[str, Any]:
        made[kind] = run.construct(kind, name, inputs)
        return {_special_sig_key: _special_resource_sig, "urn": made[kind].urn}

    vault = add("AuthorityVault", "keys", location=later, hsm=False, tags={"site": later})
    source = {"generate": {"commonName": later, "intermediates": 1.0, "custody": {"inKeyVault": {"vault": vault}}}}
    add("CertificateAuthority", "stored", source=source)
    authority = add("CertificateAuthority", "plant", source={"generate": {"commonName": later}})
    hub = add("TrustedHub", "hub", authorities=[authority], hub={"location": later, "tags": {"a": "b"}}, operators=[OPERATOR])
    gateway = add("TrustedDevice", "gateway", hub=hub, authority=authority, makeKey=True, edge=True)
    device = add("TrustedDevice", "press", hub=hub, authority=authority, makeKey=True, parent=gateway, reason=later, tags={"a": [1, later]})
    add("TrustedModule", "vision", device=device, makeKey=True, desired={"rate": 1})
    add("TrustedFleet", "fleet", hub=hub, authority=authority, roster={"pattern": "p-{1..3}", "tags": {"a": 1}}, canary="p-1")
    dps = add("ProvisioningService", "dps", authorities=[authority], hubs=[{"hub": HUB, "weight": 2}], service={"location": later})
    group = add(
        "EnrollmentGroup",
        "group",
        service=dps,
        authorities=[authority],
        hubs=[hub],
        webhook=output("https://hook.example/", secret=True),
        allocation="custom",
    )
    certificate = pem_of(leaf(_MADE.issuing, "single"))
    add("IndividualEnrollment", "single", service=SERVICE, certificates=[certificate], status="disabled")
    listed = [{"registrationId": "single", "certificate": certificate}]
    add("EnrollmentFleet", "batch", service=dps, roster={"list": listed}, hubs=["h.azure-devices.net"])
    add("EnrollmentCanary", "canary", service=dps, hubs=[hub], authority=authority, deviceId="canary", enrollments=[group])
    add("EvidenceLog", "evidence", hubs=[hub], services=[dps], enrollments=[group], file="evidence.jsonl")
    return made


@pytest.mark.parametrize("is_preview", [True, False], ids=["preview", "up"])
def test_every_component_is_constructed(plugin: Any, *, is_preview: bool) -> None:
    """In a preview with unknown values, and with known ones; what a response has is what the state has, and is all that is declared."""
    run = Run(plugin, preview=is_preview)
    try:
        made = every_component(run, later=output() if is_preview else output("westeurope", depends=("urn:pulumi:dev::plant::a:b:C::c",)))
        assert set(made) == set(COMPONENTS)
        for kind, response in made.items():
            state = json_format.MessageToDict(response.state)
            assert state == run.monitor.outputs[response.urn]
            declared = {wire_name(one) for one in component_outputs.outputs_of(component_of(_PREFIX + kind))}
            assert declared - set(state) - _NONE.get(kind, set()) == set()
        assert {kind for kind, _ in run.monitor.requests if kind.startswith("pulumi-python:")} == set()
        children = {request.type: request for request in run.monitor.requests.values()}
        assert children["hubtrust:index:VerifiedCertificate"].parent == made["ProvisioningService"].urn
        assert "azure-native:iothub:IotHubResource" in children
        device = made["TrustedDevice"]
        assert device.stateDependencies["privateKey"].urns
        if not is_preview:
            state = json_format.MessageToDict(device.state)
            assert is_secret(state["privateKey"])
            assert is_secret(json_format.MessageToDict(made["CertificateAuthority"].state)["signer"])
            assert "azure-devices.net" in json_format.MessageToDict(made["TrustedHub"].state)["hostName"]
        else:
            assert run.monitor.inputs("hubtrust:index:DeviceIdentity", "press")["reason"] == UNKNOWN
    finally:
        run.monitor.close()


@pytest.mark.parametrize("whole", [False, True], ids=["in it", "as a whole"])
def test_secrets_stay_secrets(up: Run, *, whole: bool) -> None:
    """Also where an SDK gives the whole object as a secret, because there is one in it: its form is plain, its values are secrets."""
    key = _KEY if whole else {_special_sig_key: _special_secret_sig, "value": _KEY}
    source: dict[str, Any] = {"import": {"chain": pem_of(*_MADE.up), "privateKey": key}}
    state = json_format.MessageToDict(
        up.construct("CertificateAuthority", "given", {"source": output(source, secret=True) if whole else source}).state
    )
    assert is_secret(state["signer"])
    assert is_secret(state["chain"]) is whole
    assert _KEY not in str({name: value for name, value in state.items() if name != "signer"})


def test_the_proof_for_another_hub_is_a_call(up: Run) -> None:
    """Of the authority that was constructed before; the resource is below it."""
    authority = up.component("CertificateAuthority", "plant", source={"generate": {"commonName": "Plant"}})
    answer = up.call(PROVE, __self__=authority, hub="north", code="AB" * 24)
    assert json_format.MessageToDict(answer)["return"]["proof"]
    assert up.monitor.requests["hubtrust:index:PossessionProof", "plant-g1-proof-north"].parent == authority["urn"]


def test_options_reach_the_component_and_its_parts(up: Run) -> None:
    """Those that a program sets, and no others."""
    provider = "urn:pulumi:dev::plant::pulumi:providers:azure-native::mine::11111111-2222-3333-4444-555555555555"
    above = "urn:pulumi:dev::plant::a:b:C::above"
    options = {"parent": above, "dependencies": [above], "providers": {"azure-native": provider}, "ignoreChanges": ["tags"]}
    up.construct("AuthorityVault", "keys", {}, protect=True, **options)
    component = up.monitor.requests["hubtrust:index:AuthorityVault", "keys"]
    assert (component.parent, [*component.dependencies], component.protect) == (above, [above], True)
    vault = up.monitor.requests["azure-native:keyvault:Vault", "keys"]
    assert (vault.provider, vault.retainOnDelete) == (provider, True)
    up.construct("AuthorityVault", "others", {})
    assert not up.monitor.requests["hubtrust:index:AuthorityVault", "others"].protect


def test_many_at_once(up: Run) -> None:
    """More components than the plugin has threads: each waits for its parts, which in a real run the same process creates."""
    hub = up.component("TrustedHub", "hub", authorities=[], hub=HUB)
    pair = [*("AB" * 20, "CD" * 20)]
    with ThreadPoolExecutor(100) as many:
        found = [*many.map(lambda number: up.construct("TrustedDevice", f"d{number}", {"hub": hub, "thumbprints": pair}), range(100))]
    ids = {json_format.MessageToDict(one.state)["deviceId"] for one in found}
    assert ids == {f"d{number}" for number in range(100)}


@pytest.mark.parametrize(
    ("kind", "inputs", "told"),
    [
        ("TrustedHub", {}, "authorities is missing"),
        ("TrustedHub", {"authorities": [], "colour": "red"}, "it has no 'colour'"),
        ("TrustedHub", {"authorities": [], "hub": {"colour": "red"}}, "hub of TrustedHub 'it': it has no 'colour'"),
        ("TrustedHub", {"authorities": "all"}, "authorities"),
        ("TrustedHub", {"authorities": [_ELSEWHERE]}, "give both the same provider"),
        ("CertificateAuthority", {"source": {}}, "give exactly one of generate, import, request"),
        ("CertificateAuthority", {"source": {"generate": {"commonName": 7}}}, "common_name"),
        ("CertificateAuthority", {"source": {"generate": {"commonName": output("x" * 99)}}}, "64 characters"),
        ("CertificateAuthority", {"source": {"generate": {"commonName": "P"}}, "generation": "two"}, "generation"),
        ("CertificateAuthority", {"source": {"import": {"chain": output("no chain")}}}, "the imported chain"),
        ("AuthorityVault", {"tags": output(7.5, depends=("urn:pulumi:dev::plant::a:b:C::c",))}, "tags"),
        ("TrustedFactory", {}, "hubtrust has no such component"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(up: Run, kind: str, inputs: dict[str, Any], told: str) -> None:
    """Also where it is the value of an Output, which is read after the constructor: the call ends, and says it."""
    assert told in up.refusal(kind, "it", **inputs)


def test_a_resource_of_others_is_its_id(up: Run, preview: Run) -> None:
    """A program gives the hub that it has made itself; a preview does not know the id yet, and engines send it as an empty text."""
    made = {_special_sig_key: _special_resource_sig, "urn": "urn:pulumi:dev::plant::azure-native:iothub:IotHubResource::made"}

    known = json_format.MessageToDict(up.construct("TrustedHub", "hub", {"authorities": [], "hub": {**made, "id": HUB}}).state)
    assert known["hubId"] == HUB
    assert preview.construct("TrustedHub", "hub", {"authorities": [], "hub": {**made, "id": ""}}).urn


def test_tags_may_be_json_text(up: Run) -> None:
    """As in a custom resource, also where the text is a secret; an asset is its text."""
    hub = up.component("TrustedHub", "hub", authorities=[], hub=HUB)
    asset = {_special_sig_key: _special_asset_sig, "text": '{"line": 3}', "hash": "h"}
    for name, tags in (("plain", '{"line": 3}'), ("secret", output('{"line": 3}', secret=True)), ("asset", asset)):
        up.construct("TrustedDevice", name, {"hub": hub, "thumbprints": ["AB" * 20, "CD" * 20], "tags": tags})
        sent = json_format.MessageToDict(up.monitor.requests["hubtrust:index:DeviceIdentity", name].object)["tags"]
        assert is_secret(sent) is (name == "secret")
        assert (sent["value"] if is_secret(sent) else sent) == '{"line": 3}'


def test_a_refused_secret_is_not_told(up: Run) -> None:
    """An error repeats a wrong value, but none that the program marked as a secret."""
    line = up.refusal("CertificateAuthority", "it", source={"generate": {"commonName": output("hunter2" * 30, secret=True)}})
    assert "64 characters" in line
    assert "hunter2" not in line


def test_a_part_that_fails_ends_the_call(up: Run) -> None:
    """With what the engine says of it."""
    up.monitor.refused = "tls:index/privateKey:PrivateKey"
    line = up.refusal("CertificateAuthority", "plant", source={"generate": {"commonName": "P"}})
    assert "it can't be created here" in line
