"""A stack moves from the dynamic provider to the plugin and back, and to a program in another language, without a write to Azure."""

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.kit.program import Program

_PROGRAM = """
import hubtrust
import pulumi
from hubtrust import (
    CertificateAuthority, EnrollmentGroup, Generate, HubArgs, ProvisioningService, TrustedDevice, TrustedFleet, TrustedHub, TrustedModule,
    from_pattern,
)

plant = CertificateAuthority("plant", source=Generate(common_name="Plant"))
hub = TrustedHub("plant", authorities=[plant], hub=HubArgs(protect=False, disable_local_auth=False), operators=["deployer"])
press = TrustedDevice("press-001", hub=hub, authority=plant, make_key=True, tags={"line": 4})
camera = TrustedModule("camera", device=press, authority=plant, make_key=True)
fleet = TrustedFleet("vents", hub=hub, authority=plant, roster=from_pattern("vent-{1..3}", {"line": 5}), canary="vent-2")
service = ProvisioningService("plant", authorities=[plant], hubs=[hub], operators=["deployer"])
group = EnrollmentGroup("presses", service=service, authority=plant)
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
    """The id of each custom resource of ours in the state, by its type and name, whichever shell runs it."""
    found = json.loads(stack.engine_says("stack", "export"))["deployment"]["resources"]
    return {
        f"{each['type'].rpartition(':')[2]} {each['urn'].rpartition('::')[2]}": each["id"]
        for each in found
        if each["custom"] and each["type"].startswith((_NATIVE, _DYNAMIC))
    }


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


def test_a_stack_moves_to_the_plugin_and_back(stack: Program) -> None:
    (stack.folder / "__main__.py").write_text(_PROGRAM)
    stack.up()
    before, outputs = _custom(stack), stack.outputs()
    assert set(_shells(stack)) == {_DYNAMIC}
    _moved(stack, _USES_PLUGIN + _PROGRAM)
    assert (_custom(stack), stack.outputs(), set(_shells(stack))) == (before, outputs, {_NATIVE})
    _moved(stack, _USES_PLUGIN + _PROGRAM)
    _moved(stack, _PROGRAM, steps="updated")
    assert (_custom(stack), stack.outputs(), set(_shells(stack))) == (before, outputs, {_DYNAMIC})
    _moved(stack, _PROGRAM)
    assert stack.run("destroy", "--yes") == 0 if stack.engine == "pulumi" else stack.run("destroy") == 0, stack.printed
    assert _custom(stack) == {}
