"""The engine is killed (-9) at a provider call of a ten-resource program; the next `up` converges and loses nothing."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.kit.samples import drawn

# First the second run of the program changes something of everything: it makes, changes, replaces either way round, and deletes.
BEFORE: list[dict[str, Any]] = [
    {"name": "base", "text": "x"},
    {"name": "left", "text": "x", "uses": ["base"]},
    {"name": "right", "text": "x", "after": ["base"]},
    {"name": "moved", "text": "x", "uses": ["left"]},
    {"name": "swapped", "text": "x", "first": True},
    {"name": "on-swapped", "text": "x", "uses": ["swapped"]},
    {"name": "shelved", "text": "x", "shelf": "s"},
    {"name": "gone", "text": "x", "after": ["right"]},
    {"name": "gone-too", "text": "x", "after": ["gone"]},
    {"name": "same", "text": "x"},
]
AFTER: list[dict[str, Any]] = [
    {"name": "base", "text": "y"},
    {"name": "left", "text": "x", "uses": ["base"]},
    {"name": "right", "text": "x", "after": ["base"]},
    {"name": "moved", "text": "x", "uses": ["left"], "place": "there"},
    {"name": "swapped", "text": "x", "first": True, "place": "there"},
    {"name": "on-swapped", "text": "x", "uses": ["swapped"]},
    {"name": "shelved", "text": "z", "shelf": "s"},
    {"name": "new", "text": "x", "after": ["left"]},
    {"name": "newer", "text": "x", "uses": ["new"]},
    {"name": "same", "text": "x"},
]
# Ten checks, ten comparisons (two fewer: the new ones), and what follows: the later calls are the ones that change the world.
POINTS = [(call, when) for call in range(1, 37) for when in ("before", "after")]
# The same with everything under another name, a policy that puts a text right, and only some of it a target.
RENAMED: list[dict[str, Any]] = [
    {**item, "renamed": True, "shelf_renamed": True, "text": "crooked" if item["name"] == "base" else item["text"]} for item in AFTER
]
TARGETS = [flag for name in ("base", "left", "right", "moved", "swapped", "on-swapped") for flag in ("--target", f"**::{name}-renamed")]
PACK = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def straighten(args):
    return {**args.props, "text": "y"} if args.props.get("text") == "crooked" else None

PolicyPack("straight", policies=[
    ResourceValidationPolicy(name="straight", description="Straight.", remediate=straighten, enforcement_level=EnforcementLevel.REMEDIATE),
])
"""
TARGETED_POINTS = [(call, when) for call in range(1, 25) for when in ("before", "after")]


def sample(points: list[tuple[int, str]], number: int) -> Any:
    """All points of a sweep with HUBTRUST_FULL=1, or a few of them."""
    chosen = drawn(points, number)
    return pytest.mark.parametrize(("call", "when"), chosen, ids=[f"{when}-{call}" for call, when in chosen])


def expected(plan: list[dict[str, Any]]) -> dict[str, str]:
    """What the world must hold: the text of each entry by id."""
    lines: dict[str, str] = {}
    texts: dict[str, str] = {}
    for item in plan:
        text = item["text"] + "".join(lines[name] for name in item.get("uses", []))
        place = item.get("place", "here")
        lines[item["name"]] = f"{place}: {text}"
        texts[f"{item['name']}@{place}"] = text
    return texts


def killed(stack: Any, plan: list[dict[str, Any]], call: int, when: str, *flags: str) -> None:
    """Go from BEFORE to another plan, and get killed at a provider call (or not, where there are fewer)."""
    stack.plan(BEFORE)
    assert stack.verb("up").returncode == 0
    stack.plan(plan)
    stack.trap(call, when, "kill-engine")
    process = stack.start("up", *flags)
    output = process.communicate(timeout=300)[0]
    assert process.returncode in (0, -9), output
    stack.disarm()
    stack.call("cancel", "--yes", "--stack", "dev")


def caught_up(stack: Any, *flags: str) -> None:
    """The next `up` ends with the world as AFTER says, and one more touches nothing."""
    done = stack.verb("up", *flags)
    assert done.returncode == 0, done.stdout + done.stderr
    world = {id_: entry["text"] for id_, entry in stack.world().items()}
    assert world == expected(AFTER)
    assert stack.known() == set(world)
    assert stack.verb("up", *flags).returncode == 0
    assert stack.calls("create", "update", "delete") == []


@sample(POINTS, 3)
def test_the_next_up_recovers_from_a_kill(embedded: Any, call: int, when: str) -> None:
    """After a kill the state is readable, and no resource is orphaned or created twice."""
    killed(embedded, AFTER, call, when)
    caught_up(embedded)


@sample(TARGETED_POINTS, 1)
def test_the_next_up_recovers_from_a_kill_with_targets_and_aliases(embedded: Any, call: int, when: str) -> None:
    """The same with aliases, targets and policies in use at the kill."""
    folder = embedded.folder / "pack"
    folder.mkdir()
    (folder / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (folder / "__main__.py").write_text(PACK)
    killed(embedded, RENAMED, call, when, "--policy-pack", str(folder), *TARGETS)
    caught_up(embedded, "--policy-pack", str(folder))


def test_a_create_is_pending_on_disk_before_the_provider_is_called(embedded: Any) -> None:
    """An unfinished create is in the state as a pending operation, with its inputs."""
    embedded.plan(BEFORE[:1])
    embedded.trap(2, "before", "kill-engine")
    process = embedded.start("up")
    process.communicate(timeout=300)
    assert process.returncode == -9
    assert embedded.calls() == ["check base", "create base"]
    (pending,) = embedded.exported()["pending_operations"]
    assert pending["type"] == "creating"
    assert pending["resource"]["inputs"]["text"] == "x"


def test_a_finished_create_is_saved_while_others_run(embedded: Any) -> None:
    """A finished create is saved soon, even if no other call starts: a later kill does not lose it."""
    embedded.plan([{"name": "slow", "text": "hangs"}, {"name": "quick", "text": "waits for a hanging one"}])
    process = embedded.start("up")
    embedded.wait_for("quick@here.entry", process)
    checkpoint = embedded.folder / "backend" / ".pulumi" / "stacks" / "books" / "dev.json"
    deadline = time.monotonic() + 300
    while '"id": "quick@here"' not in checkpoint.read_text():
        assert time.monotonic() < deadline, "it never came to the disk"
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=300)
    embedded.call("cancel", "--yes", "--stack", "dev")
    assert embedded.known() == {"quick@here"}
    assert [item["resource"]["urn"].split("::")[-1] for item in embedded.exported()["pending_operations"]] == ["slow"]
