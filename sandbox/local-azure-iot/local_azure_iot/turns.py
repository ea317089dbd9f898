"""Work that many clients ask for at once, done one after the other: between two parts others have their turn."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Turns:
    """Functions in the order in which they came, one in each round of the event loop: a thousand ready sockets are one round."""

    _waiting: deque[Callable[[], None]] = field(default_factory=deque)

    @property
    def are_taken(self) -> bool:
        """Whether somebody waits."""
        return bool(self._waiting)

    def take(self, function: Callable[[], None]) -> None:
        """Call ``function`` when it is its turn. It must not raise."""
        self._waiting.append(function)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._next)

    async def wait(self) -> None:
        """Wait for a turn."""
        reached = asyncio.Event()
        self.take(reached.set)
        await reached.wait()

    def _next(self) -> None:
        try:
            self._waiting[0]()
        finally:
            self._waiting.popleft()
            if self._waiting:
                asyncio.get_running_loop().call_soon(self._next)
