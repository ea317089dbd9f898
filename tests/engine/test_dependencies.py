"""Dependencies between resources."""

from __future__ import annotations

from typing import Any

from sandbox.engine.state import dependencies
from sandbox.engine.state.deployment import Resource


def resource(name: str, **more: Any) -> Resource:
    return Resource(urn=name, type="t", custom=True, **more)


A = resource("a")
B = resource("b", dependencies=("a",))
C = resource("c", parent="b")
D = resource("d", property_dependencies={"key": ("b",)})
E = resource("e", deleted_with="d")
ALL = [A, B, C, D, E]


def test_dependents_are_found_through_every_kind_of_dependency() -> None:
    """Direct and indirect ones, by property and by deletedWith; a child does not depend on its parent."""
    assert [found.urn for found in dependencies.dependents(A, ALL, ())] == ["b", "d", "e"]


def test_a_resource_that_was_already_registered_is_no_dependent() -> None:
    """A resource that was registered again has its new dependencies, not those of the old state."""
    assert [found.urn for found in dependencies.dependents(A, ALL, {"d"})] == ["b"]


def test_deletions_wait_for_those_that_need_them() -> None:
    """Each resource deleted_before for its dependents, its children, and those it provides for."""
    deleted_before = dependencies.deleted_before(ALL)
    assert {key.urn: [found.urn for found in needed] for key, needed in deleted_before.items()} == {
        "a": ["b"],
        "b": ["c", "d"],
        "c": [],
        "d": ["e"],
        "e": [],
    }


def test_references_to_a_removed_resource_are_removed() -> None:
    """After a refresh no reference to a removed resource is left."""
    kept = dependencies.without_dangling_references([A, C, D, E])
    assert [(found.urn, found.parent, dict(found.property_dependencies), found.deleted_with) for found in kept] == [
        ("a", "", {}, ""),
        ("c", "", {}, ""),
        ("d", "", {}, ""),
        ("e", "", {}, "d"),
    ]
