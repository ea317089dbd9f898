"""Who was trusted when: the log of a run, played over what was verified when it began."""

from collections.abc import Iterable, Mapping
from typing import Any

_TAKES_AWAY = {("POST", "generateVerificationCode"), ("PUT", ""), ("DELETE", "")}


def moments(verified: Mapping[str, bool], log: Iterable[Mapping[str, Any]]) -> list[frozenset[str]]:
    """The names of the verified certificates before the first request and after each; of proven ones, not attested ones.

    A request counts when it had its effect, also where nobody saw the answer.
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
            elif (entry["method"], verb) in _TAKES_AWAY:
                trusted -= {name}
        found.append(trusted)
    return found
