"""What only the native shell promises: marks of secrets, known outputs in a preview, paths of differences, one line for each error."""

import json
import subprocess
import sys
from typing import Any

import httpx
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from hubtrust import shell
from hubtrust.dynamic.device_identity import DeviceIdentityProvider
from hubtrust.dynamic.link_policy import LinkPolicyProvider
from hubtrust.inputs import wire_name
from hubtrust.plugin.property_values import from_struct, secret_names, to_struct
from hubtrust.plugin.tokens import MODULES, resource
from tests.dynamic.test_wrong_types import WRONG
from tests.faults.case_hub import Call, CaseHub
from tests.faults.devices import device as declared_device
from tests.faults.fault import COLUMNS
from tests.faults.sweep import environment_of
from tests.kit.local_azure import LocalAzure
from tests.kit.plugin_process import PluginProcess, PluginProvider, bare, struct
from tests.kit.provider_process import UNKNOWN, CallFailedError, ResourceState
from tests.kit.repository import ROOT

_MARK, _SECRET, _OUTPUT = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270", "d0e6a833031e9bbcd3f4e8bde6ca49a4"
HUB = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g/providers/Microsoft.Devices/IotHubs/hub-7"
URN = "urn:pulumi:dev::plant::site:index:Line$hubtrust:index:DeviceIdentity::press-1"
OWNER = {"stack": "plant/dev", "urn": "urn:pulumi:dev::plant::site:index:Line$pulumi-python:dynamic/hubtrust:DeviceIdentity::press-1"}


def secret(value: Any) -> dict[str, Any]:
    """As an engine sends a secret."""
    return {_MARK: _SECRET, "value": value}


def check(native: PluginProcess, news: dict[str, Any], urn: str = URN, olds: dict[str, Any] | None = None) -> Any:
    """The answer to Check."""
    return native.call("Check", urn=urn, news=struct(news), olds=struct(olds or {}))


@pytest.fixture
def devices(native: PluginProcess) -> PluginProvider:
    """The calls of DeviceIdentity."""
    return native.of(DeviceIdentityProvider)


def device(**outs: Any) -> ResourceState:
    """A device in the state, as a run wrote it."""
    inputs = {"deviceId": "press-1", "hubId": HUB, "owner": OWNER, "tags": '{"plant": "A"}', "thumbprints": ["A" * 40, "B" * 40]}
    found = {"status": "enabled", "edge": False, "hostName": "hub-7.azure-devices.net", "authentication": "selfSigned", "etag": "1"}
    return ResourceState("hub-7/press-1", inputs | found | {"deviceEtag": "2", "lastWrite": "3"} | outs, inputs)


def test_the_owner_is_filled_in(native: PluginProcess) -> None:
    """A program in another language gives none: it is the URN with the dynamic type, or the one of the last run."""
    news = {"deviceId": "press-1", "hubId": HUB}
    before = {"stack": "organization/plant/dev", "urn": "urn:pulumi:dev::plant::pulumi-python:dynamic/hubtrust:DeviceIdentity::old"}

    assert from_struct(check(native, news).inputs)["owner"] == OWNER
    assert from_struct(check(native, news, olds=news | {"owner": before}).inputs)["owner"] == before
    assert from_struct(check(native, news | {"owner": before}).inputs)["owner"] == before


def test_tags_may_be_an_object(native: PluginProcess) -> None:
    """It becomes JSON text, in which 3.0 is 3; a secret or unknown part makes the whole text so."""
    base = {"deviceId": "press-1", "hubId": HUB}
    plain = check(native, base | {"tags": {"site": {"line": 3}, "plant": "A"}})
    hidden = check(native, base | {"tags": {"plant": secret("A")}}).inputs
    unknown = check(native, base | {"tags": {"plant": UNKNOWN}})
    wrong = check(native, base | {"tags": {"a.b": 1}})

    assert from_struct(plain.inputs)["tags"] == '{"plant": "A", "site": {"line": 3}}'
    assert (from_struct(hidden)["tags"], "tags" in secret_names(hidden)) == ('{"plant": "A"}', True)
    assert (unknown.inputs.fields["tags"].string_value, list(unknown.failures)) == (UNKNOWN, [])
    assert "tags" in wrong.failures[0].reason


