"""Which CAs were trusted at each moment: the log of a run, replayed over what was verified at its start."""

from collections.abc import Iterable, Mapping
from typing import Any

_UNVERIFIES = {("POST", "generateVerificationCode"), ("PUT", ""), ("DELETE", "")}


def moments(verified: Mapping[str, bool], log: Iterable[Mapping[str, Any]]) -> list[frozenset[str]]:
    """The names of the verified certificates before the first request and after each request; attested ones are not followed.

    A request counts if it took effect, even if its answer was lost.
    """
    trusted = frozenset(name for name, proven in verified.items() if proven)
    found = [trusted]
    for entry in log:
        _, mark, rest = entry["path"].partition("/certificates/")
        name, _, verb = rest.partition("/")
        status = entry["effect"] if entry["fault"] not in (None, "latency") else entry["status"]
        if mark and status is not None and 200 <= status < 300:
            if (entry["method"], verb) == ("POST", "verify"):
                trusted |= {name}
            elif (entry["method"], verb) in _UNVERIFIES:
                trusted -= {name}
        found.append(trusted)
    return found
