"""Random programs, randomly changed: after `up` the world equals the program, and a second `up` touches nothing."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = [f"n{number}" for number in range(7)]
EXAMPLES = 60 if os.environ.get("HUBTRUST_FULL") else 4


@st.composite
def programs(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Entries in any order, each with any of the earlier ones as what it uses or follows."""
    chosen = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=len(NAMES)))
    items: list[dict[str, Any]] = []
    for at, name in enumerate(chosen):
        earlier = st.lists(st.sampled_from(chosen[:at]), unique=True, max_size=2) if at else st.just([])
        items.append(
            {
                "name": name,
                "text": draw(st.sampled_from("xyz")),
                "place": draw(st.sampled_from(["here", "there"])),
                "first": draw(st.booleans()),
                "uses": draw(earlier),
                "after": draw(earlier),
                # Always the same one: an entry under another parent is another resource, and two must not share a place.
                "shelf": f"shelf-{name}" if NAMES.index(name) % 3 == 0 else None,
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


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=programs(), after=programs())
def test_the_world_becomes_what_the_program_says(make_embedded: Callable[[Path], Any], before: list[Any], after: list[Any]) -> None:
    """From any program to any other: state and world are what the second one says, and nothing is left to do."""
    with tempfile.TemporaryDirectory() as folder:
        stack = make_embedded(Path(folder))
        for plan in (before, after):
            stack.plan(plan)
            done = stack.verb("up")
            assert done.returncode == 0, done.stdout + done.stderr
            world = {id_: entry["text"] for id_, entry in stack.world().items()}
            assert (world, stack.known()) == (expected(plan), set(world))
        assert stack.verb("up").returncode == 0
        assert stack.calls("create", "update", "delete") == []
        assert stack.verb("destroy").returncode == 0
        assert (stack.world(), stack.exported().get("resources", [])) == ({}, [])
