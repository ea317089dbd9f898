"""The engine is killed (-9) at a provider call of a ten-resource program; the next `up` converges and loses nothing."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

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
CALLS = range(1, 37)
POINTS = [(call, when) for call in CALLS for when in ("before", "after")]
SAMPLE = POINTS if os.environ.get("HUBTRUST_FULL") else POINTS[7::12]


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


@pytest.mark.parametrize(("call", "when"), SAMPLE, ids=[f"{when}-{call}" for call, when in SAMPLE])
def test_a_killed_run_is_caught_up(embedded: Any, call: int, when: str) -> None:
    """After a kill the state can be read, the next `up` ends with the world as the program says, and a third touches nothing."""
    embedded.plan(BEFORE)
    assert embedded.verb("up").returncode == 0
    embedded.plan(AFTER)
    embedded.trap(call, when, "kill-engine")
    process = embedded.start("up")
    output = process.communicate(timeout=60)[0]
    assert process.returncode in (0, -9), output
    embedded.disarm()
    embedded.call("cancel", "--yes", "--stack", "dev")
    done = embedded.verb("up")
    assert done.returncode == 0, done.stdout + done.stderr
    world = {id_: entry["text"] for id_, entry in embedded.world().items()}
    assert world == expected(AFTER)
    assert embedded.known() == set(world)
    assert embedded.verb("up").returncode == 0
    assert embedded.calls("create", "update", "delete") == []


def test_a_create_is_pending_on_disk_before_the_provider_is_called(embedded: Any) -> None:
    """A create that began and never ended is in the state as an operation under way, with its inputs."""
    embedded.plan(BEFORE[:1])
    embedded.trap(2, "before", "kill-engine")
    process = embedded.start("up")
    process.communicate(timeout=60)
    assert process.returncode == -9
    assert embedded.calls() == ["check base", "create base"]
    (pending,) = embedded.exported()["pending_operations"]
    assert pending["type"] == "creating"
    assert pending["resource"]["inputs"]["text"] == "x"


def test_what_has_ended_is_kept_while_others_are_under_way(embedded: Any) -> None:
    """A create that has ended is on disk soon, though nothing new begins: a kill then does not make it unknown."""
    embedded.plan([{"name": "slow", "text": "hangs"}, {"name": "quick", "text": "waits for a hanging one"}])
    process = embedded.start("up")
    embedded.wait_for("quick@here.entry", process)
    checkpoint = embedded.folder / "backend" / ".pulumi" / "stacks" / "books" / "dev.json"
    deadline = time.monotonic() + 60
    while '"id": "quick@here"' not in checkpoint.read_text():
        assert time.monotonic() < deadline, "it never came to the disk"
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=60)
    embedded.call("cancel", "--yes", "--stack", "dev")
    assert embedded.known() == {"quick@here"}
    assert [item["resource"]["urn"].split("::")[-1] for item in embedded.exported()["pending_operations"]] == ["slow"]
