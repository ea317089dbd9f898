"""What a run does when a step fails or is interrupted, with a script as engine: `destroy` comes in any case, and tells what is left."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from live.leftovers import left
from live.run import Run, read_calls
from live.scenario import STEPS
from live.stack import Stack

S = "00000000-1111-2222-3333-444455556666"
GROUP = {"type": "azure-native:resources:ResourceGroup", "id": f"/subscriptions/{S}/resourceGroups/hubtrust-live-1", "urn": "u"}
HUB = {"type": "azure-native:iothub:IotHubResource", "id": f"{GROUP['id']}/providers/Microsoft.Devices/IotHubs/h", "urn": "v"}
BEGUN = {"type": GROUP["type"], "id": "", "inputs": {"resourceGroupName": "hubtrust-live-2"}, "urn": "w"}
ENGINE = """
import json, os, sys
from pathlib import Path
here, verb = Path.cwd(), sys.argv[1]
plan = json.loads((here.parent / "plan.json").read_text())
with (here.parent / "verbs").open("a") as said:
    said.write(verb + "\\n")
if verb in ("up", "destroy"):
    Path(os.environ["HUBTRUST_RECORD_CALLS"]).write_text(plan.get("calls", ""))
    sys.exit(plan.get(verb, 0))
print(json.dumps(plan["outputs"] if sys.argv[2] == "output" else {"deployment": plan["state"]}))
"""


def run(folder: Path, said: list[str], **plan: Any) -> Run:
    """A run whose engine follows a plan."""
    (folder / "engine.py").write_text(ENGINE)
    defaults = {"outputs": {"trust": [{"verified": True, "proof": "possession"}]}, "state": {}}
    (folder / "plan.json").write_text(json.dumps({**defaults, **plan}))
    stack = Stack(folder / "stack", (sys.executable, str(folder / "engine.py")), {}, quiet=True)
    return Run(stack, S, said.append, {"azure-native:location": "westeurope"}, STEPS[:2])


def verbs(folder: Path) -> list[str]:
    """What the engine was asked, without reading commands."""
    return [verb for verb in (folder / "verbs").read_text().split() if verb != "stack"]


def test_every_step_then_destroy(tmp_path: Path) -> None:
    """The steps in order, each with its settings; the salt of the stack's secrets stays."""
    said: list[str] = []
    result = run(tmp_path, said).carry_out()
    assert (result.succeeded, result.left, verbs(tmp_path)) == (True, [], ["up", "up", "destroy"])
    assert [line.partition(" (")[0] for line in said][-2:] == ["destroy: begins", "destroy: done"]
    assert '  hubtrust:operators: ["deployer"]\n' in (tmp_path / "stack/stacks/Pulumi.live.yaml").read_text()


@pytest.mark.parametrize(
    ("plan", "fault"),
    [
        ({"up": 255}, "the engine ended with 255"),
        ({"outputs": {"trust": [{"verified": True, "proof": "attested"}]}}, "the hub trusts 1 CAs, 0 of them proven; 1 expected"),
        ({"outputs": {}}, "the hub trusts 0 CAs, 0 of them proven; 1 expected"),
    ],
)
def test_after_a_failed_step_destroy_is_tried(tmp_path: Path, plan: Mapping[str, Any], fault: str) -> None:
    """The steps after it are left out, and the fault is told."""
    result = run(tmp_path, [], **plan).carry_out()
    assert (result.succeeded, result.steps[0].fault, verbs(tmp_path)) == (False, fault, ["up", "destroy"])


def test_an_unchanged_up_that_writes_has_failed(tmp_path: Path) -> None:
    """Although the engine found no difference."""
    calls = json.dumps({"method": "PUT", "url": "{hub}/devices/{…}"}) + '\n{"method": "G'
    result = run(tmp_path, [], calls=calls).carry_out()
    assert result.steps[1].fault == "it wrote, although nothing had changed: PUT {hub}/devices/{…}"
    assert read_calls(tmp_path / "none") == []


def test_ctrl_c_destroys_too(tmp_path: Path) -> None:
    """It ends the steps, not the deletion."""

    def interrupted(line: str) -> None:
        if line == "second up: begins":
            raise KeyboardInterrupt

    started = run(tmp_path, [])
    result = Run(started.stack, S, interrupted, {}, STEPS[:2]).carry_out()
    assert (result.interrupted, result.succeeded, verbs(tmp_path)) == (True, False, ["up", "destroy"])


def test_ctrl_c_on_local_azure_ends_at_once(tmp_path: Path) -> None:
    """All goes with that local Azure, and so nothing is destroyed before."""

    def interrupted(line: str) -> None:
        if line == "second up: begins":
            raise KeyboardInterrupt

    started = run(tmp_path, [])
    with pytest.raises(KeyboardInterrupt):
        Run(started.stack, S, interrupted, {}, STEPS[:2], leaves_nothing=False).carry_out()
    assert verbs(tmp_path) == ["up"]


def test_what_destroy_leaves_is_named(tmp_path: Path) -> None:
    """With the command that deletes it; a failed deletion is not a success."""
    result = run(tmp_path, [], destroy=1, state={"resources": [GROUP, HUB]}).carry_out()
    assert not result.succeeded
    assert result.left[1:] == [f"  az group delete --subscription {S} --yes --name hubtrust-live-1"]


def test_leftovers() -> None:
    """A group that was being created counts, whichever state says so; without a state nobody knows, and that is said."""
    assert left({}, {}, S) == left({"resources": [GROUP]}, {"resources": None}, S) == []
    assert left({"pending_operations": [{"resource": BEGUN}]}, {}, S)[1:] == [
        f"  az group delete --subscription {S} --yes --name hubtrust-live-2"
    ]
    in_group = BEGUN | {"type": HUB["type"], "inputs": {"resourceGroupName": "hubtrust-live-1"}}
    assert left({"resources": [GROUP], "pending_operations": [{"resource": in_group}]}, {}, S) == [], "it went with its group"
    alone = {"resources": [{"type": "azure-native:x:Y", "id": "/providers/x/y"}, {"type": "hubtrust:index:Z", "id": "/a"}]}
    assert left({}, alone, S)[1:] == ["  az resource delete --ids /providers/x/y"]
    for before, after in ((None, {}), ({}, None)):
        assert "starts_with(name, 'hubtrust-live')" in left(before, after, S)[1]
