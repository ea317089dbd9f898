"""The state of one local Azure, handed to every operation: what it remembers, its time, its dials."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .dials import Dials

if TYPE_CHECKING:
    from .clock import Clock
    from .login.tokens import TokenIssuer
    from .store import Store


@dataclass(kw_only=True)
class Azure:
    """What handlers get beside the request. One of it serves one process."""

    store: Store
    clock: Clock
    tokens: TokenIssuer
    dials: Dials = field(default_factory=Dials)
