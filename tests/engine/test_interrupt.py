"""Ctrl-C: the second one ends the run at once, whenever it comes."""

from __future__ import annotations

import os
import signal

from sandbox.engine.cli.interrupt import interruptible
from sandbox.engine.steps.cancel import CancelToken


def test_a_second_interrupt_counts_while_the_first_is_handled() -> None:
    """A second Ctrl-C during the first message counts as the second; no third one is needed."""
    token, messages = CancelToken(), list[str]()

    def notify(text: str) -> None:
        messages.append(text)
        if len(messages) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    with interruptible(token, notify):
        os.kill(os.getpid(), signal.SIGINT)
    assert token.killed
    assert [text.split(";")[0] for text in messages] == ["^C received", "^C received again"]


def test_one_interrupt_cancels_and_the_handlers_are_restored() -> None:
    """One ^C asks for a clean end; afterwards the previous Ctrl-C handler is back."""
    token, before = CancelToken(), signal.getsignal(signal.SIGINT)
    with interruptible(token, lambda _: None):
        os.kill(os.getpid(), signal.SIGINT)
    assert (token.cancelled, token.killed) == (True, False)
    assert signal.getsignal(signal.SIGINT) is before
