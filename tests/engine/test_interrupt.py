"""Ctrl-C counted: whenever the second one comes, it ends the run."""

from __future__ import annotations

import os
import signal

from sandbox.engine.cli.interrupt import interruptible
from sandbox.engine.steps.cancel import CancelToken


def test_the_second_counts_even_in_the_middle_of_the_first() -> None:
    """Whoever presses again as soon as the first word appears is not asked to press a third time."""
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
    """One ^C asks for a clean end; afterwards Ctrl-C means what it meant before."""
    token, before = CancelToken(), signal.getsignal(signal.SIGINT)
    with interruptible(token, lambda _: None):
        os.kill(os.getpid(), signal.SIGINT)
    assert (token.cancelled, token.killed) == (True, False)
    assert signal.getsignal(signal.SIGINT) is before
