"""How the calls of a step on Azure differ from those of the same step on local Azure. Pure.

Calls of the same method and address (names masked) are one kind: an engine does many things at once, so their order says nothing. How often
something was read is not compared either, because a client asks again until a long operation is done; how often it was written is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Call = Mapping[str, Any]  # a line of a recording: components/hubtrust/azure/call_recording.py

_READS = {"GET", "HEAD"}
_CONTAINERS = {"object", "list"}
_READING_ENDS = ("/query", "/listkeys", "/checkNameAvailability")


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One difference, of one kind of call."""

    call: str  # method and masked address
    what: str  # what differs, in a few words: "missing", "status", "answer at properties.etag" …
    local_azure: str
    azure: str

    def __str__(self) -> str:
        return f"{self.call}: {self.what}: local Azure {self.local_azure}, Azure {self.azure}"


def compare(local_azure: Sequence[Call], azure: Sequence[Call]) -> list[Difference]:
    """The differences between two recordings of one step, by kind of call; empty where Azure answered as local Azure does."""
    expected, found = _kinds(local_azure), _kinds(azure)
    differences: list[Difference] = []
    for name in sorted(expected.keys() | found.keys()):
        differences += _compared(name, expected.get(name), found.get(name))
    return differences


def writes(calls: Sequence[Call]) -> list[str]:
    """The calls that change something, as method and masked address, in their order."""
    return [f"{call['method']} {call['url']}" for call in calls if not _is_read(call)]


@dataclass(slots=True)
class _Answers:
    """The calls of one kind with one status: how many, and what was seen in any of them."""

    count: int = 0
    errors: set[str] = field(default_factory=set)
    places: dict[str, set[str]] = field(default_factory=dict)  # "answer at properties.etag" → what is there


@dataclass(slots=True)
class _Kind:
    """All calls of one method and address."""

    is_write: bool
    versions: set[str] = field(default_factory=set)
    request: dict[str, set[str]] = field(default_factory=dict)
    answers: dict[str, _Answers] = field(default_factory=dict)  # by status


def _kinds(calls: Iterable[Call]) -> dict[str, _Kind]:
    kinds: dict[str, _Kind] = {}
    for call in calls:
        name = f"{call['method']} {call['url']}"
        kind = kinds.setdefault(name, _Kind(is_write=not _is_read(call)))
        kind.versions.add(call["apiVersion"] or "none")
        _add(kind.request, "request", call["request"])
        _add(kind.request, "request header", call["requestHeaders"])
        status = "no answer" if call["status"] is None else str(call["status"])
        answers = kind.answers.setdefault(status, _Answers())
        answers.count += 1
        if call["error"]:
            answers.errors.add(call["error"])
        _add(answers.places, "answer", call["answer"])
        _add(answers.places, "header", call["headers"])
    return kinds


def _is_read(call: Call) -> bool:
    return call["method"] in _READS or str(call["url"]).endswith(_READING_ENDS)


def _add(places: dict[str, set[str]], part: str, found: Mapping[str, str | list[str]] | str | None) -> None:
    if not isinstance(found, dict):
        places.setdefault(part, set()).add(found if isinstance(found, str) else "empty")
        return
    for place, forms in found.items():
        named = f"{part} {place}" if part.endswith("header") else (f"{part} at {place}" if place else part)
        places.setdefault(named, set()).update([forms] if isinstance(forms, str) else forms)


def _compared(name: str, expected: _Kind | None, found: _Kind | None) -> list[Difference]:
    if expected is None or found is None:
        return [Difference(name, "call only on one side", _statuses(expected), _statuses(found))]
    differences = _sets(name, "api-version", expected.versions, found.versions)
    differences += _places(name, "", expected.request, found.request)
    differences += _sets(name, "status", expected.answers.keys(), found.answers.keys())
    for status in sorted(expected.answers.keys() & found.answers.keys()):
        here, there = expected.answers[status], found.answers[status]
        if expected.is_write and here.count != there.count:
            differences.append(Difference(name, f"number of calls answered {status}", f"{here.count}", f"{there.count}"))
        differences += _sets(name, f"error with {status}", here.errors, there.errors)
        differences += _places(name, f" of {status}", here.places, there.places)
    return differences


def _statuses(kind: _Kind | None) -> str:
    if kind is None:
        return "no such call"
    return "answers " + ", ".join(f"{status} ({answers.count} times)" for status, answers in sorted(kind.answers.items()))


def _sets(name: str, what: str, expected: Iterable[str], found: Iterable[str]) -> list[Difference]:
    here, there = sorted(expected), sorted(found)
    return [] if here == there else [Difference(name, what, " or ".join(here) or "none", " or ".join(there) or "none")]


def _places(name: str, of: str, expected: Mapping[str, set[str]], found: Mapping[str, set[str]]) -> list[Difference]:
    """What differs place by place. Of what is within such a difference, or in a list that was empty, nothing is told."""
    differences: list[Difference] = []
    silent: set[str] = set()
    for place in sorted(expected.keys() | found.keys()):
        here, there = expected.get(place, set()), found.get(place, set())
        is_within_one = _parent(place) in silent
        if is_within_one or here & _CONTAINERS != there & _CONTAINERS:
            silent.add(place)
        is_empty_list = place.endswith("[]") and not (here and there)
        if not is_within_one and not is_empty_list:
            differences += _sets(name, f"{place}{of}", here or {"nothing"}, there or {"nothing"})
    return differences


def _parent(place: str) -> str:
    if place.endswith("[]"):
        return place[:-2].removesuffix(" at ")
    part, _, path = place.rpartition(" at ")
    above = path.rpartition(".")[0]
    return f"{part} at {above}" if above else part
