"""Targets and aliases: which resources a run selects."""

from __future__ import annotations

import pytest

from sandbox.engine.plan.aliases import AliasError, Aliases
from sandbox.engine.plan.targets import Targets
from sandbox.engine.state.deployment import Resource
from sandbox.engine.steps.goal import Alias, Goal

BASE = "urn:pulumi:dev::shop::"


@pytest.mark.parametrize(
    ("pattern", "urn", "fits"),
    [
        ("urn:pulumi:dev::shop::t:i:T::a", "urn:pulumi:dev::shop::t:i:T::a", True),
        ("**t01**", "urn:pulumi:dev::shop::t:i:T::t01", True),
        ("urn:pulumi:dev::shop::t:*:T::a", "urn:pulumi:dev::shop::t:i:T::a", True),
        ("urn:pulumi:*::a", "urn:pulumi:dev::shop::t:i:T::a", False),
        ("urn:pulumi:dev::shop::t:i:T::a.", "urn:pulumi:dev::shop::t:i:T::ab", False),
    ],
)
def test_globs(pattern: str, urn: str, fits: bool) -> None:
    """`*` stays within a part of a URN, `**` goes anywhere, and all other text is literal."""
    assert (urn in Targets([pattern])) == fits


def test_without_targets_every_resource_is_a_target() -> None:
    """A run without targets excludes nothing."""
    assert not Targets([]).excludes(Resource(urn="urn", type="t"))


def test_providers_and_the_stack_are_never_excluded() -> None:
    """Targets need them."""
    targets = Targets(["**nothing**"])
    assert [targets.excludes(Resource(urn="u", type=type_)) for type_ in ("pulumi:providers:x", "pulumi:pulumi:Stack", "t")] == [
        False,
        False,
        True,
    ]


def test_unknown_targets_are_named() -> None:
    """A literal target must exist; a glob may match nothing."""
    assert Targets(["urn:a", "urn:b", "**x**"]).missing({"urn:a"}) == ["urn:b"]


def goal(name: str, *aliases: Alias, parent: str = "", type_: str = "t:i:T") -> Goal:
    return Goal(type=type_, name=name, custom=True, parent=parent, aliases=aliases)


def known(*urns: str) -> Aliases:
    return Aliases("dev", "shop", {urn: Resource(urn=urn, type="t:i:T", custom=True) for urn in urns})


@pytest.mark.parametrize(
    ("old", "alias"),
    [
        (f"{BASE}t:i:T::before", Alias(name="before")),
        (f"{BASE}t:i:Old::now", Alias(type="t:i:Old")),
        (f"{BASE}p:i:P$t:i:T::now", Alias(parent=f"{BASE}p:i:P::box")),
        ("urn:pulumi:dev::other::t:i:T::now", Alias(project="other")),
        (f"{BASE}x:y:Z::any", Alias(urn=f"{BASE}x:y:Z::any")),
    ],
)
def test_a_resource_is_found_by_its_alias(old: str, alias: Alias) -> None:
    """Renamed, of another type, from under another parent, from another project, or by its whole URN."""
    found = known(old).find(f"{BASE}t:i:T::now", goal("now", alias), ())
    assert found is not None
    assert found.urn == old


def test_children_of_a_renamed_component_are_found() -> None:
    """A child follows its parent's alias, and so does a name that starts with the parent's."""
    aliases = known(f"{BASE}p:i:Old::box", f"{BASE}p:i:Old$t:i:T::box-leaf")
    aliases.find(f"{BASE}p:i:P::crate", goal("crate", Alias(name="box", type="p:i:Old"), type_="p:i:P"), ())
    found = aliases.find(f"{BASE}p:i:P$t:i:T::crate-leaf", goal("crate-leaf", parent=f"{BASE}p:i:P::crate"), ())
    assert found is not None
    assert found.urn == f"{BASE}p:i:Old$t:i:T::box-leaf"


def test_a_resources_own_urn_precedes_its_aliases() -> None:
    """A resource that the state knows under its own URN needs no alias."""
    found = known(f"{BASE}t:i:T::now", f"{BASE}t:i:T::before").find(f"{BASE}t:i:T::now", goal("now", Alias(name="before")), ())
    assert found is not None
    assert found.urn == f"{BASE}t:i:T::now"


def test_an_alias_that_matches_two_resources_is_refused() -> None:
    """The error for the second resource with the same old one names the first."""
    aliases = known(f"{BASE}t:i:T::before")
    aliases.find(f"{BASE}t:i:T::one", goal("one", Alias(name="before")), ())
    with pytest.raises(AliasError, match=r"conflicting with resource with URN '.*::one'"):
        aliases.find(f"{BASE}t:i:T::two", goal("two", Alias(name="before")), ())
