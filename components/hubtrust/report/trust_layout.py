"""Where the boxes of the trust map are: a tree of authorities from the left to the right, and the services at its end.

Every authority that has none below it, or that a service trusts, has a row of its own, so that its line to a service crosses no box.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from statistics import fmean
from typing import Any, Final

from .proofs import Proof, proof_of

Entry = Mapping[str, Any]

WIDTH: Final = 1120
MOST_SERVICES, MOST_AUTHORITIES = 40, 60  # in the drawing; the tables have more
GAP, BETWEEN, TOP = 84, 20, 34
ROW, HEAD, FOOT = 44, 56, 30  # of a service's box
_AUTHORITY, _WIDEST = 100, 90  # the height of an authority's box; the most that is between two boxes
_DEEPEST: Final = 3  # columns of intermediates; what is deeper is in the last of them


@dataclass
class Box:
    """A box of the drawing: an authority or a service."""

    entry: Entry
    height: float
    x: float = 0
    y: float = 0
    rows: list[tuple[Entry, Proof]] = field(default_factory=list)


@dataclass(frozen=True)
class Layout:
    """All boxes of a drawing, placed."""

    authorities: Mapping[str, Box]
    services: Sequence[Box]
    columns: int
    """Of authorities."""
    room: float
    """How wide each box is."""
    height: float


def layout(document: Mapping[str, Any]) -> Layout:
    """The boxes of a document's authorities and services."""
    entries = drawn_authorities(document)
    level = depths(entries)
    columns = max(level.values(), default=-1) + 1
    room = (WIDTH - GAP * columns) / (columns + 1)
    services = [_service(each, columns * (room + GAP)) for each in (document.get("services") or [])[:MOST_SERVICES]]
    boxes = {str(each.get("id")): Box(each, _AUTHORITY, level[str(each.get("id"))] * (room + GAP)) for each in entries}
    rows = _rows(boxes, _targets(services))
    height = max((max(rows.values(), default=-1) + 1) * (_AUTHORITY + BETWEEN), sum(box.height + BETWEEN for box in services)) - BETWEEN
    _place_rows(boxes, rows, height)
    _place(services, height)
    return Layout(boxes, services, columns, room, height)


def drawn_authorities(document: Mapping[str, Any]) -> list[Entry]:
    """The authorities of the drawing: if there are too many, those that the drawn services trust, and those above them."""
    authorities: list[Entry] = list(document.get("authorities") or [])
    if len(authorities) <= MOST_AUTHORITIES:
        return authorities
    drawn = (document.get("services") or [])[:MOST_SERVICES]
    wanted = {str(trust.get("certificate")) for service in drawn for trust in service.get("trusts") or []}
    issuers = {str(each.get("id")): str(each.get("issuer")) for each in authorities}
    above = wanted
    while above := {issuers[each] for each in above if each in issuers} - wanted:
        wanted |= above
    return sorted(authorities, key=lambda each: str(each.get("id")) not in wanted)[:MOST_AUTHORITIES]


def depths(authorities: Sequence[Entry]) -> dict[str, int]:
    """How many known issuers are above each authority; one that is no root has one, known or not.

    A circle of issuers, which only a damaged state has, ends where it began.
    """
    issuers = {str(each.get("id")): each.get("issuer") for each in authorities}

    def depth(identity: str) -> int:
        passed = [identity]
        while (issuer := issuers.get(passed[-1])) and str(issuer) in issuers and str(issuer) not in passed:
            passed.append(str(issuer))
        return len(passed) - 1

    least = {str(each.get("id")): int(each.get("kind") != "root" and not each.get("issuer")) for each in authorities}
    has_roots = any(not below for below in least.values())
    return {identity: min(max(depth(identity), least[identity] if has_roots else 0), _DEEPEST) for identity in issuers}


def _service(service: Entry, x: float) -> Box:
    rows = [(trust, proof_of(trust)) for trust in service.get("trusts") or []]
    return Box(service, HEAD + ROW * max(1, len(rows)) + FOOT, x, rows=rows)


def _targets(services: Sequence[Box]) -> dict[str, list[int]]:
    """By certificate, the places of those that trust it, counted from above."""
    found: dict[str, list[int]] = {}
    for place, (trust, _) in enumerate(row for box in services for row in box.rows):
        found.setdefault(str(trust.get("certificate")), []).append(place)
    return found


def _rows(boxes: Mapping[str, Box], targets: Mapping[str, list[int]]) -> dict[str, float]:
    """The row of each authority: near what trusts it and what is below it; what nobody trusts is at the end."""
    below: dict[str, list[str]] = {}
    for identity, box in boxes.items():
        issuer = boxes.get(str(box.entry.get("issuer")))
        below.setdefault(str(box.entry.get("issuer")) if issuer and issuer.x < box.x else "", []).append(identity)

    def reached(identity: str) -> list[int]:
        return [*targets.get(identity, ()), *(place for each in below.get(identity, ()) for place in reached(each))]

    rank = {identity: fmean(places) if (places := reached(identity)) else inf for identity in boxes}
    rows: dict[str, float] = {}
    free = 0

    def put(identity: str) -> None:
        nonlocal free
        issued = sorted(below.get(identity, ()), key=rank.__getitem__)
        if identity in targets or not issued:
            rows[identity] = free
            free += 1
        for each in issued:
            put(each)
        rows.setdefault(identity, fmean((rows[issued[0]], rows[issued[-1]])) if issued else free)

    for identity in sorted(below.get("", ()), key=rank.__getitem__):
        put(identity)
    return rows


def _place_rows(boxes: Mapping[str, Box], rows: Mapping[str, float], height: float) -> None:
    count = max(rows.values(), default=0) + 1
    step = min((height + BETWEEN) / count, _AUTHORITY + _WIDEST)
    top = TOP + (height - step * (count - 1) - _AUTHORITY) / 2
    for identity, row in rows.items():
        boxes[identity].y = top + step * row


def _place(services: Sequence[Box], height: float) -> None:
    free = height - sum(box.height + BETWEEN for box in services) + BETWEEN
    between = min(free / (len(services) + 1), _WIDEST) if services else 0
    y = TOP + (free - between * (len(services) - 1)) / 2
    for box in services:
        box.y = y
        y += box.height + BETWEEN + between
