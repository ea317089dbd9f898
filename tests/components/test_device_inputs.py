"""What devices and fleets take: each argument plain, as an Output, as a secret, and unknown in a preview; and what they refuse."""

import gc
import json
from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pytest
from pulumi.output import UNKNOWN
from pulumi.runtime import mocks

from hubtrust.authority import CertificateAuthority, Generate
from hubtrust.device import DeviceError, TrustedDevice
from hubtrust.devices.roster import RosterError
from hubtrust.devices.roster_files import from_pattern
from hubtrust.dynamic.twin_documents import DocumentError
from hubtrust.fleet import FleetDeclarationError, TrustedFleet
from hubtrust.hub import TrustedHub
from hubtrust.module import ModuleError, TrustedModule
from hubtrust.program_errors import ProgramError
from tests.kit.device_certificates import signing_request
from tests.kit.remembering_engine import Engine, Monitor

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}  # how a secret crosses
REQUEST, MODULE_REQUEST = signing_request("press-007"), signing_request("press-007/camera")
_DYNAMIC = "pulumi-python:dynamic/hubtrust:"
_IDENTITY, _MODULE, _ISSUED, _FLEET, _CHECK = (
    f"{_DYNAMIC}{one}" for one in ("DeviceIdentity", "ModuleIdentity", "IssuedCertificate", "DeviceFleet", "ConnectionCheck")
)
# Each argument that may be an Output: the value, the resource that it reaches, and its input there.
DEVICE: dict[str, tuple[Any, str, str]] = {
    "device_id": ("press-007", _IDENTITY, "deviceId"),
    "status": ("disabled", _IDENTITY, "status"),
    "reason": ("stolen", _IDENTITY, "reason"),
    "edge": (True, _IDENTITY, "edge"),
    "parent": ("ms-azure-iot-edge://gateway-1", _IDENTITY, "parentScope"),
    "adopt": (["press-007"], _IDENTITY, "adopt"),
    "tags": ({"plant_line": {"a_b": [1]}}, _IDENTITY, "tags"),
    "desired": ({"a_b": 1.5}, _IDENTITY, "desired"),
    "request": (REQUEST, _ISSUED, "request"),
    "lifetime_days": (30, _ISSUED, "lifetimeDays"),
    "renew_before_days": (3, _ISSUED, "renewBeforeDays"),
}
MODULE: dict[str, tuple[Any, str, str]] = {
    "module_id": ("camera", _MODULE, "moduleId"),
    "adopt": (["camera"], _MODULE, "adopt"),
    "tags": ({"plant_line": 1}, _MODULE, "tags"),
    "desired": ({"a_b": 1.5}, _MODULE, "desired"),
    "request": (MODULE_REQUEST, _ISSUED, "request"),
    "lifetime_days": (30, _ISSUED, "lifetimeDays"),
    "renew_before_days": (3, _ISSUED, "renewBeforeDays"),
}
FLEET: dict[str, tuple[Any, str, str]] = {
    "canary": ("press-1", _CHECK, "deviceId"),
    "adopt": (["press-1"], _FLEET, "adopt"),
    "delete_devices": (7, _FLEET, "deleteDevices"),
}


def on_a_hub(declare: Callable[[TrustedHub, CertificateAuthority], None]) -> None:
    """Run a program that has a trusted hub."""

    @pulumi.runtime.test
    def program() -> None:
        authority = CertificateAuthority("plant", source=Generate(common_name="Plant"))
        declare(TrustedHub("plant", authorities=[authority]), authority)

    try:
        program()
    except ProgramError:
        gc.collect()  # errors of Outputs are logged when they are collected: here, and not in the middle of a later test
        raise


def declared(component: Callable[..., Any], **arguments: Any) -> None:
    """A program with the component on a trusted hub."""
    on_a_hub(lambda hub, authority: component("press", **{"hub": hub, "authority": authority, **arguments}))


def module(name: str, hub: TrustedHub, authority: CertificateAuthority, **arguments: Any) -> TrustedModule:
    """A module of a device that has another way to authenticate."""
    device = TrustedDevice("its-device", hub=hub, device_id="press-007", thumbprints=["AB" * 20])
    return TrustedModule(name, **{"device": device, "authority": authority, **arguments})


