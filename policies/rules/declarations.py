"""What a resource declares in Azure, whichever provider's type it has: a hub, a certificate on it, a role … and the facts of it.

Rules ask for facts by their meaning. Where each fact stands, and in which words, is in `declared_ways.py`; what has no place there
because it can't be read at all (a template, a script) is refused by `opaque-declarations`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .arm_resources import ArmResource, read_any_case
from .declared_ways import arm_resource, arm_way, way_of
from .facts import Fact, Kind
from .resource import UNKNOWN, NotKnownYetError, read_in

if TYPE_CHECKING:
    from .facts import Way
    from .resource import Resource

__all__ = ["Declaration", "Fact", "Kind", "declaration"]

CONFLICTING = "(written twice)"


@dataclass(frozen=True)
class Declaration:
    """One declaration: its kind, and its facts by meaning."""

    resource: Resource
    way: Way
    arm: ArmResource | None = None

    @property
    def kind(self) -> Kind:
        """What is declared."""
        return self.way.kind

    def offers(self, fact: Fact) -> bool:
        """Whether the fact has a place in this provider's resource: the classic provider has none for the shared keys of devices."""
        return fact in self.way.places

    def read(self, fact: Fact) -> Any:
        """The fact; None if it is missing, ``UNKNOWN`` if it, or an object that contains it, is not known yet.

        A value that is none of the fact's values is given as it stands: a rule that needs True must ask for True, and one that
        fears True must ask for False or None.
        """
        place = self.way.places.get(fact)
        if place is None:
            return None
        found = [each for path in (place.path, *place.elsewhere) if (each := self._at(path)) is not None]
        if any(each is UNKNOWN for each in found):
            return UNKNOWN
        value = found[0] if found else None
        if len(found) > 1 and not all(isinstance(each, str | bool) and each == value for each in found):
            value = CONFLICTING
        return value if value is None or place.meaning is None else place.meaning(value)

    def _at(self, path: tuple[str | int, ...]) -> Any:
        return read_any_case(self.arm.body, path) if self.arm else read_in(self.resource.props, path)

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
        place = self.way.places.get(fact)
        if place is None or not place.path:
            return str(fact)
        inside = self.arm and place.path[0] == "properties"
        return f"{self.arm.prefix}{place.words}" if self.arm and inside else place.words


def declaration(resource: Resource) -> Declaration | None:
    """What the resource declares; None if it is none of these kinds.

    Raises:
        NotKnownYetError: its kind depends on an input that is not known yet.
    """
    if found := arm_resource(resource):
        way = arm_way(found)
        return Declaration(resource, way, found) if way else None
    way = way_of(resource)
    return Declaration(resource, way) if way else None
