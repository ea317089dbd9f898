"""The links of which `why` tells: each is one thing that must hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CERTIFICATE = "certificate"  # how the names of a chain's links begin


@dataclass(frozen=True)
class Link:
    """One thing that must hold. None: it can't be said from here."""

    link: str
    holds: bool | None
    fact: str


def first_broken(links: Sequence[Link]) -> Link | None:
    """The first link that doesn't hold; of a chain the uppermost, for which those below it fail too."""
    broken = [link for link in links if link.holds is False]
    chain = [link for link in broken if link.link.startswith(CERTIFICATE)]
    return chain[-1] if chain and broken[0] is chain[0] else broken[0] if broken else None
