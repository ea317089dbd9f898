"""`--target`: the resources that a run may change, as URNs or globs of URNs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sandbox.engine.state.dependencies import direct_dependencies
from sandbox.engine.values import urn as urns

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sandbox.engine.state.deployment import Resource


class Targets:
    """The targets of a run; without patterns, it is not limited.

    In a glob, `*` matches any text within one part of a URN, `**` any text.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        texts = list(patterns)
        self._literals = [text for text in texts if "*" not in text]
        self._globs = [_glob(text) for text in texts if "*" in text]
        self.constrained = bool(texts)

    def __contains__(self, urn: str) -> bool:
        return not self.constrained or urn in self._literals or any(glob.fullmatch(urn) for glob in self._globs)

    def excludes(self, resource: Resource) -> bool:
        """Whether a resource must not be changed. Providers and the stack itself are always allowed, because targets need them."""
        return resource.urn not in self and not urns.is_provider(resource.type) and resource.type != urns.STACK_TYPE

    def missing(self, urns: Collection[str]) -> list[str]:
        """The target URNs that match no resource."""
        return [text for text in self._literals if text not in urns]

    def with_dependents(self, resources: Sequence[Resource]) -> set[str]:
        """URNs of the targets among resources and of everything that needs them, including children."""
        found: set[str] = set()
        for resource in resources:
            if resource.urn in self or found.intersection(direct_dependencies(resource)):
                found.add(resource.urn)
        return found


def _glob(text: str) -> re.Pattern[str]:
    segments = ("[^:]*".join(re.escape(part) for part in segment.split("*")) for segment in text.split("**"))
    return re.compile(".*".join(segments))
