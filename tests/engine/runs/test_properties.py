"""Random programs, randomly changed: after `up` the resources match the program, and a second `up` changes nothing."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NAMES = [f"n{number}" for number in range(7)]
EXAMPLES = 60 if os.environ.get("HUBTRUST_FULL") else 2
random_runs = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], print_blob=True)


@st.composite
def programs(draw: st.DrawFn, *, protect: bool = False) -> list[dict[str, Any]]:
    """Entries in any order, each with any of the earlier ones as what it uses or follows, under either of its names."""
    chosen = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=len(NAMES)))
    items: list[dict[str, Any]] = []
    for at, name in enumerate(chosen):
        earlier = st.lists(st.sampled_from(chosen[:at]), unique=True, max_size=2) if at else st.just([])
        items.append(
            {
                "name": name,
                "renamed": draw(st.booleans()),
                "text": draw(st.sampled_from("xyz")),
                "place": draw(st.sampled_from(["here", "there"])),
                "first": draw(st.booleans()),
                "protect": draw(st.booleans()) if protect else None,
                "uses": draw(earlier),
                "after": draw(earlier),
                # Always the same one: an entry under another parent is another resource, and two must not share a place.
                "shelf": f"shelf-{name}" if NAMES.index(name) % 3 == 0 else None,
                "shelf_renamed": draw(st.booleans()),
            }
        )
    return items


def expected(plan: list[dict[str, Any]]) -> dict[str, str]:
    """What the world must hold: the text of each entry by id."""
    lines: dict[str, str] = {}
    texts: dict[str, str] = {}
    for item in plan:
        text = item["text"] + "".join(lines[name] for name in item["uses"])
        lines[item["name"]] = f"{item['place']}: {text}"
        texts[f"{item['name']}@{item['place']}"] = text
    return texts


def becomes(stack: Any, plan: list[dict[str, Any]]) -> None:
    """After `up` state and resources match the program, and nothing is left to do."""
    stack.plan(plan)
    done = stack.verb("up")
    assert done.returncode == 0, done.stdout + done.stderr
    world = {id_: entry["text"] for id_, entry in stack.world().items()}
    assert (world, stack.known()) == (expected(plan), set(world))


def nothing_is_left_to_do(stack: Any) -> None:
    """Another `up` changes nothing, and destroy leaves nothing."""
    assert stack.verb("up").returncode == 0
    assert stack.calls("create", "update", "delete") == []
    assert stack.call("state", "unprotect", "--all", "--yes", "--stack", "dev").returncode == 0
    assert stack.verb("destroy").returncode == 0
    assert (stack.world(), stack.exported().get("resources", [])) == ({}, [])


@random_runs
@given(before=programs(), after=programs())
def test_the_resources_match_the_program(make_embedded: Callable[[Path], Any], before: list[Any], after: list[Any]) -> None:
    """From any program to any other, with any renames."""
    with tempfile.TemporaryDirectory() as folder:
        stack = make_embedded(Path(folder))
        becomes(stack, before)
        becomes(stack, after)
        nothing_is_left_to_do(stack)


@random_runs
@given(before=programs(protect=True), after=programs(protect=True), targets=st.lists(st.sampled_from(NAMES), unique=True, max_size=4))
def test_protected_and_untargeted_resources_are_kept(
    make_embedded: Callable[[Path], Any], before: list[Any], after: list[Any], targets: list[str]
) -> None:
    """A run limited to targets, or stopped by protection, changes no others and reports correctly; the next `up` converges."""
    with tempfile.TemporaryDirectory() as folder:
        stack = make_embedded(Path(folder))
        becomes(stack, before)
        stood = stack.world()
        stack.plan(after)
        flags = [flag for name in targets for flag in ("--target", f"**::{name}*")]
        done = stack.verb("up", *flags)
        world = stack.world()
        assert stack.known() == set(world), done.stdout
        free = {item["name"] for item in after if not item["protect"]}
        for item in before:
            id_ = f"{item['name']}@{item['place']}"
            if item["protect"] and item["name"] not in free:
                assert id_ in world, done.stdout
            if targets and item["name"] not in targets and not any(one["first"] for one in before):
                assert world.get(id_) == stood[id_], done.stdout
        assert stack.call("state", "unprotect", "--all", "--yes", "--stack", "dev").returncode == 0
        becomes(stack, after)
        nothing_is_left_to_do(stack)


def entry(name: str, *, place: str = "here", first: bool = False, renamed: bool = False, uses: Sequence[str] = ()) -> dict[str, Any]:
    """One entry of a program that is not drawn at random."""
    rest: dict[str, Any] = {"text": "x", "protect": False, "after": [], "shelf": None, "shelf_renamed": False}
    return {"name": name, "place": place, "first": first, "renamed": renamed, "uses": list(uses), **rest}


@pytest.mark.parametrize("renamed", [False, True])
@pytest.mark.parametrize("first", [False, True])
def test_what_an_untargeted_resource_needed_is_replaced(
    make_embedded: Callable[[Path], Any], tmp_path: Path, first: bool, renamed: bool
) -> None:
    """Also where that resource comes first, and keeps it in the state: the old one was forgotten there, and stayed for ever."""
    stack = make_embedded(tmp_path)
    becomes(stack, [entry("n2", place="there", first=first), entry("n1", uses=["n2"])])
    after = [entry("n1"), entry("n2", first=first, renamed=renamed)]
    stack.plan(after)
    done = stack.verb("up", "--target", "**::n2*")
    assert stack.known() == set(stack.world()), done.stdout
    becomes(stack, after)
    nothing_is_left_to_do(stack)
