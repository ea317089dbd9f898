"""What a resource declares in Azure, whichever provider's type it has: a hub, a certificate on it, a role … and the facts of it.

Rules ask for facts by their meaning. Where each fact stands, and in which words, is in `declared_ways.py`; what has no place there
because it can't be read at all (a template, a script) is refused by `opaque-declarations`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .declared_ways import way_of
from .facts import Fact, Kind
from .resource import UNKNOWN, NotKnownYetError, read_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .facts import Place
    from .resource import Resource

__all__ = ["Declaration", "Fact", "Kind", "declaration"]


@dataclass(frozen=True)
class Declaration:
    """One declaration: its kind, and its facts by meaning."""

    kind: Kind
    resource: Resource
    places: Mapping[Fact, Place]
    body: Any = None
    """What the paths of ``places`` start at; the resource's properties if it is None."""

    def offers(self, fact: Fact) -> bool:
        """Whether the fact has a place in this provider's resource: the classic provider has none for the shared keys of devices."""
        return fact in self.places

    def read(self, fact: Fact) -> Any:
        """The fact; None if it is missing, ``UNKNOWN`` if it, or an object that contains it, is not known yet.

        A value that is none of the fact's values is given as it stands: a rule that needs True must ask for True, and one that
        fears True must ask for False or None.
        """
        place = self.places.get(fact)
        if place is None:
            return None
        value = read_in(self.resource.props if self.body is None else self.body, place.path)
        return value if value is None or value is UNKNOWN or place.meaning is None else place.meaning(value)

    def known(self, fact: Fact) -> Any:
        """The fact, or None.

        Raises:
            NotKnownYetError: it is not known yet.
        """
        value = self.read(fact)
        if value is UNKNOWN:
            raise NotKnownYetError(self.where(fact))
        return value

    def where(self, fact: Fact) -> str:
        """Its place for messages, such as `properties.minTlsVersion`; the fact's own name if this resource has no place for it."""
        place = self.places.get(fact)
        if place is None:
            return str(fact)
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place.path).removeprefix(".")


def declaration(resource: Resource) -> Declaration | None:
    """What the resource declares; None if it is none of these kinds.

    Raises:
        NotKnownYetError: its kind depends on an input that is not known yet.
    """
    way = way_of(resource)
    return Declaration(way.kind, resource, way.places) if way else None
