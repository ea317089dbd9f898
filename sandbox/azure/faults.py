"""Injected faults: local Azure fails at exactly the requests that a rule selects.

A rule in text: `FAULT[:name=value]…`, several joined by `;`. FAULT is a status (412, 409, 429, 500, 503, 504, 401, 403), `drop` or
`latency`. Names: `method`, `host` and `path` (globs on the decoded path, any case), `nth` (only the n-th request that fits), `since` (the
n-th and all after it), `share` (of the fitting requests, drawn with `seed`), `times` (how often at most), `when` (`before` or `after`
the effect), `seconds` (latency), `retry-after` (seconds, on 429 and 503). Example: `503:method=POST:path=*/verify:nth=1:when=after`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.azure.wire import Request

_STATUSES = (401, 403, 409, 412, 429, 500, 503, 504)


@dataclass(kw_only=True)
class Rule:
    """One fault and when it occurs."""

    fault: str  # a status as text, `drop` or `latency`
    method: str = "*"
    host: str = "*"
    path: str = "*"
    nth: int | None = None
    since: int | None = None
    share: float | None = None
    times: int | None = None
    when: str = "before"
    seconds: float = 0.0
    retry_after: int | None = None
    seed: int = 0
    seen: int = 0
    hits: int = 0
    _random: random.Random = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the values that came from outside.

        Raises:
            ValueError: One of them is invalid.
        """
        self._check_kinds()
        if self.fault not in {"drop", "latency", *map(str, _STATUSES)}:
            raise ValueError(f"fault '{self.fault}' is not one of drop, latency, {', '.join(map(str, _STATUSES))}")
        if self.when not in {"before", "after"}:
            raise ValueError(f"fault '{self.fault}': when='{self.when}' is neither before nor after the effect")
        if self.share is not None and not 0 <= self.share <= 1:
            raise ValueError(f"fault '{self.fault}': share={self.share} is not between 0 and 1")
        for name, count in (("nth", self.nth), ("since", self.since)):
            if count is not None and count < 1:
                raise ValueError(f"fault '{self.fault}': {name}={count} must be 1 or more")
        self._random = random.Random(self.seed)  # noqa: S311 - a seeded draw that can be repeated, not a secret

    def _check_kinds(self) -> None:
        if wrong := [name for name in ("method", "host", "path", "when") if not isinstance(getattr(self, name), str)]:
            raise ValueError(f"fault '{self.fault}': {wrong[0]}={getattr(self, wrong[0])!r} is not text")
        for name in ("nth", "times", "retry_after", "seed", "share", "seconds"):
            value = getattr(self, name)
            if value is None and name not in {"seed", "seconds"}:
                continue
            whole = int if name not in {"share", "seconds"} else (int, float)
            if not isinstance(value, whole) or isinstance(value, bool) or not value >= 0:
                raise ValueError(f"fault '{self.fault}': {name}={value!r} is not a number of 0 or more")

    def applies_to(self, request: Request) -> bool:
        """Whether this request gets the fault; counts it."""
        if not self._fits(request) or (self.times is not None and self.hits >= self.times):
            return False
        self.seen += 1
        due = (self.nth is None or self.seen == self.nth) and (self.since is None or self.seen >= self.since)
        hit = due and (self.share is None or self._random.random() < self.share)
        self.hits += hit
        return hit

    def _fits(self, request: Request) -> bool:
        return (
            fnmatchcase(request.method.lower(), self.method.lower())
            and fnmatchcase(request.host.lower(), self.host.lower())
            and fnmatchcase(request.path.lower(), self.path.lower())
        )

    def to_json(self) -> dict[str, Any]:
        """The rule and how often it was applied, as JSON."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


@dataclass
class Faults:
    """The active rules. The first that matches a request applies."""

    rules: list[Rule] = field(default_factory=list)

    def rule_for(self, request: Request) -> Rule | None:
        """The rule that applies to this request, or None. After a latency rule, later rules apply too."""
        latency = None
        for rule in self.rules:
            if not rule.applies_to(request):
                continue
            if rule.fault != "latency":
                return replace(rule, seconds=max(rule.seconds, latency.seconds)) if latency else rule
            latency = latency or rule
        return latency


def parse(text: str) -> list[Rule]:
    """The rules in a `--hostile` text.

    Raises:
        ValueError: The text is invalid.
    """
    return [_rule(part) for part in text.split(";") if part.strip()]


def from_json(value: dict[str, Any]) -> Rule:
    """A rule as the control port takes it; names as in the text form, `retryAfter` too.

    Raises:
        ValueError: The rule is invalid.
    """
    known = {"fault", "method", "host", "path", "nth", "since", "share", "times", "when", "seconds", "retry_after", "seed"}
    renamed = {"retryAfter": "retry_after", "retry-after": "retry_after"}
    arguments = {renamed.get(name, name): item for name, item in value.items()}
    if unknown := set(arguments) - known:
        raise ValueError(f"a fault has no '{min(unknown)}'; it has {', '.join(sorted(known))}")
    if "fault" not in arguments:
        raise ValueError("a fault needs 'fault': a status, drop or latency")
    return Rule(**{**arguments, "fault": str(arguments["fault"])})


def _rule(text: str) -> Rule:
    fault, *options = text.strip().split(":")
    value: dict[str, Any] = {"fault": fault}
    kinds: dict[str, type] = {"nth": int, "since": int, "times": int, "seed": int, "retry-after": int, "share": float, "seconds": float}
    for option in options:
        name, equals, item = option.partition("=")
        if not equals:
            raise ValueError(f"fault '{fault}': '{option}' is not name=value")
        try:
            value[name] = kinds.get(name, str)(item)
        except ValueError as error:
            raise ValueError(f"fault '{fault}': {name}='{item}' is not a number") from error
    return from_json(value)
