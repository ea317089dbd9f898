"""A stack is switched between this engine and Pulumi's: neither finds anything to change."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

PLAN = [
    {"name": "a", "text": "x"},
    {"name": "b", "text": "x", "uses": ["a"], "shelf": "s"},
    {"name": "kept", "text": "x", "protect": True, "after": ["b"]},
]


def apart_from_stack_traces(stack: Any) -> list[dict[str, Any]]:
    """The state's resources by URN: chance orders independent ones, and a trace begins in the engine's own script."""
    resources = sorted(stack.exported()["resources"], key=lambda resource: str(resource["urn"]))
    return [{key: item for key, item in resource.items() if key != "stackTrace"} for resource in resources]


@pytest.fixture
def pulumi() -> str:
    """The CLI's path."""
    found = shutil.which("pulumi")
    if found is None:
        pytest.skip("there is no `pulumi` on PATH to hand a stack to")
    return found


@pytest.mark.parametrize("first", ["embedded", "pulumi"])
def test_neither_engine_changes_what_the_other_created(embedded: Any, pulumi: str, first: str) -> None:
    """After the first one's `up`, the other's `up` makes no call that changes resources, and leaves the same state."""
    engines = [embedded.command, [pulumi]] if first == "embedded" else [[pulumi], embedded.command]
    embedded.plan(PLAN)
    embedded.command = engines[0]
    assert embedded.verb("up").returncode == 0
    before = apart_from_stack_traces(embedded)
    embedded.command = engines[1]
    done = embedded.verb("up", "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert embedded.calls("create", "update", "delete") == []
    assert apart_from_stack_traces(embedded) == before


@pytest.mark.parametrize("first", ["embedded", "pulumi"])
def test_an_exported_state_is_imported_unchanged(embedded: Any, pulumi: str, first: str) -> None:
    """What one exports the other imports, and exports again as it was."""
    engines = [embedded.command, [pulumi]] if first == "embedded" else [[pulumi], embedded.command]
    embedded.plan(PLAN)
    embedded.command = engines[0]
    assert embedded.verb("up").returncode == 0
    before = embedded.exported()
    path = embedded.folder / "state.json"
    assert embedded.call("stack", "export", "--stack", "dev", "--file", str(path)).returncode == 0
    embedded.command = engines[1]
    done = embedded.call("stack", "import", "--stack", "dev", "--file", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    after = embedded.exported()
    assert after["resources"] == before["resources"]
