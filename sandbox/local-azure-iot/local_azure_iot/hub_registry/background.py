"""Work that goes on after its request was answered: jobs. In memory: what a restart ends begins again as local Azure starts (`resume`)."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from local_azure_iot.store import Store

_log = logging.getLogger("local_azure_iot")


@dataclass
class BackgroundWork:
    """Tasks by the store key of what they work on."""

    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def begin(self, key: str, work: Callable[[], Coroutine[Any, Any, None]], failed: Callable[[str], None]) -> None:
        """Begin work on ``key``, unless it is being worked on. It starts once the current request's transaction is committed.

        An error that the work does not expect is in local Azure's log, and ``failed`` is called with one line about it: nobody shall wait
        for work that has ended.
        """
        before = self._tasks.get(key)
        if before is None or before.done():  # one that has just ended is still here, and sees no more of what it works on
            task = asyncio.get_running_loop().create_task(work())
            self._tasks[key] = task
            task.add_done_callback(lambda done: self._ended(key, done, failed))

    def begin_chunks(self, key: str, store: Store, chunk: Callable[[], bool]) -> None:
        """Begin to call ``chunk``, each time in a transaction of its own, as long as it returns that there is more.

        Others have their turn in between. No client asks for such work: what fails stays where it is, in the store and in the log.
        """

        async def run() -> None:
            more = True
            while more:
                await asyncio.sleep(0)
                with store.transaction():
                    more = chunk()

        self.begin(key, run, lambda _reason: None)

    def running(self, prefix: str = "") -> list[asyncio.Task[None]]:
        """The tasks that have not ended, of those whose keys begin with ``prefix``."""
        return [task for key, task in self._tasks.items() if key.startswith(prefix) and not task.done()]

    def _ended(self, key: str, task: asyncio.Task[None], failed: Callable[[str], None]) -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]
        if not task.cancelled() and (error := task.exception()):
            _log.error("work on %s failed inside local Azure", key, exc_info=error)
            failed(f"an error inside local Azure ({type(error).__name__}); its log says more")
