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
        olds: the old state by URN.
    """

    def __init__(self, stack: str, project: str, olds: Mapping[str, Resource]) -> None:
        self._stack, self._project, self._olds = stack, project, olds
        # New URN to the old URN that was found for it, and the reverse.
        self._old: dict[str, str] = {}
        self._new: dict[str, str] = {}

    def find(self, urn: str, goal: Goal, seen: Collection[str]) -> Resource | None:
        """The old state of a resource, by its own URN, otherwise by the first alias that matches. `seen` are the URNs registered so far.

        Raises:
            AliasError: another resource has that URN, or was already matched to it.
        """
        if urn in self._new:
            raise AliasError(
                f"Duplicate resource alias '{urn}' applied to resource with URN '{urn}': it was found before as '{self._new[urn]}'; "
                "take the alias away or give one of them another name"
            )
        for name in (urn, *self._names(goal)):
            old = self._olds.get(name)
            if old is None:
                continue
            if name != urn:
                self._match(name, urn, seen)
            return old
        return None

    def _match(self, old: str, new: str, seen: Collection[str]) -> None:
        other = self._new.get(old) or (old if old in seen else None)
        if other is not None:
            raise AliasError(
                f"Duplicate resource alias '{old}' applied to resource with URN '{new}' conflicting with resource with URN '{other}': "
                "an alias can stand for one resource only"
            )
        self._new[old], self._old[new] = new, old

    def renamed(self, old: str) -> str:
        """The URN that an old URN has now."""
        return self._new.get(old, old)

    def _names(self, goal: Goal) -> list[str]:
        """The URNs of a resource's aliases, including those from its parent's aliases."""
        own = [self._collapsed(alias, goal) for alias in goal.aliases]
        above = self._old.get(goal.parent)
        if above is not None:
            variants = [(goal.type, goal.name), *((urns.type_of(urn), urns.name_of(urn)) for urn in own)]
            own += [self._inherited(type_, name, goal.parent, above) for type_, name in variants]
        return list(dict.fromkeys(own))

    def _collapsed(self, alias: Alias, goal: Goal) -> str:
        if alias.urn:
            return alias.urn
        parent = goal.parent if alias.parent is None else self._old.get(alias.parent, alias.parent)
        return urns.make(
            alias.stack or self._stack, alias.project or self._project, parent, alias.type or goal.type, alias.name or goal.name
        )

    def _inherited(self, type_: str, name: str, parent: str, above: str) -> str:
        """A child's URN under its parent's old one; if the child's name starts with the parent's name, the old name does too."""
        prefix = urns.name_of(parent)
        if name.startswith(prefix):
            name = urns.name_of(above) + name.removeprefix(prefix)
        return urns.make(self._stack, self._project, above, type_, name)