def test_values_in_every_form_are_read() -> None:
    """Secrets and output values within others, unknown ones, resources for their ids, assets for their texts."""
    sent = {
        "list": [secret({"in": {_MARK: _OUTPUT, "value": 2, "secret": True}}), {_MARK: _OUTPUT}],
        "hub": {_MARK: "5cf8f73096256a8f31e491e813e4eb8e", "urn": "u", "id": HUB},
        "text": {_MARK: "c44067f5952c0a294b673a41bacd8c17", "text": "PEM", "hash": "h"},
        "none": None,
    }
    found = from_struct(struct(sent))

    assert (found["list"][0], found["hub"], found["text"], "none" in found) == ({"in": 2.0}, HUB, "PEM", False)
    assert to_struct(found).fields["list"].list_value.values[1].string_value == UNKNOWN
    assert secret_names(struct(sent)) == {"list"}


@pytest.mark.parametrize(
    "sent", [secret("hunter2hunter2"), [secret("hunter2hunter2")], {_MARK: _OUTPUT, "value": "hunter2hunter2", "secret": True}]
)
def test_a_refused_secret_is_not_told(native: PluginProcess, sent: Any) -> None:
    """Neither in the reason, nor by the name of the property, with which an engine prints its value."""
    for name in ("thumbprints", "status", "hubId", "colour"):
        failures = check(native, {"deviceId": "press-1", "hubId": HUB, name: sent}).failures
        assert failures
        assert all((each.property, "hunter2" in each.reason) == ("", False) for each in failures), failures


def test_a_resource_without_an_id_yet_is_unknown(native: PluginProcess) -> None:
    """In a preview: engines send the id as an empty text."""
    later = {_MARK: "5cf8f73096256a8f31e491e813e4eb8e", "urn": "u", "id": ""}

    assert not check(native, {"deviceId": "press-1", "hubId": later}).failures


def test_a_declared_secret_is_marked_and_outputs_keep_marks(native: PluginProcess) -> None:
    """A YAML user who forgot to say so leaves no key in the clear, and a connection string is a secret whoever declares it."""
    signer = {"custody": "state", "privateKey": "no key"}
    inputs = check(native, {"signer": signer}, "urn:pulumi:dev::plant::hubtrust:index:IssuedCertificate::root").inputs
    urn = "urn:pulumi:dev::plant::hubtrust:index:IssuedCertificate::root"
    properties = struct({"profile": "root", "subject": secret("CN=Plant A"), "signer": secret(signer)})
    preview = native.call("Create", urn=urn, properties=properties, preview=True).properties

    assert secret_names(inputs) == {"signer"}
    assert secret_names(preview) == {"subject"}
    assert LinkPolicyProvider.secret_outputs == {"connectionString"}


def test_a_preview_knows_what_is_declared(native: PluginProcess) -> None:
    """What is kept as it is given is known, what Azure says is not, and what is not given is not there."""
    news = {"deviceId": "press-1", "hubId": HUB, "owner": OWNER, "status": UNKNOWN}
    outs = bare(json.loads(json.dumps(_outs(native, news))))

    assert (outs["deviceId"], outs["hubId"], outs["owner"]) == ("press-1", HUB, OWNER)
    assert (outs["hostName"], outs["status"], outs["etag"], "deadline" in outs) == (UNKNOWN, UNKNOWN, UNKNOWN, False)


def _outs(native: PluginProcess, news: dict[str, Any]) -> dict[str, Any]:
    answer = native.call("Create", urn=URN, properties=struct(news), preview=True)
    return {
        name: UNKNOWN if value.string_value == UNKNOWN else from_struct(answer.properties)[name]
        for name, value in answer.properties.fields.items()
    }


