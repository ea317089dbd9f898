"""Resources from run to run: both engines must agree."""

from __future__ import annotations

import json
from typing import Any


def entry(name: str, text: str = "x", **more: Any) -> dict[str, Any]:
    return {"name": name, "text": text, **more}


def up(stack: Any, *items: dict[str, Any]) -> str:
    stack.plan(list(items))
    done = stack.verb("up")
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def test_a_second_up_changes_nothing(stack: Any) -> None:
    """A resource that matches the program is only compared, never changed."""
    items = [entry("a"), entry("b", uses=["a"])]
    up(stack, *items)
    up(stack, *items)
    assert stack.calls("create", "update", "delete") == []
    assert stack.world()["b@here"]["text"] == "xhere: x"


def test_a_change_reaches_dependents(stack: Any) -> None:
    """An update in place goes first to the resource, then to what uses its output."""
    up(stack, entry("a"), entry("b", uses=["a"]))
    up(stack, entry("a", "y"), entry("b", uses=["a"]))
    assert stack.calls("create", "update", "delete") == ["update a", "update b"]


def test_undeclared_resources_are_deleted_in_reverse_order(stack: Any) -> None:
    """Leftovers are deleted, dependents before what they depend on."""
    up(stack, entry("a"), entry("b", uses=["a"]), entry("c", after=["b"]), entry("d"))
    up(stack, entry("d"))
    assert stack.calls("create", "update", "delete") == ["delete c", "delete b", "delete a"]
    assert set(stack.world()) == stack.known() == {"d@here"}


def test_a_replacement_is_created_before_the_old_resource_is_deleted(stack: Any) -> None:
    """By default the new one is created, dependents are updated, and the old one is deleted last."""
    up(stack, entry("a"), entry("b", uses=["a"]))
    up(stack, entry("a", place="there"), entry("b", uses=["a"]))
    assert stack.calls("create", "update", "delete") == ["create a", "update b", "delete a"]


def test_delete_before_replace_includes_dependents_that_must_be_replaced(stack: Any) -> None:
    """A resource that can't exist beside its replacement is deleted first; dependents that need no replacement stay."""
    up(stack, entry("a", first=True), entry("b", uses=["a"]), entry("c"))
    up(stack, entry("a", place="there", first=True), entry("b", uses=["a"]), entry("c"))
    assert stack.calls("create", "update", "delete") == ["delete a", "create a", "update b"]


def test_children_are_deleted_before_their_component(stack: Any) -> None:
    """A child's URN has its parent's type, and the parent is deleted after the child."""
    up(stack, entry("a", shelf="s"))
    (child,) = [item for item in stack.exported()["resources"] if item.get("id") == "a@here"]
    assert child["urn"] == "urn:pulumi:dev::books::ledger:index:Shelf$pulumi-python:dynamic/ledger:Entry::a"
    assert child["parent"] == "urn:pulumi:dev::books::ledger:index:Shelf::s"
    assert stack.verb("destroy").returncode == 0
    assert stack.exported().get("resources", []) == []


def test_preview_makes_no_call_that_changes_resources(stack: Any) -> None:
    """A preview checks and compares, and changes neither resources nor state."""
    up(stack, entry("a"), entry("old"))
    before = stack.exported()
    stack.plan([entry("a", "y"), entry("new")])
    assert stack.verb("preview").returncode == 0
    assert stack.calls("create", "update", "delete") == []
    assert stack.exported() == before


def test_refresh_saves_drift_and_removes_missing_resources(stack: Any) -> None:
    """Drift is saved in the state, missing resources are removed from it, and the next up corrects both."""
    items = [entry("a"), entry("b", after=["a"])]
    up(stack, *items)
    path = stack.ledger / "a@here.entry"
    path.write_text(json.dumps({**json.loads(path.read_text()), "text": "drifted"}))
    (stack.ledger / "b@here.entry").unlink()
    assert stack.verb("refresh").returncode == 0
    resources = {item.get("id"): item for item in stack.exported()["resources"]}
    assert resources["a@here"]["outputs"]["text"] == "drifted"
    assert "b@here" not in resources
    up(stack, *items)
    assert sorted(stack.calls("create", "update")) == ["create b", "update a"]


def test_a_protected_resource_survives_destroy(stack: Any) -> None:
    """Destroy deletes the unprotected resources, leaves the protected one, and fails."""
    up(stack, entry("kept", protect=True), entry("free", after=["kept"]))
    done = stack.verb("destroy")
    assert done.returncode != 0
    assert set(stack.world()) == stack.known() == {"kept@here"}


def test_a_provider_started_by_a_refresh_is_reused_with_the_same_configuration(stack: Any) -> None:
    """One process serves the whole run; under another configuration it is another one that makes the changes."""
    up(stack, entry("a"))
    for tone, processes in (("", 1), ("loud", 2)):
        if tone:
            assert stack.call("config", "set", "tone", tone, "--stack", "dev").returncode == 0
        stack.plan([entry("a", f"now {tone}")])
        assert stack.verb("up", "--refresh").returncode == 0
        assert stack.calls("read", "update") == ["read a@here", "update a"]
        assert len(stack.processes()) == processes
