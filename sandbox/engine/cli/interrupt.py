"""Ctrl-C: the first asks the run to stop cleanly, the second ends it at once."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from sandbox.engine.steps.cancel import CancelToken


@contextlib.contextmanager
def interruptible(token: CancelToken, notify: Callable[[str], None]) -> Iterator[None]:
    """Turns SIGINT and SIGTERM into `token.cancel()` while the block runs, and the second one into `token.kill()`.

    `notify` shows a message to the user.
    """

    def handle(_number: int, _frame: FrameType | None) -> None:
        # Acts before it prints: a second ^C may interrupt this handler, and must not count as the first.
        if token.cancelled:
            token.kill()
            notify("^C received again; terminating.")
        else:
            token.cancel()
            notify(
                "^C received; cancelling. If you would like to terminate immediately, press ^C again.\n"
                "Note that terminating immediately may lead to orphaned resources and other inconsistencies."
            )

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