def sent(engine: Engine, component: Callable[..., Any], given: Mapping[str, Any], table: Mapping[str, tuple[Any, str, str]]) -> Any:
    """What crosses to the engine for each argument."""
    rest: dict[str, Any] = {"roster": from_pattern("press-{1..3}")} if component is TrustedFleet else {}
    engine.forget()
    declared(component, **rest, **given)
    return {name: engine.inputs(kind, "press" if kind == _ISSUED else None).get(wire) for name, (_, kind, wire) in table.items()}


@pytest.mark.parametrize(("component", "table"), [(TrustedDevice, DEVICE), (TrustedFleet, FLEET), (module, MODULE)])
def test_each_input_may_be_an_output(engine: Engine, component: Any, table: dict[str, tuple[Any, str, str]]) -> None:
    """Known later it is sent as if it were plain; a secret is sent as one; in a preview an unknown one is unknown, and nothing fails."""
    values = {name: value for name, (value, _, _) in table.items()}
    plain = sent(engine, component, values, table)
    assert sent(engine, component, {name: pulumi.Output.from_input(value) for name, value in values.items()}, table) == plain
    secrets = sent(engine, component, {name: pulumi.Output.secret(value) for name, value in values.items()}, table)
    assert secrets == {name: {**SECRET, "value": value} for name, value in plain.items()}
    mocks.set_mocks(engine, preview=True, monitor=Monitor(engine))
    unknown = sent(engine, component, {name: pulumi.Output.from_input(UNKNOWN) for name in values}, table)
    assert all(value is None or isinstance(value, pulumi.output.Unknown) for value in unknown.values()), unknown


