"""A stack moves from the dynamic provider to the plugin and back, and to a program in another language, without a write to Azure."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.kit.program import Program

_PROGRAM = """
import hubtrust
import pulumi
from hubtrust import CertificateAuthority, EnrollmentGroup, Generate, HubArgs, ProvisioningService, ProvisioningServiceArgs
from hubtrust import TrustedDevice, TrustedFleet, TrustedHub, TrustedModule, from_pattern

plant = CertificateAuthority("plant", source=Generate(common_name="Plant"))
hub = TrustedHub("plant", authorities=[plant], hub=HubArgs(protect=False, disable_local_auth=False), operators=["deployer"])
press = TrustedDevice("press-001", hub=hub, authority=plant, make_key=True, tags={"line": 4})
camera = TrustedModule("camera", device=press, authority=plant, make_key=True)
vents = from_pattern("vent-{1..3}", {"line": 5})
fleet = TrustedFleet("vents", hub=hub, authority=plant, roster=vents, canary="vent-2")
own = ProvisioningServiceArgs(protect=False)
service = ProvisioningService("plant", authorities=[plant], hubs=[hub], operators=["deployer"], service=own)
group = EnrollmentGroup("presses", service=service, authorities=[plant])
pulumi.export("hubId", hub.hub_id)
pulumi.export("trust", hub.trust)
pulumi.export("connection", fleet.connection)
"""
_USES_PLUGIN = "import hubtrust\n\nhubtrust.use_plugin()\n"
_NATIVE, _DYNAMIC = "hubtrust:index:", "pulumi-python:dynamic/hubtrust:"


@pytest.fixture(autouse=True)
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin is on PATH, as `pip install hubtrust` puts it there."""
    program = tmp_path / "bin" / "pulumi-resource-hubtrust"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nfrom hubtrust.plugin.server import main\n\nmain()\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")


def _custom(stack: Program) -> dict[str, str]:
    """The id of each custom resource of ours in the state, by its URN, whichever shell runs it."""
    found = json.loads(stack.engine_says("stack", "export"))["deployment"]["resources"]
    ours = (each for each in found if each["custom"] and each["type"].startswith((_NATIVE, _DYNAMIC)))
    return {each["urn"].replace(_NATIVE, "").replace(_DYNAMIC, ""): each["id"] for each in ours}


def _shells(stack: Program) -> Counter[str]:
    found = json.loads(stack.engine_says("stack", "export"))["deployment"]["resources"]
    return Counter(start for each in found if each["custom"] for start in (_NATIVE, _DYNAMIC) if each["type"].startswith(start))


def _moved(stack: Program, text: str, *, steps: str = "") -> None:
    """Run this program: nothing is written to Azure, and nothing is created, deleted or replaced."""
    (stack.folder / "__main__.py").write_text(text)
    stack.control("DELETE", "/requests")
    stack.up()
    assert stack.control("GET", "/requests?mutating=1") == []
    said = " ".join(stack.printed.split())
    for word in ("created", "deleted", "replaced", *([] if steps else ["updated"])):
        assert f" {word}" not in said, stack.printed


def _require_same(stack: Program, ids: dict[str, str], outputs: dict[str, Any], shell: str) -> None:
    assert _custom(stack) == ids
    assert stack.outputs() == outputs
    assert set(_shells(stack)) == {shell}


def test_a_stack_moves_to_the_plugin_and_back(stack: Program) -> None:
    (stack.folder / "__main__.py").write_text(_PROGRAM)
    stack.up()
    before, outputs = _custom(stack), stack.outputs()
    assert set(_shells(stack)) == {_DYNAMIC}
    _moved(stack, _USES_PLUGIN + _PROGRAM)
    _require_same(stack, before, outputs, _NATIVE)
    _moved(stack, _USES_PLUGIN + _PROGRAM)
    _moved(stack, _PROGRAM, steps="updated")
    _require_same(stack, before, outputs, _DYNAMIC)
    _moved(stack, _PROGRAM)
    (stack.folder / "__main__.py").write_text("")
    stack.up()
    assert _custom(stack) == {}


