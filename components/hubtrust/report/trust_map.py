"""The trust map as a drawing: authorities in columns by their depth, services at the right, a line for each certificate that one trusts."""

from collections.abc import Mapping
from typing import Any, Final

from .marks import mark_at
from .markup import Markup, element, together
from .proofs import proof_of
from .text_in_drawings import broken, fitted
from .trust_layout import GAP, HEAD, ROW, TOP, WIDTH, Box, Layout, layout
from .words import common_name, counted, day, days_from_now, service_kind

Entry = Mapping[str, Any]

_KINDS: Final = {"root": "root CA", "intermediate": "intermediate CA", "issuing": "issuing CA"}


def authority_kind(authority: Entry) -> str:
    """What kind of CA it is."""
    return _KINDS.get(str(authority.get("kind")), str(authority.get("kind") or "CA"))


def trust_map(document: Mapping[str, Any]) -> Markup:
    """The drawing (SVG), 1,120 units wide and as high as it needs to be. It is scaled with the page."""
    placed = layout(document)
    drawing = (
        _headings(placed),
        *(_issued(box, placed) for box in placed.authorities.values()),
        *(_trusted(box, placed) for box in placed.services),
        *(_authority(box, placed.room) for box in placed.authorities.values()),
        *(_service(box, placed.room) for box in placed.services),
    )
    heading = element("title", "Trust map", id="map-title")
    words = element("desc", description(document), id="map-desc")
    view = f"0 0 {WIDTH} {TOP + placed.height + 2:g}"
    return element("svg", heading, words, *drawing, class_="map", viewBox=view, role="img", aria_labelledby="map-title map-desc")


def description(document: Mapping[str, Any]) -> str:
    """What the drawing shows, in one sentence."""
    services = document.get("services") or []
    trusts = [proof_of(trust) for service in services for trust in service.get("trusts") or []]
    proven = sum(proof.line == "proven" for proof in trusts)
    authorities = counted(len(document.get("authorities") or []), "authority", "authorities")
    what = f"{authorities} at the left, {counted(len(services), 'service')} at the right."
    return f"{what} {proven} of {counted(len(trusts), 'trusted certificate')} proven by possession. The table below has the same facts."


def _headings(placed: Layout) -> Markup:
    names = [*["Roots", *["Intermediates"] * (placed.columns - 1)][: placed.columns], "Services and what they trust"]
    return together(*(_line(name, place * (placed.room + GAP), 14, "heading") for place, name in enumerate(names)))


def _line(words: str, x: float, y: float, class_: str, anchor: str | None = None) -> Markup:
    return element("text", words, x=f"{x:g}", y=f"{y:g}", class_=class_, text_anchor=anchor)


def _curve(start: tuple[float, float], end: tuple[float, float], class_: str) -> Markup:
    """A line that runs straight as far as the gap before its end, and bends there."""
    (x, y), (to_x, to_y) = start, end
    bend_at = max(x, to_x - GAP)
    bend = (to_x - bend_at) * 0.6
    path = f"M{x:g} {y:g}H{bend_at:g}C{bend_at + bend:g} {y:g} {to_x - bend:g} {to_y:g} {to_x:g} {to_y:g}"
    return element("path", d=path, class_=f"edge {class_}")


def _issued(box: Box, placed: Layout) -> Markup:
    issuer = placed.authorities.get(str(box.entry.get("issuer")))
    if not issuer or issuer.x >= box.x:
        return Markup()
    return _curve((issuer.x + placed.room, issuer.y + issuer.height / 2), (box.x, box.y + box.height / 2), "issued")


def _trusted(box: Box, placed: Layout) -> Markup:
    drawn = []
    for place, (trust, proof) in enumerate(box.rows):
        y = box.y + HEAD + ROW * (place + 0.5)
        authority = placed.authorities.get(str(trust.get("certificate")))
        start = (authority.x + placed.room, authority.y + authority.height / 2) if authority else (box.x - 26, y)
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
        top = y + HEAD + ROW * place
        name = fitted(trust.get("certificateName") or trust.get("certificate"), room - 60, 13, bold=True)
        when = f" on {day(trust.get('provenAt'))}" if trust.get("provenAt") else ""
        drawn.append(element("circle", cx=f"{box.x + 1:g}", cy=f"{top + ROW / 2:g}", r=4, class_=f"port {proof.line}"))
        drawn.append(mark_at(proof.degree, x, top + 6))
        drawn.append(_line(name, x + 26, top + 16, "row"))
        drawn.append(_line(fitted(proof.words + when, room - 64, 12), x + 26, top + 33, f"detail {proof.degree}"))
    if not box.rows:
        drawn.append(_line("trusts no certificate of this stack", x, y + HEAD + 24, "detail"))
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
