"""Finds the operation of a request. Each operation is a route, which also says what its behaviour is based on."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import LaterReply, Reply, Request

    Handler = Callable[[Azure, Request], Reply | LaterReply]
    # operation, method, path, handler, evidence, action, and perhaps a note: as a Route's.
    Row = tuple[str, str, str, Handler, "Evidence", str] | tuple[str, str, str, Handler, "Evidence", str, str]


class Evidence(StrEnum):
    """What an operation's behaviour is based on."""

    RECORDED = "recorded"  # real traffic was recorded, and tests replay it
    DOCUMENTED = "documented"  # Microsoft's documentation, OpenAPI files or clients' source
    GUESS = "guess"  # neither: what users would expect


@dataclass(frozen=True, kw_only=True)
class Route:
    """One operation: its method and path, and the function that answers it."""

    operation: str  # Azure's own operation id where there is one
    method: str
    path: str  # `{name}` takes one segment, `{name*}` any number of them
    handler: Handler
    evidence: Evidence
    versions: tuple[str, ...] = ()  # api-versions; empty: the operation takes no api-version
    note: str = ""  # for the coverage page: which part is a guess, what is left out
    resource_type: str = ""  # ARM's name of it, for errors about api-versions
    action: str = ""  # the ARM action or data action that a caller needs


@dataclass(frozen=True)
class KnownOperation:
    """An operation of Azure's that a specification or client of Microsoft's names, whether local Azure has it or not."""

    operation: str
    method: str
    path: str


def known_operations(text: str, **prefixes: str) -> tuple[KnownOperation, ...]:
    """Read a list of operations: a name, method and path on each line. A path may begin with one of the ``prefixes``, as `<name>`."""
    for name, prefix in prefixes.items():
        text = text.replace(f"<{name}>", prefix)
    return tuple(KnownOperation(*line.split()) for line in text.splitlines() if line.strip())


class _Place(Protocol):
    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...


Place = TypeVar("Place", bound=_Place)


def table(rows: Iterable[Row], *, versions: tuple[str, ...] = (), resource_type: str = "") -> list[Route]:
    """The operations of one resource type, a row each."""
    return [
        Route(
            operation=operation,
            method=method,
            path=path,
            handler=handler,
            evidence=evidence,
            action=action,
            note="".join(note),
            versions=versions,
            resource_type=resource_type,
        )
        for operation, method, path, handler, evidence, action, *note in rows
    ]


def absent(routes: Iterable[Route], known: Iterable[KnownOperation]) -> list[KnownOperation]:
    """The known operations that no route answers."""
    router = Router(routes)
    return [each for each in known if router.find(each.method, sample_path(each)) is None]


def sample_path(operation: KnownOperation) -> str:
    """A path of an operation: each variable part has a value that local Azure's own routes take."""
    return re.sub(r"\{(\w+)\*?\}", lambda part: _SAMPLES.get(part[1], f"a-{part[1]}"), operation.path)


_SAMPLES = {"endpoint": "events", "scope": "/subscriptions/a-subscription", "namespace": "Microsoft.Devices"}


@dataclass(frozen=True)
class Match(Generic[Place]):
    """A route and the values of the path's variable parts."""

    route: Place
    parameters: dict[str, str]


class Router(Generic[Place]):
    """Finds routes. Azure's paths are case-insensitive; the values of variable parts keep their case."""

    def __init__(self, routes: Iterable[Place]) -> None:
        self._by_method: dict[str, list[tuple[list[str] | None, Place]]] = defaultdict(list)
        for route in routes:
            self._by_method[route.method].append((_literals(route.path), route))

    def find(self, method: str, path: str) -> Match[Place] | None:
        """The first route that fits, or None."""
        segments = path.lower().split("/")
        for literals, route in self._by_method.get(method, ()):
            if literals is not None and not _may_be(segments, literals):
                continue
            if found := _pattern(route.path).fullmatch(path):
                return Match(route, found.groupdict())
        return None

    def methods(self, path: str) -> list[str]:
        """The methods that this path supports, for the text of a 405."""
        return [method for method in self._by_method if self.find(method, path)]


def _literals(path: str) -> list[str] | None:
    """The path's segments in lower case, empty where they have a variable part; None if one takes any number of segments."""
    return None if "*}" in path else ["" if "{" in segment else segment.lower() for segment in path.split("/")]


def _may_be(segments: list[str], literals: list[str]) -> bool:
    return len(segments) == len(literals) and all(not known or known == segment for segment, known in zip(segments, literals, strict=True))


# Compiling a pattern takes as long as comparing thousands of paths, and most of hundreds are never asked for: so it waits for `_may_be`.
@cache
def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\*?\})", path)
    pattern = ""
    for part in parts:
        if part.startswith("{"):
            name = part[1:-1]
            pattern += f"(?P<{name[:-1]}>.*)" if name.endswith("*") else f"(?P<{name}>[^/]+)"
        else:
            pattern += re.escape(part)
    return re.compile(pattern, re.IGNORECASE)
