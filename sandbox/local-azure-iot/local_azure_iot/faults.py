"""Injected faults: local Azure fails, or answers wrongly, at exactly the requests that a rule selects.

A rule in text: `FAULT[:name=value]…`, several joined by `;`. The kinds of FAULT:

| FAULT | the client gets |
|---|---|
| 401, 403, 404, 409, 412, 429, 500, 503, 504 | the error in the words of the service that was asked; 404: what was asked for does not exist |
| `404-service`, `404-group` | the error for a hub or provisioning service, or a resource group, that does not exist, whatever in it was asked for |
| `drop` | the connection ends without an answer |
| `latency` | the true answer after `seconds` |
| `html`, `empty` | 200 with a login page, or without a body |
| `foreign` | 200 with JSON of another kind: first another resource of the same type, then at each further hit the next of a list (another type, an error, an object or list of something else, null, text, a number); `seed` is where it begins |
| `truncated` | 200 with half of the JSON, and the Content-Length of that half |
| `cut` | half of the true answer, with the Content-Length of the whole, then the connection ends |
| `deep` | 200 with JSON that is nested 100,000 deep |
| `redirect` | 302 to a login page, which answers 200 to whoever follows |
| `drip` | the true answer byte by byte, `seconds` apart (0: one second), and then spaces for ever |
| `bomb` | 200 with 255 KiB of gzip that become 256 MiB of JSON |

Names: `method`, `host` and `path` (globs on the decoded path, any case), `nth` (only the n-th request that fits), `since` (the n-th and
all after it), `share` (of the fitting requests, drawn with `seed`), `times` (how often at most), `when` (`before` or `after` the effect;
`latency`, `drip` and `cut` come after it in any case), `seconds` (a wait), `retry-after` (the header Retry-After with an error: a number,
a date or any other text, such as `-1` or `nan`). Example: `503:method=POST:path=*/verify:nth=1:when=after`.
"""  # noqa: E501 - a table's row is one line

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from local_azure_iot.wrong_answers import PORTAL, WRONG_ANSWERS

if TYPE_CHECKING:
    from local_azure_iot.wire import Request

STATUSES = ("401", "403", "404", "404-service", "404-group", "409", "412", "429", "500", "503", "504")
TRUE_ANSWERS = ("latency", "drip", "cut")  # the request takes effect, and its answer is sent in a bad way
KINDS = ("drop", *TRUE_ANSWERS, *WRONG_ANSWERS, *STATUSES)
_OPTION = re.compile(r":(?=[a-z_-]+(?:=|:|$))")  # a colon inside a value, as in a date, separates nothing


@dataclass(kw_only=True)
class Rule:
    """One fault and when it occurs."""

    fault: str  # one of KINDS
    method: str = "*"
    host: str = "*"
    path: str = "*"
    nth: int | None = None
    since: int | None = None
    share: float | None = None
    times: int | None = None
    when: str = "before"
    seconds: float = 0.0
    retry_after: str | None = None
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
        if self.fault not in KINDS:
            raise ValueError(f"fault '{self.fault}' is not one of {', '.join(KINDS)}")
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
        for name in ("nth", "times", "seed", "share", "seconds"):
            value = getattr(self, name)
            if value is None and name not in {"seed", "seconds"}:
                continue
            whole = int if name not in {"share", "seconds"} else (int, float)
            if not isinstance(value, whole) or isinstance(value, bool) or not value >= 0:
                raise ValueError(f"fault '{self.fault}': {name}={value!r} is not a number of 0 or more")
        if self.retry_after is not None:
            self.retry_after = _header(self.fault, self.retry_after)

    @property
    def number(self) -> int:
        """Which of several wrong answers is due."""
        return self.seed + self.hits - 1

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
        if request.path.startswith(f"{PORTAL}/") and any(rule.fault == "redirect" for rule in self.rules):
            return Rule(fault="html")
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
        raise ValueError("a fault needs 'fault': one of " + ", ".join(KINDS))
    return Rule(**{**arguments, "fault": str(arguments["fault"])})


def _rule(text: str) -> Rule:
    fault, *options = _OPTION.split(text.strip())
    value: dict[str, Any] = {"fault": fault}
    kinds: dict[str, type] = {"nth": int, "since": int, "times": int, "seed": int, "share": float, "seconds": float}
    for option in options:
        name, equals, item = option.partition("=")
        if not equals:
            raise ValueError(f"fault '{fault}': '{option}' is not name=value")
        try:
            value[name] = kinds.get(name, str)(item)
        except ValueError as error:
            raise ValueError(f"fault '{fault}': {name}='{item}' is not a number") from error
    return from_json(value)


def _header(fault: str, value: Any) -> str:
    """A value that can be sent as a header."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(f"fault '{fault}': retry_after={value!r} is neither a number nor text")  # noqa: TRY004 - like the others
    text = str(value)
    if not text.isascii() or not text.isprintable():
        raise ValueError(f"fault '{fault}': retry_after={value!r} can't be sent as a header")
    return text
