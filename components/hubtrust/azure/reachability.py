"""Which hosts did not answer in this process, which is one run: a run waits for a host once, and not once for each resource.

A host that answered another request meanwhile is reachable, whatever became of this one.
"""

import threading
from collections import Counter

_LOCK = threading.Lock()
_unreachable: set[str] = set()
_reported: set[str] = set()
_answers: Counter[str] = Counter()  # by host, so that a request can see whether the host answered others while it waited


def is_unreachable(host: str) -> bool:
    """Whether an earlier request waited for ``host`` until its limit, and nobody has reached it since."""
    with _LOCK:
        return host in _unreachable


def answers(host: str) -> int:
    """How many requests ``host`` has answered."""
    with _LOCK:
        return _answers[host]


def record(host: str, *, reached: bool, since: int | None = None) -> None:
    """Record that Azure answered at ``host``, or that it did not until the limit.

    ``since`` is what ``answers`` said when a request began: if there are more by now, its failure says nothing about the host.
    """
    with _LOCK:
        if reached:
            _answers[host] += 1
            _unreachable.discard(host)
            _reported.discard(host)
        elif since is None or since == _answers[host]:
            _unreachable.add(host)


def report_once(host: str) -> bool:
    """Whether the user is to be told that ``host`` is waited for: true for the first who asks."""
    with _LOCK:
        first = host not in _reported
        _reported.add(host)
        return first


def forget() -> None:
    """Forget everything: for tests, which are many runs in one process."""
    with _LOCK:
        _unreachable.clear()
        _reported.clear()
        _answers.clear()
