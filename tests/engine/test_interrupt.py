"""Ctrl-C: the second one ends the run at once, whenever it comes."""

from __future__ import annotations

import os
import signal

from sandbox.engine.cli.interrupt import interruptible
from sandbox.engine.steps.cancel import CancelToken


def test_the_second_counts_even_in_the_middle_of_the_first() -> None:
    """A second Ctrl-C during the first message counts as the second; no third one is needed."""
    token, said = CancelToken(), list[str]()

    def say(text: str) -> None:
        said.append(text)
        if len(said) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    with interruptible(token, say):
        os.kill(os.getpid(), signal.SIGINT)
    assert token.killed
    assert [text.split(";")[0] for text in said] == ["^C received", "^C received again"]


def test_one_asks_and_handlers_are_given_back() -> None:
    """One ^C asks for a clean end; afterwards the previous Ctrl-C handler is back."""
    token, before = CancelToken(), signal.getsignal(signal.SIGINT)
    with interruptible(token, lambda _: None):
        os.kill(os.getpid(), signal.SIGINT)
    assert (token.cancelled, token.killed) == (True, False)
    assert signal.getsignal(signal.SIGINT) is before
