"""Stopping a run from outside: cleanly, or at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class CancelToken:
    """Asks a run to stop: `cancel` once to end cleanly, `kill` to end at once. Both may be called from any thread or handler."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listener: Callable[[], None] | None = None
        self.cancelled = self.killed = False

    def cancel(self) -> None:
        """Start nothing new, ask the providers to stop, keep the state."""
        self.cancelled = True
        self._notify()

    def kill(self) -> None:
        """Kill the plugins and the program; operations in progress stay in the state as pending."""
        self.cancelled = self.killed = True
        self._notify()

    def listen(self, loop: asyncio.AbstractEventLoop, listener: Callable[[], None]) -> None:
        """Have `listener` called on the run's loop. It reads `cancelled` and `killed` then: a kill may overtake the cancel before it."""
        self._loop, self._listener = loop, listener
        if self.cancelled:
            self._notify()

    def _notify(self) -> None:
        if self._loop is not None and self._listener is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._listener)
