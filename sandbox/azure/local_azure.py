"""The state of one local Azure, given to every operation: storage, clock, dials, tokens, the devices' connections."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.azure.dials import Dials
from sandbox.azure.hub_registry.presence import Presence
from sandbox.azure.hub_registry.throttle import Throttle

if TYPE_CHECKING:
    from sandbox.azure.clock import Clock
    from sandbox.azure.login.tokens import TokenIssuer
    from sandbox.azure.store import Store


@dataclass(kw_only=True)
class Azure:
    """What every handler gets besides the request. There is one in each process."""

    store: Store
    clock: Clock
    tokens: TokenIssuer
    subscription_id: str
    dials: Dials = field(default_factory=Dials)
    presence: Presence = field(default_factory=Presence)
    throttle: Throttle = field(default_factory=Throttle)