def test_an_id_that_is_a_secret_is_told(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names a resource, a message and a device: it is shown all the same. Only then."""
    warned: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: warned.append(text))
    secret, output = pulumi.Output.secret, pulumi.Output.from_input
    declared(TrustedDevice, make_key=True, device_id=secret("press-007"))
    declared(TrustedDevice, make_key=True, device_id=output("press-007"))
    declared(TrustedFleet, canary=secret("press-1"))
    declared(module, make_key=True, module_id=secret("camera"))
    told = [text.partition(":")[0] for text in warned if "its id is given as a secret" in text]
    assert told == ["device 'press'", "the canary of fleet 'press'", "module 'press'"]
    assert engine.inputs(_MODULE)["moduleId"] == {**SECRET, "value": "camera"}


def test_parts_may_be_outputs(engine: Engine) -> None:
    """Of lists, and of tags and desired properties however deep: a secret part makes the whole text a secret. Names stay as they are."""
    output, secret = pulumi.Output.from_input, pulumi.Output.secret
    tags = {"plant_line": {"floor": output(2), 7: ("a", output("b"))}}
    declared(TrustedDevice, authority=None, thumbprints=[output("AB" * 20), "CD" * 20], tags=tags, desired={"wifi": {"key": secret("k")}})
    found = engine.inputs(_IDENTITY)
    assert found["thumbprints"] == ["AB" * 20, "CD" * 20]
    assert json.loads(found["tags"]) == {"plant_line": {"floor": 2, "7": ["a", "b"]}}
    assert found["desired"] == {**SECRET, "value": '{"wifi": {"key": "k"}}'}


def test_a_parent_is_an_edge_device(engine: Engine) -> None:
    """The scope that Azure makes of it is the child's input. Whether it is one is known at once, or when its Output is."""
    scope = "ms-azure-iot-edge://gateway-1"
    engine.certificate["deviceScope"] = scope

    def program(hub: TrustedHub, authority: CertificateAuthority) -> None:
        def device(name: str, **arguments: Any) -> TrustedDevice:
            return TrustedDevice(name, hub=hub, authority=authority, make_key=True, **arguments)

        device("inner", edge=True, parent=device("gateway", edge=pulumi.Output.from_input(True)))
        for edge in (None, False):
            with pytest.raises(
                DeviceError, match=r"device 'leaf': its parent 'press' is not an IoT Edge device, .*; declare the parent with edge"
            ):
                device("leaf", parent=device("press", edge=edge))

    on_a_hub(program)
    engine.certificate["deviceScope"] = None
    with pytest.raises(DeviceError, match="its parent 'gateway' is not an IoT Edge device"):
        on_a_hub(
            lambda hub, authority: TrustedDevice(
                "leaf",
                hub=hub,
                authority=authority,
                make_key=True,
                parent=TrustedDevice("gateway", hub=hub, authority=authority, make_key=True, edge=pulumi.Output.from_input(False)),
            )
        )


def test_a_module_has_the_authority_of_its_device(engine: Engine) -> None:
    """Its certificate is for both ids; it comes after its device, and the device's own certificate is another one."""

    def program(hub: TrustedHub, authority: CertificateAuthority) -> None:
        device = TrustedDevice("press", hub=hub, authority=authority, make_key=True, device_id=pulumi.Output.from_input("press-007"))
        TrustedModule("camera", device=device, request=MODULE_REQUEST)

    on_a_hub(program)
    sent = engine.inputs(_ISSUED, "camera")
    assert (sent["profile"], sent["deviceId"], sent["moduleId"], sent["request"]) == ("device", "press-007", "camera", MODULE_REQUEST)
    assert engine.inputs(_MODULE).items() >= {"deviceId": "press-007", "moduleId": "camera"}.items()
    request = engine.request(_MODULE)
    assert request.parent.endswith("hubtrust:index:TrustedModule::camera")
    assert any(f"{_IDENTITY}::press" in urn for urn in request.dependencies)


def test_a_canary_that_is_an_output(engine: Engine) -> None:
    """No name depends on it. It is one of the roster's devices; without a roster it gets an identity, as a plain one does."""
    declared(TrustedFleet, canary=pulumi.Output.from_input("canary"))
    assert engine.inputs(_IDENTITY)["deviceId"] == engine.inputs(_CHECK)["deviceId"] == "canary"
    assert {"press-canary"} <= engine.names
    assert not [name for name in engine.names if "Output" in name]
    with pytest.raises(FleetDeclarationError, match="its canary, an Output, is 'canary', and that is none of its devices; add it to the"):
        declared(TrustedFleet, canary=pulumi.Output.from_input("canary"), roster=from_pattern("press-{1..3}"))


_A = pulumi.Output.from_input
Case = tuple[Any, dict[str, Any], type[ProgramError], str]
WRONG_NOW: list[Case] = [
    (TrustedDevice, {"request": REQUEST, "make_key": True}, DeviceError, "request and make_key are both given; give only one"),
    (TrustedDevice, {"make_key": True, "thumbprints": ["AB" * 20]}, DeviceError, "thumbprints are given together with request or"),
    (TrustedDevice, {"thumbprints": ["AB" * 20], "authority": None, "lifetime_days": 3}, DeviceError, "lifetime_days has no effect"),
    (TrustedDevice, {"thumbprints": [], "authority": None}, DeviceError, "thumbprints of device 'press': there are 0; give one or two"),
    (TrustedDevice, {"make_key": True, "authority": None}, DeviceError, "no authority is given"),
    (
        TrustedDevice,
        {"make_key": _A(True)},
        DeviceError,
        "make_key of device 'press': it is an Output; it decides which resources there are, so",
    ),
    (TrustedDevice, {"make_key": "yes"}, DeviceError, "make_key is a text; give True or False"),
    (TrustedDevice, {"make_key": True, "hub": _A("id")}, DeviceError, "its hub is an Output; give a TrustedHub; TrustedHub.existing makes"),
    (TrustedDevice, {"make_key": True, "authority": "plant"}, DeviceError, "its authority is a text; give a CertificateAuthority"),
    (TrustedDevice, {"make_key": True, "device_id": "4F2A91C0" * 6}, DeviceError, "its id has the form of an Azure verification code"),
    (TrustedDevice, {"make_key": True, "device_id": "x" * 65}, DeviceError, "its id has 65 characters and a common name holds 1 to 64"),
    (TrustedDevice, {"make_key": True, "device_id": ""}, DeviceError, "the device: its id is empty"),
    (TrustedDevice, {"make_key": True, "status": "off"}, DeviceError, "status of device 'press': it is 'off'; use enabled or disabled"),
    (TrustedDevice, {"make_key": True, "edge": "yes"}, DeviceError, "edge of device 'press': it is 'yes'; use true or false"),
    (
        TrustedDevice,
        {"make_key": True, "parent": "gateway"},
        DeviceError,
        "the parent of device 'press': 'gateway' is not the scope of an IoT",
    ),
    (TrustedDevice, {"make_key": True, "reason": object()}, DeviceError, "reason of device 'press': it is of type object"),
    (TrustedDevice, {"make_key": True, "lifetime_days": -1}, DeviceError, "lifetime_days of device 'press': it is -1; use a number from"),
    (
        TrustedDevice,
        {"make_key": True, "renew_before_days": 400},
        DeviceError,
        "renew_before_days: it is 400, but lifetime_days is only 365",
    ),
    (TrustedDevice, {"make_key": True, "adopt": "press"}, DeviceError, "adopt of device 'press': it is 'press'; list the ids or patterns"),
    (TrustedDevice, {"request": "CSR"}, DeviceError, "request of device 'press': it contains no certificate, key or request"),
    (TrustedDevice, {"request": 7}, DeviceError, "request of device 'press': it is a number; give the request as text"),
    (TrustedDevice, {"request": REQUEST}, DeviceError, "its common name is 'press-007', but the device is 'press'"),
    (TrustedDevice, {"make_key": True, "tags": {"a.b": 1}}, DocumentError, r"tags: the name 'a\.b' has the character '\.'"),
    (TrustedDevice, {"make_key": True, "tags": {None: _A(1)}}, DocumentError, "tags: a name in it is null; use texts as names"),
    (
        module,
        {},
        ModuleError,
        "module 'press': neither request, make_key nor thumbprints is given, .* or use ModuleIdentity for a registry entry",
    ),
    (module, {"request": REQUEST}, ModuleError, "its common name is 'press-007', but the device is 'press-007/press'"),
    (module, {"make_key": True, "authority": None}, ModuleError, "no authority is given"),
    (module, {"make_key": True, "module_id": "a/b"}, ModuleError, "module 'a/b': its id has the character '/'"),
    (module, {"make_key": True, "module_id": "x" * 60}, ModuleError, "its id has 70 characters and a common name holds 1 to 64"),
    (module, {"make_key": True, "module_id": "$edgeHub"}, ModuleError, "its runtime manages; use another id"),
    (module, {"make_key": True, "device": "press"}, ModuleError, "its device is not a TrustedDevice; give one, or use ModuleIdentity"),
    (TrustedFleet, {"roster": _A("a")}, RosterError, "roster of fleet 'press': it is an Output; it decides"),
    (TrustedFleet, {"check": _A(True)}, FleetDeclarationError, "check of fleet 'press': it is an Output"),
    (TrustedFleet, {"check": "no"}, FleetDeclarationError, "check of fleet 'press': it is a text; use True or False, or leave it out"),
    (TrustedFleet, {"no_devices": _A(True)}, FleetDeclarationError, "no_devices of fleet .press.: it is an Output"),
    (TrustedFleet, {"canary": "press 1"}, FleetDeclarationError, "device 'press 1': its id has the character ' '"),
    (TrustedFleet, {"canary": 7}, FleetDeclarationError, "the device: its id is a number; give a text, in quotes"),
    (TrustedFleet, {"delete_devices": -1}, FleetDeclarationError, "delete_devices of fleet 'press': it is -1; use a whole number from 1"),
]
WRONG_LATER: list[Case] = [
    (TrustedDevice, {"thumbprints": _A(None), "authority": None}, ProgramError, "thumbprints: the given Output is empty"),
    (TrustedDevice, {"request": _A(None)}, ProgramError, "request: the given Output is empty; give it a value"),
    (TrustedDevice, {"make_key": True, "tags": _A({"a": object()})}, DocumentError, "tags: a value in it is of type object; use texts"),
    (TrustedDevice, {"make_key": True, "desired": _A(["a"])}, DocumentError, "desired: it is a list; give an object of names and values"),
]


def test_what_is_wrong_is_one_line(engine: Engine) -> None:
    """What is plain before anything of the component is declared; never in a class's own words, and never in silence."""

    def program(hub: TrustedHub, authority: CertificateAuthority) -> None:
        for component, arguments, kind, match in WRONG_NOW:
            with pytest.raises(kind, match=match) as raised:
                component("press", **{"hub": hub, "authority": authority, **arguments})
            assert "\n" not in str(raised.value), arguments

    on_a_hub(program)
    assert not {_IDENTITY, _ISSUED, _FLEET, _CHECK} & {args.typ for args in engine.every if args.name == "press"}


@pytest.mark.parametrize(("component", "arguments", "kind", "match"), WRONG_LATER)
@pytest.mark.usefixtures("engine")
def test_what_turns_out_to_be_wrong_is_one_line(component: Any, arguments: dict[str, Any], kind: type[ProgramError], match: str) -> None:
    """The run ends with it."""
    with pytest.raises(kind, match=match) as raised:
        declared(component, **arguments)
    assert "\n" not in str(raised.value)
