"""A limit in time for what has none of its own: a name that is looked up, an answer that drips, a login that hangs."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

_T = TypeVar("_T")


class TimeOverError(Exception):
    """The step was not done in time. It may still run, in a thread that ends with the process."""


def within(seconds: float, step: Callable[[], _T]) -> _T:
    """The result of ``step``, or its exception, if it takes no longer than ``seconds``.

    Not an executor: those wait for their threads when the process ends, so that one hung thread would keep the process.

    Raises:
        TimeOverError: it takes longer.
    """
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.extend((True, step()))
        except BaseException as error:  # noqa: BLE001 - it is raised again, in the caller's thread
            outcome.extend((False, error))

    thread = threading.Thread(target=run, daemon=True, name="hubtrust-request")
    thread.start()
    thread.join(max(seconds, 0.0))
    if not outcome:
        raise TimeOverError
    done, found = outcome
    if not done:
        raise found
    return found  # type: ignore[no-any-return] # the step's own
