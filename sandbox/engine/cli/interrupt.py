"""Ctrl-C: the first asks the run to stop cleanly, the second ends it at once; neither leaves the lock or a hidden cursor behind."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

from sandbox.engine.display.stream import write_at_once
from sandbox.engine.errors import CancelledError
from sandbox.engine.state.lock import locked
from sandbox.engine.steps.cancel import CancelToken

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from sandbox.engine.cli.workspace import Workspace
    from sandbox.engine.display.stream import Display

# A closed terminal, or a stopped CI job, ends a run as cleanly as Ctrl-C.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """What these signals do while a command holds a stack's lock: they never raise an exception, except while the user is asked."""

    def __init__(self, display: Display) -> None:
        """`display` gets messages to the user; `shown_by` replaces it for a while."""
        self.token = CancelToken()
        self._display = display
        self._is_asking = False

    @contextlib.contextmanager
    def handled(self) -> Iterator[None]:
        """Turns a signal into `token.cancel()` while the block runs, and the second one into `token.kill()`. An ignored signal stays so."""
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        ours = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
        for number in ours:
            signal.signal(number, self._handle)
        try:
            yield
        finally:
            for number in ours:
                signal.signal(number, before[number])

    @contextlib.contextmanager
    def shown_by(self, display: Display) -> Iterator[None]:
        """Messages go to this display while the block runs."""
        before, self._display = self._display, display
        try:
            yield
        finally:
            self._display = before

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """While the user is asked, a signal ends the command.

        Raises:
            CancelledError: there was one.
        """
        try:
            self._is_asking = True
            if not self.token.cancelled:
                yield
                return
        except KeyboardInterrupt:
            pass
        finally:
            self._is_asking = False
        raise CancelledError("interrupted; nothing was changed")

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        # Acts before it prints: a second ^C may interrupt this handler, and must not count as the first.
        name = "^C" if number == signal.SIGINT else signal.Signals(number).name
        if self._is_asking:
            self._is_asking = False
            raise KeyboardInterrupt
        if self.token.cancelled:
            self.token.kill()
            self._notify(f"{name} received again; terminating.")
        else:
            self.token.cancel()
            self._notify(
                f"{name} received; cancelling. If you would like to terminate immediately, press ^C again.\n"
                "Note that terminating immediately may lead to orphaned resources and other inconsistencies."
            )

    def _notify(self, text: str) -> None:
        with contextlib.suppress(OSError):  # a closed terminal: a run does not depend on its display
            self._display.notice(text)


class _ErrorOutput:
    """Messages between two displays."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def show(self, event: object) -> None:
        """There are no events."""

    def notice(self, text: str) -> None:
        """Printed to the error output."""
        write_at_once(self._workspace.stderr, text)

    def close(self) -> None:
        """Nothing is left to show."""


@contextlib.contextmanager
def exclusive(workspace: Workspace) -> Iterator[Interrupts]:
    """Holds the stack's lock, which no signal leaves behind.

    Raises:
        LockedError: another run holds it.
        BackendError: the lock can't be written.
    """
    interrupts = Interrupts(_ErrorOutput(workspace))
    cancel = workspace.command("cancel --yes")
    with interrupts.handled(), locked(workspace.backend, workspace.ref, workspace.now, cancel=cancel, warn=workspace.warn):
        yield interrupts


@contextlib.contextmanager
def interruptible(workspace: Workspace) -> Iterator[Interrupts]:
    """The same without the lock, for a command that changes nothing."""
    interrupts = Interrupts(_ErrorOutput(workspace))
    with interrupts.handled():
        yield interrupts
