"""Which hosts did not answer in this process, which is one run: a run waits for a host once, and not once for each resource."""

import threading

_LOCK = threading.Lock()
_unreachable: set[str] = set()
_reported: set[str] = set()


def is_unreachable(host: str) -> bool:
    """Whether an earlier request waited for ``host`` until its limit, and nobody has reached it since."""
    with _LOCK:
        return host in _unreachable


def record(host: str, *, reached: bool) -> None:
    """Record that Azure answered at ``host``, or that it did not until the limit."""
    with _LOCK:
        if reached:
            _unreachable.discard(host)
            _reported.discard(host)
        else:
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
