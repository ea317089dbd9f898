"""Finds the old state of a resource whose name, type or parent (or parent's name) has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.engine.errors import EngineError
from sandbox.engine.values import urn as urns

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sandbox.engine.state.deployment import Resource
    from sandbox.engine.steps.goal import Alias, Goal


class AliasError(EngineError):
    """An alias matches two resources."""


class Aliases:
    """The aliases of one run.

    Args:
        stack: the stack's name.
        project: the project's name.
        old_resources: the resources that were in the state before the run, by URN.
    """

    def __init__(self, stack: str, project: str, old_resources: Mapping[str, Resource]) -> None:
        self._stack, self._project, self._old_resources = stack, project, old_resources
        # Of each resource that an alias has matched: its new URN to its old one, and the reverse.
        self._old_urns: dict[str, str] = {}
        self._new_urns: dict[str, str] = {}

    def find(self, urn: str, goal: Goal, registered_urns: Collection[str]) -> Resource | None:
        """The old state of a resource, by its own URN, otherwise by the first alias that matches.

        `registered_urns` are the URNs of the resources that the program has registered so far.

        Raises:
            AliasError: another resource has that URN, or was already matched to it.
        """
        if urn in self._new_urns:
            raise AliasError(
                f"Duplicate resource alias '{urn}' applied to resource with URN '{urn}': it was found before as '{self._new_urns[urn]}'; "
                "remove the alias or give one of them another name"
            )
        for candidate in (urn, *self._alias_urns(goal)):
            old = self._old_resources.get(candidate)
            if old is None:
                continue
            if candidate != urn:
                self._match(candidate, urn, registered_urns)
            return old
        return None

    def _match(self, old_urn: str, urn: str, registered_urns: Collection[str]) -> None:
        """Record that a resource has another URN than in the state; no other resource may have or get the old one."""
        other = self._new_urns.get(old_urn) or (old_urn if old_urn in registered_urns else None)
        if other is not None:
            raise AliasError(
                f"Duplicate resource alias '{old_urn}' applied to resource with URN '{urn}' conflicting with resource with URN '{other}': "
                "an alias can match one resource only"
            )
        self._new_urns[old_urn], self._old_urns[urn] = urn, old_urn

    def new_urn(self, old_urn: str) -> str:
        """The URN that a resource of the state has now; the same one unless an alias has matched it."""
        return self._new_urns.get(old_urn, old_urn)

    def _alias_urns(self, goal: Goal) -> list[str]:
        """The URNs of a resource's aliases, including those from its parent's aliases."""
        found = [self._alias_urn(alias, goal) for alias in goal.aliases]
        old_parent = self._old_urns.get(goal.parent)
        if old_parent is not None:
            variants = [(goal.type, goal.name), *((urns.type_of(urn), urns.name_of(urn)) for urn in found)]
            found += [self._child_urn(type_, name, goal.parent, old_parent) for type_, name in variants]
        return list(dict.fromkeys(found))

    def _alias_urn(self, alias: Alias, goal: Goal) -> str:
        """The URN of an alias; parts that it does not name are those of the resource."""
        if alias.urn:
            return alias.urn
        parent = goal.parent if alias.parent is None else self._old_urns.get(alias.parent, alias.parent)
        return urns.make(
            alias.stack or self._stack, alias.project or self._project, parent, alias.type or goal.type, alias.name or goal.name
        )

    def _child_urn(self, type_: str, name: str, parent: str, old_parent: str) -> str:
        """A child's URN under its parent's old one; if the child's name starts with the parent's name, the old name does too."""
        prefix = urns.name_of(parent)
        if name.startswith(prefix):
            name = urns.name_of(old_parent) + name.removeprefix(prefix)
        return urns.make(self._stack, self._project, old_parent, type_, name)