@pytest.mark.parametrize(
    ("news", "outs", "paths"),
    [
        ({"deviceId": "press-2"}, {}, {"deviceId": ("UPDATE_REPLACE", True)}),
        ({"deviceId": UNKNOWN}, {}, {"deviceId": ("UPDATE_REPLACE", True)}),
        ({"hubId": HUB.upper(), "reason": "sold"}, {}, {"reason": ("ADD", True)}),
        ({"thumbprints": ["A" * 40, "C" * 40]}, {}, {"thumbprints[1]": ("UPDATE", True)}),
        ({"thumbprints": ["A" * 40]}, {}, {"thumbprints[1]": ("DELETE", True)}),
        ({"tags": None}, {}, {"tags": ("DELETE", True)}),
        ({"owner": OWNER | {"stack": "plant/test"}}, {}, {"owner.stack": ("UPDATE", True)}),
        ({}, {"tags": '{"plant": "B"}'}, {"tags": ("UPDATE", False)}),
        ({}, {"thumbprints": ["A" * 40]}, {"thumbprints[1]": ("ADD", False)}),
        ({}, {"unread": "the hub does not admit this machine"}, {"unread": ("UPDATE", False)}),
        ({"tags": '{ "plant":"A" }'}, {}, {}),
    ],
)
def test_a_difference_names_its_paths(devices: PluginProvider, news: dict[str, Any], outs: dict[str, Any], paths: dict[str, Any]) -> None:
    """An input's, a list's item, an object's member; what others changed is one of the outputs; what means the same is none."""
    known = device(**outs)
    given = {name: value for name, value in (known.inputs | news).items() if value is not None}

    assert devices.diff(known, given).changes is bool(paths)
    assert devices.paths == paths


def test_what_others_changed_may_be_ignored(devices: PluginProvider) -> None:
    """The option ignoreChanges also holds for what others changed in Azure, and for nothing else."""
    known = device(tags='{"plant": "B"}')
    tags, reason = PluginProvider(**vars(devices) | {"ignored": ["tags"]}), PluginProvider(**vars(devices) | {"ignored": ["reason"]})

    every = PluginProvider(**vars(devices) | {"ignored": ["*"]})

    assert (tags.diff(known, known.inputs).changes, reason.diff(known, known.inputs).changes) == (False, True)
    assert every.diff(known, known.inputs).changes is False


@pytest.mark.parametrize("path", ["thumbprints[*]", '["thumbprints"]', "thumbprints", '["thumbprints"][1]', "*[1]"])
def test_every_form_of_a_path_may_be_ignored(devices: PluginProvider, path: str) -> None:
    """As Pulumi writes them: https://www.pulumi.com/docs/iac/concepts/miscellaneous/property-paths/."""
    known = device(thumbprints=["A" * 40, "C" * 40])

    assert PluginProvider(**vars(devices) | {"ignored": [path]}).diff(known, known.inputs).changes is False
    assert PluginProvider(**vars(devices) | {"ignored": ["thumbprints[0]"]}).diff(known, known.inputs).changes is True


def test_wrong_types_are_refused_in_one_line(native: PluginProcess) -> None:
    """Any value for any input of any resource, as a program without types may give it."""
    for name in MODULES:
        for value in WRONG:
            if value != value or value in ("\ud800", float("inf")):  # noqa: PLR0124 - only NaN differs from itself
                continue  # no engine sends these
            news = {wire_name(declared): value for declared in resource(name).provider.inputs.declarations()}
            answer = check(native, news, f"urn:pulumi:dev::plant::{shell.token(name)}::any")
            assert all(len(failure.reason.splitlines()) == 1 for failure in answer.failures), (name, value)


