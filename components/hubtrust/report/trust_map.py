"""The trust map as a drawing: authorities in columns by their depth, services at the right, a line for each certificate that one trusts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .marks import mark_at
from .markup import Markup, element, together
from .proofs import Proof, proof_of
from .text_in_drawings import broken, fitted
from .words import common_name, counted, day, days_from_now, service_kind

Entry = Mapping[str, Any]

WIDTH: Final = 1120
MOST_SERVICES, MOST_AUTHORITIES = 40, 60  # in the drawing; the tables have more
_GAP, _BETWEEN, _TOP = 84, 20, 34
_ROW, _HEAD, _FOOT = 44, 56, 30
_DEEPEST: Final = 3  # columns of intermediates; what is deeper is in the last of them
_KINDS: Final = {"root": "root CA", "intermediate": "intermediate CA", "issuing": "issuing CA"}


@dataclass
class Box:
    """A box of the drawing: an authority or a service."""

    entry: Entry
    height: float
    x: float = 0
    y: float = 0
    rows: list[tuple[Entry, Proof]] = field(default_factory=list)


def authority_kind(authority: Entry) -> str:
    """What kind of CA it is."""
    return _KINDS.get(str(authority.get("kind")), str(authority.get("kind") or "CA"))


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


def trust_map(document: Mapping[str, Any]) -> Markup:
    """The drawing (SVG), 1,120 units wide and as high as it needs to be. It is scaled with the page."""
    columns, services = _columns(drawn_authorities(document)), _services(document.get("services") or [])
    boxes = {str(box.entry.get("id")): box for column in columns for box in column}
    every = [*columns, services]
    room = (WIDTH - _GAP * (len(every) - 1)) / len(every)
    height = max(sum(box.height + _BETWEEN for box in column) for column in every) - _BETWEEN
    for place, column in enumerate(every):
        _place(column, place * (room + _GAP), height)
    whole = _TOP + height + 2
    drawing = (
        _headings(len(columns), room),
        *(_issued(box, boxes, room) for box in boxes.values()),
        *(_trusted(box, boxes, room) for box in services),
        *(_authority(box, room) for box in boxes.values()),
        *(_service(box, room) for box in services),
    )
    heading = element("title", "Trust map", id="map-title")
    words = element("desc", description(document), id="map-desc")
    view = f"0 0 {WIDTH} {whole:g}"
    return element("svg", heading, words, *drawing, class_="map", viewBox=view, role="img", aria_labelledby="map-title map-desc")


def drawn_authorities(document: Mapping[str, Any]) -> list[Entry]:
    """The authorities of the drawing: if there are too many, those that the drawn services trust, and those above them."""
    authorities: list[Entry] = list(document.get("authorities") or [])
    if len(authorities) <= MOST_AUTHORITIES:
        return authorities
    drawn = (document.get("services") or [])[:MOST_SERVICES]
    wanted = {str(trust.get("certificate")) for service in drawn for trust in service.get("trusts") or []}
    wanted |= {str(each.get("issuer")) for each in authorities if str(each.get("id")) in wanted}
    return sorted(authorities, key=lambda each: str(each.get("id")) not in wanted)[:MOST_AUTHORITIES]


def description(document: Mapping[str, Any]) -> str:
    """What the drawing shows, in one sentence."""
    services = document.get("services") or []
    trusts = [proof_of(trust) for service in services for trust in service.get("trusts") or []]
    proven = sum(proof.line == "proven" for proof in trusts)
    authorities = counted(len(document.get("authorities") or []), "authority", "authorities")
    what = f"{authorities} at the left, {counted(len(services), 'service')} at the right."
    return f"{what} {proven} of {counted(len(trusts), 'trusted certificate')} proven by possession. The table below has the same facts."


def _columns(authorities: Sequence[Entry]) -> list[list[Box]]:
    """A column for each depth, each authority as near as can be to the height of its issuer."""
    level = depths(authorities)
    columns: list[list[Box]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    order: dict[str, tuple[int, ...]] = {}
    for place, each in enumerate(sorted(authorities, key=lambda each: level[str(each.get("id"))])):
        above = order.get(str(each.get("issuer")), ()) if level[str(each.get("id"))] else ()
        order[str(each.get("id"))] = (*above, place)
    for each in sorted(authorities, key=lambda each: order[str(each.get("id"))]):
        columns[level[str(each.get("id"))]].append(Box(each, 100))
    return columns


def _services(services: Sequence[Entry]) -> list[Box]:
    boxes = []
    for each in services[:MOST_SERVICES]:
        rows = [(trust, proof_of(trust)) for trust in each.get("trusts") or []]
        boxes.append(Box(each, _HEAD + _ROW * max(1, len(rows)) + _FOOT, rows=rows))
    return boxes


def _place(column: Iterable[Box], x: float, height: float) -> None:
    boxes = list(column)
    free = height - sum(box.height + _BETWEEN for box in boxes) + _BETWEEN
    between = min(free / (len(boxes) + 1), 90) if boxes else 0
    y = _TOP + (free - between * (len(boxes) - 1)) / 2
    for box in boxes:
        box.x, box.y = x, y
        y += box.height + _BETWEEN + between


def _headings(depth: int, room: float) -> Markup:
    names = [*["Roots", *["Intermediates"] * (depth - 1)][:depth], "Services and what they trust"]
    return together(*(_line(name, place * (room + _GAP), 14, "heading") for place, name in enumerate(names)))


def _line(words: str, x: float, y: float, class_: str, anchor: str | None = None) -> Markup:
    return element("text", words, x=f"{x:g}", y=f"{y:g}", class_=class_, text_anchor=anchor)


def _curve(start: tuple[float, float], end: tuple[float, float], class_: str) -> Markup:
    (x, y), (to_x, to_y) = start, end
    bend = min(_GAP * 0.6, (to_x - x) / 2)
    path = f"M{x:g} {y:g}C{x + bend:g} {y:g} {to_x - bend:g} {to_y:g} {to_x:g} {to_y:g}"
    return element("path", d=path, class_=f"edge {class_}")


def _issued(box: Box, boxes: Mapping[str, Box], room: float) -> Markup:
    issuer = boxes.get(str(box.entry.get("issuer")))
    if not issuer or issuer.x >= box.x:
        return Markup()
    return _curve((issuer.x + room, issuer.y + issuer.height / 2), (box.x, box.y + box.height / 2), "issued")


def _trusted(box: Box, boxes: Mapping[str, Box], room: float) -> Markup:
    drawn = []
    for place, (trust, proof) in enumerate(box.rows):
        y = box.y + _HEAD + _ROW * (place + 0.5)
        authority = boxes.get(str(trust.get("certificate")))
        start = (authority.x + room, authority.y + authority.height / 2) if authority else (box.x - 26, y)
        drawn.append(_curve(start, (box.x, y), proof.line))
    return together(*drawn)


def _authority(box: Box, room: float) -> Markup:
    each = box.entry
    lines = broken(common_name(each.get("subject")), room - 36, 15, bold=True)
    top = box.y + (28 if len(lines) > 1 else 36)
    generation = each.get("generation")
    kind = authority_kind(each) + (f", generation {generation:g}" if isinstance(generation, int | float) else "")
    ends = f"until {day(each.get('notAfter'))}, {days_from_now(each.get('daysLeft'))}"
    drawn = [_line(line, box.x + 20, top + 19 * place, "name") for place, line in enumerate(lines)]
    below = top + 19 * (len(lines) - 1)
    drawn.append(_line(fitted(kind, room - 36, 13), box.x + 20, below + 21, "detail"))
    drawn.append(_line(fitted(ends, room - 36, 13), box.x + 20, below + 39, "detail"))
    root = "root" if each.get("kind") == "root" else "below"
    frame = _frame(box, room, f"authority {root}")
    edge = element("path", d=f"M{box.x + 7:g} {box.y + 12:g}v{box.height - 24:g}", class_=f"spine {root}")
    return element("g", element("title", each.get("subject")), frame, edge, *drawn)


def _frame(box: Box, room: float, class_: str) -> Markup:
    return element("rect", x=f"{box.x + 1:g}", y=f"{box.y:g}", width=f"{room - 2:g}", height=f"{box.height:g}", rx=10, class_=class_)


def _service(box: Box, room: float) -> Markup:
    each = box.entry
    x, y = box.x + 18, box.y
    drawn = [
        element("title", each.get("host") or each.get("id")),
        _frame(box, room, "service"),
        _line(fitted(each.get("name"), room - 36, 15, bold=True), x, y + 24, "name"),
        _line(fitted(service_kind(each.get("kind")), room - 36, 13), x, y + 43, "detail"),
    ]
    for place, (trust, proof) in enumerate(box.rows):
        top = y + _HEAD + _ROW * place
        name = fitted(trust.get("certificateName") or trust.get("certificate"), room - 60, 13, bold=True)
        when = f" on {day(trust.get('provenAt'))}" if trust.get("provenAt") else ""
        drawn.append(element("circle", cx=f"{box.x + 1:g}", cy=f"{top + _ROW / 2:g}", r=4, class_=f"port {proof.line}"))
        drawn.append(mark_at(proof.degree, x, top + 6))
        drawn.append(_line(name, x + 26, top + 16, "row"))
        drawn.append(_line(fitted(proof.words + when, room - 64, 12), x + 26, top + 33, f"detail {proof.degree}"))
    if not box.rows:
        drawn.append(_line("trusts no certificate of this stack", x, y + _HEAD + 24, "detail"))
    drawn.append(_line(fitted(_holds(each), room - 36, 12), x, y + box.height - 12, "detail"))
    return element("g", *drawn)


def _enrollments(service: Entry) -> float:
    return sum(found for each in service.get("enrollments") or [] if isinstance(found := each.get("count"), int | float))


def _holds(service: Entry) -> str:
    devices, enrollments = (service.get("devices") or {}).get("count"), _enrollments(service)
    words = [counted(devices, "device")] if isinstance(devices, int | float) and (devices or service.get("kind") == "hub") else []
    if enrollments or service.get("kind") == "dps":
        words.append(counted(enrollments, "enrollment"))
    return ", ".join(words)