_ELSEWHERE = """
import pulumi
from hubtrust.version import plugin_version


class Remote(pulumi.ComponentResource):
    def __init__(self, kind, name, outputs=(), **props):
        opts = pulumi.ResourceOptions(version=plugin_version())
        super().__init__(f"hubtrust:index:{kind}", name, {**props, **dict.fromkeys(outputs)}, opts, remote=True)


plant = Remote("CertificateAuthority", "plant", source={"generate": {"commonName": "Plant"}})
own = {"protect": False, "disableLocalAuth": False}
hub = Remote("TrustedHub", "plant", ["hubId", "trust"], authorities=[plant], hub=own, operators=["deployer"])
press = Remote("TrustedDevice", "press-001", hub=hub, authority=plant, makeKey=True, tags={"line": 4})
camera = Remote("TrustedModule", "camera", device=press, authority=plant, makeKey=True)
vents = {"pattern": "vent-{1..3}", "tags": {"line": 5}}
fleet = Remote("TrustedFleet", "vents", ["connection"], hub=hub, authority=plant, roster=vents, canary="vent-2")
own = {"protect": False}
service = Remote("ProvisioningService", "plant", authorities=[plant], hubs=[hub], operators=["deployer"], service=own)
group = Remote("EnrollmentGroup", "presses", service=service, authorities=[plant])
pulumi.export("hubId", hub.hubId)
pulumi.export("connection", fleet.connection)
"""


def test_a_program_in_another_language_takes_over_the_whole_stack(stack: Program) -> None:
    """Where the same components have the same names: keys and certificates too, because the URNs and the state are the same."""
    (stack.folder / "__main__.py").write_text(_USES_PLUGIN + _PROGRAM)
    stack.up()
    before, outputs = _custom(stack), stack.outputs()
    _moved(stack, _ELSEWHERE)
    assert _custom(stack) == before
    assert stack.outputs() == {name: value for name, value in outputs.items() if name != "trust"}
    _moved(stack, _ELSEWHERE)
    _moved(stack, _USES_PLUGIN + _PROGRAM)
    assert (_custom(stack), stack.outputs()) == (before, outputs)
    (stack.folder / "__main__.py").write_text("")
    stack.up()


_SMALL = """
import pulumi
from hubtrust import CertificateAuthority, DeviceFleet, DeviceIdentity, Generate, HubArgs, TrustedHub, from_pattern

plant = CertificateAuthority("plant", source=Generate(common_name="Plant"))
hub = TrustedHub("plant", authorities=[plant], hub=HubArgs(protect=False), operators=["deployer"])
after = pulumi.ResourceOptions(depends_on=[hub])
pulumi.export("hubId", hub.hub_id)
"""
_HERE = """
DeviceIdentity("press-001", hub_id=hub.hub_id, device_id="press-001", tags={"line": 4}, opts=after)
DeviceFleet("vents", hub_id=hub.hub_id, roster=from_pattern("vent-{1..3}", {"line": 5}), opts=after)
"""
_THERE = """
from hubtrust.version import plugin_version


def elsewhere(kind, name, path, **inputs):
    opts = pulumi.ResourceOptions(import_=f"HUB/devices/{path}", version=plugin_version())
    pulumi.CustomResource(f"hubtrust:index:{kind}", name, {"hubId": "HUB", **inputs}, opts)


elsewhere("DeviceIdentity", "press-001", "press-001", deviceId="press-001", tags='{"line": 4}')
elsewhere("DeviceFleet", "vents", "vent-{1..3}", members=from_pattern("vent-{1..3}", {"line": 5}).pack())
"""


def test_a_program_in_another_language_takes_over_by_import(stack: Program) -> None:
    """The old resources leave the state, the new ones are imported by their ids: they keep their owner, and are deleted with the stack."""
    (stack.folder / "__main__.py").write_text(_SMALL + _HERE)
    stack.up()
    hub_id = stack.outputs()["hubId"]
    for urn in [each["urn"] for each in json.loads(stack.engine_says("stack", "export"))["deployment"]["resources"]]:
        if urn.endswith(("DeviceIdentity::press-001", "DeviceFleet::vents")):
            stack.engine_says("state", "delete", urn, "--yes")
    there = _SMALL + _THERE.replace("HUB", hub_id)
    _moved(stack, there)
    assert _shells(stack)[_NATIVE] == 2
    _moved(stack, there)
    (stack.folder / "__main__.py").write_text(_SMALL)
    stack.control("DELETE", "/requests")
    stack.up()
    assert [one["path"] for one in stack.control("GET", "/requests?mutating=1")] == ["/devices", "/devices"], "both are this stack's"
    (stack.folder / "__main__.py").write_text("")
    stack.up()