@pytest.mark.parametrize(
    ("method", "fields", "line"),
    [
        (
            "Check",
            {"urn": "urn:pulumi:dev::plant::hubtrust:index:Device::a"},
            "hubtrust:index:Device: hubtrust .* has no such resource; use",
        ),
        ("Read", {"urn": "urn:pulumi:dev::plant::hubtrust:index:HubOwner::a", "id": "7"}, "'7' as HubOwner: .*; declare it"),
        (
            "Configure",
            {"args": struct({"version": "99.1.0"})},
            "the program asks for version 99.1.0, and this plugin is .*; install version 99.1.0",
        ),
        ("Delete", {"urn": URN, "properties": struct({"hubId": HUB})}, "the state of this DeviceIdentity: it has no output .*; restore"),
        ("Delete", {"urn": "no urn"}, "IndexError.*; this is a fault of hubtrust"),
    ],
)
def test_an_error_is_one_line(native: PluginProcess, method: str, fields: dict[str, Any], line: str) -> None:
    """What failed, the fact, what to do next; a bug is told as one."""
    with pytest.raises(CallFailedError, match=line) as failed:
        native.call(method, **fields)

    assert len(str(failed.value).splitlines()) == 1


def test_a_provider_is_never_replaced(native: PluginProcess) -> None:
    """Not even by another one's inputs: what moves here from the dynamic provider stays as it is."""
    answer = native.stub.DiffConfig(provider_pb2.DiffRequest(old_inputs=struct({"location": "westus"}), news=struct({"version": "1.2.3"})))

    assert (answer.changes, list(answer.replaces)) == (answer.DIFF_SOME, [])


def test_it_ends_when_the_engine_was_killed() -> None:
    """An engine that is killed can't end its plugins; a plugin that stays would wait for ever."""
    start = "import subprocess, sys; child = subprocess.Popen([sys.executable, '-m', 'hubtrust.plugin', '127.0.0.1:1']); child.wait()"
    engine = subprocess.Popen([sys.executable, "-c", start], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with engine:
        try:
            assert engine.stdout is not None
            assert int(engine.stdout.readline())
        finally:
            engine.kill()
        assert engine.stdout.read() == ""  # the pipe is closed when the plugin has ended


def test_after_cancel_nothing_is_tried_again(azure: LocalAzure, control: httpx.Client) -> None:
    """A call that Azure throttles ends with what Azure said, minutes before its deadline; Cancel itself is answered at once."""
    case = CaseHub(azure.hub(), control, deadline=300)
    (_, news), *_ = declared_device()(case).values()
    case.inject(next(each for each in COLUMNS if each.kind == "429"), Call("*", "hub", "*", 1), lasting=True)
    with PluginProcess(environment_of(azure)) as process:
        running = process.stub.Create.future(provider_pb2.CreateRequest(urn=URN, properties=struct(news)))
        azure.until(case.log)
        process.stub.Cancel(empty_pb2.Empty(), timeout=10)
        line = running.exception(timeout=60).details()
    case.heal()

    assert "429" in line
    assert len(line.splitlines()) == 1


def test_a_preview_of_an_update_knows_what_stays(native: PluginProcess) -> None:
    """A host name that Azure told stays while the hub, the cloud and the declared host name do; a device that is skipped stays as it is."""
    known = device()

    def host_name(**changes: Any) -> tuple[Any, Any]:
        news = {name: value for name, value in (known.inputs | changes).items() if value is not None}
        fields = {"olds": struct(known.outs), "old_inputs": struct(known.inputs), "news": struct(news)}
        outs = native.call("Update", urn=URN, id=known.id, **fields, preview=True).properties.fields
        return outs["hostName"].string_value, outs["tags"].string_value

    assert host_name(tags='{"plant": "B"}') == ("hub-7.azure-devices.net", '{"plant": "B"}')
    assert host_name(cloud="china")[0] == UNKNOWN
    assert host_name(hostName="hub-7.private.net")[0] == "hub-7.private.net"
    assert host_name(tags='{"plant": "B"}', skip="it is elsewhere")[1] == UNKNOWN
