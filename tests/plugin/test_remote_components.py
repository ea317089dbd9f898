"""A program that has none of our code and declares our components by their tokens, as programs in other languages do, to local Azure."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.program import Program, program

_PROGRAM = """
import pulumi


class Remote(pulumi.ComponentResource):
    def __init__(self, kind, name, props, outputs, opts=None):
        super().__init__(f"hubtrust:index:{kind}", name, {**props, **dict.fromkeys(outputs)}, opts, remote=True)


plant = Remote("CertificateAuthority", "plant", {"source": {"generate": {"commonName": "Plant"}}}, ["chain", "certificate", "signer"])
arguments = {"authorities": [plant], "hub": {"protect": False}, "operators": ["deployer"]}
hub = Remote("TrustedHub", "hub", arguments, ["hubId", "hostName", "trust"])
device = Remote("TrustedDevice", "press-001", {"hub": hub, "authority": plant, "makeKey": True}, ["deviceId", "chain", "privateKey"])
given = {"hub": hub, "authority": plant, "roster": {"pattern": "vent-{1..3}", "tags": {"line": 4}}, "canary": "vent-2"}
fleet = Remote("TrustedFleet", "fleet", given, ["devices", "connection"])


@pulumi.output_type
class Proof:
    proof: str = pulumi.property("proof")


asked = {"__self__": plant, "hub": "north", "code": "AB" * 24}
proof = pulumi.runtime.call("hubtrust:index:CertificateAuthority/prove", asked, plant, Proof)
pulumi.export("trust", hub.trust)
pulumi.export("connection", fleet.connection)
pulumi.export("key", device.privateKey)
pulumi.export("signer", plant.signer)
pulumi.export("proof", proof.proof)
"""


_NONE = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/none/providers/Microsoft.Devices/IotHubs/none"
_LATE = 'Remote("TrustedDevice", "late", {"hub": hub, '
_FAILING = {  # in the constructor, in an Output, in a part
    f'{_LATE}"authority": plant, "makeKey": True, "lifetimeDays": 0}}, [])': "has a problem: lifetime_days of device 'late': it is 0; use ",
    f'{_LATE}"thumbprints": fleet.connection.apply(lambda _: ["AB"])}}, [])': "has a problem: thumbprints: 'AB' is not a thumbprint: ",
    f'Remote("TrustedHub", "none", {{"authorities": [plant], "hub": "{_NONE}"}}, [])': "on IoT hub 'none': Azure answers 404 ",
}


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    """The program, with the plugin on PATH."""
    plugin = tmp_path / "bin" / "pulumi-resource-hubtrust"
    plugin.parent.mkdir()
    plugin.write_text(f"#!{sys.executable}\nfrom hubtrust.plugin.server import main\n\nmain()\n")
    plugin.chmod(0o755)
    monkeypatch.setenv("PATH", str(plugin.parent), prepend=":")
    with program(tmp_path, "embedded") as created:
        (created.folder / "__main__.py").write_text(_PROGRAM)
        yield created


def test_a_device_connects_and_a_second_run_changes_nothing(remote: Program) -> None:
    """All of it is made by the plugin; keys are secrets; an error in a component is a line and ends the run; nothing stays."""
    remote.up()
    outputs = remote.outputs()
    assert outputs["connection"]["state"] == "connected"
    assert [one["proof"] for one in outputs["trust"]] == ["possession"]
    assert (outputs["key"], outputs["signer"]) == ("[secret]", "[secret]")
    assert outputs["proof"].startswith("-----BEGIN CERTIFICATE-----")
    kinds = {one["type"] for one in json.loads(remote.engine_says("stack", "export"))["deployment"]["resources"]}
    assert "hubtrust:index:VerifiedCertificate" in kinds
    assert not any(kind.startswith("pulumi-python:") for kind in kinds)
    remote.control("DELETE", "/requests")
    remote.up()
    assert remote.control("GET", "/requests?mutating=1") == []
    assert remote.outputs() == outputs
    for failing, told in _FAILING.items():
        (remote.folder / "__main__.py").write_text(f"{_PROGRAM}\n{failing}\n")
        assert remote.run("up") != 0
        assert told in remote.printed
        assert "Traceback" not in remote.printed, remote.printed
    (remote.folder / "__main__.py").write_text("")
    remote.up()
