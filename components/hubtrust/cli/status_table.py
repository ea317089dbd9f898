"""The status of a stack as a person reads it: tables of at most 80 columns, or of a narrower terminal's width."""

import shutil
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from hubtrust.errors import shown
from hubtrust.inventory.inventory import Inventory
from hubtrust.inventory.records import HUB, Authority, Service, Trust

if TYPE_CHECKING:
    from hubtrust.inventory.live import LiveService

_WIDEST, _NARROWEST = 80, 40
_MOST_DEVICES = 10  # of a list; the document has more
_LONGEST, _LONGEST_LINE = 400, 2000  # characters of a name, and of a line
_KEYS, _PROOFS, _DATES = (9, 9, 15), (21, 11), (10, 9, 15)  # the widths of columns after the name
_TITLES = {HUB: "IoT hub"}
_NO_PROOF = "not proven"


def text(inventory: Inventory, live: "Sequence[LiveService] | None") -> str:
    """The whole status; every line ends with a line feed."""
    width = max(min(shutil.get_terminal_size((_WIDEST, 24)).columns, _WIDEST), _NARROWEST)
    parts = [
        _head(inventory, width),
        _authorities(inventory.authorities, width),
        _services(inventory, width),
        _devices(inventory, width),
        _evidence(inventory, width),
        _due(inventory, width),
        _live(inventory, live, width),
        _unseen(inventory, live, width),
    ]
    return "\n".join("".join(f"{_cell(line.rstrip(), _LONGEST_LINE)}\n" for line in part) for part in map(list, parts) if part)


def _head(inventory: Inventory, width: int) -> Iterator[str]:
    yield from _wrapped(f"Stack {_cell(inventory.stack) or '(no name)'}, as of {inventory.at:%Y-%m-%d %H:%M} UTC", "  ", width)


def _authorities(authorities: Sequence[Authority], width: int) -> Iterator[str]:
    """A tree: each CA below the one that issued it."""
    if not authorities:
        yield "No CA certificates."
        return
    yield from _row(width, _KEYS, "CA CERTIFICATE", "KEY", "DAYS LEFT", "RENEWED")
    known = {one.id for one in authorities}
    waiting = [(one, 0) for one in reversed(authorities) if one.issuer not in known]
    seen: set[str] = set()
    while waiting:
        one, depth = waiting.pop()
        if one.id in seen:
            continue
        seen.add(one.id)
        name = f"{'  ' * min(depth, 8)}{one.kind} {_cell(one.subject)}"
        yield from _row(width, _KEYS, name, one.key_custody or "not known", f"{one.days_left:,}", _renewal(one.renew_at))
        waiting += [(below, depth + 1) for below in reversed(authorities) if below.issuer == one.id]
    if any(one.renew_at for one in authorities):
        yield from _wrapped("Renewed: by the first `pulumi up` from that day on, with the same key.", "", width)


def _services(inventory: Inventory, width: int) -> Iterator[str]:
    ends = {one.id: one for one in inventory.authorities}
    if not inventory.services:
        yield "No hubs and no provisioning services."
    for number, service in enumerate(inventory.services):
        if number:
            yield ""
        yield from _wrapped(f"{title(service)}{_counts(service)}", "", width)
        if not service.trusts:
            yield "  trusts no certificate of this stack"
        for trust in service.trusts:
            end = ends.get(trust.certificate or "")
            days = f"{end.days_left:,} days" if end else ""
            yield from _row(width, _PROOFS, f"  trusts {_cell(trust.certificate_name)}", _proof(trust), days)
        for enrollment in service.enrollments:
            named = [_cell(ends[one].subject) for one in enrollment.authorities if one in ends]
            below = f", devices of {' and '.join(named)}" if named else ""
            yield from _wrapped(f"  enrolls {enrollment.kind} {_cell(enrollment.id)}: {_cell(enrollment.status)}{below}", "    ", width)


def title(service: Service) -> str:
    """A service in a line for people."""
    return f"{_TITLES.get(service.kind, 'Provisioning service')} {_cell(service.name)}"


def _counts(service: Service) -> str:
    devices = service.devices
    if not devices.count:
        return ""
    own = devices.by_certificate.get("selfSigned", 0)
    self_signed = f", {own:,} with self-signed certificates" if own else ""
    return f": {_number(devices.count, 'device')}, {devices.enabled:,} enabled{self_signed}"


def _proof(trust: Trust) -> str:
    """The word of the proof, with its date; and the state where it is not verified."""
    if trust.state != "verified":
        return trust.state or "not known"
    return " ".join(part for part in (trust.proof or _NO_PROOF, (trust.proven_at or "")[:10]) if part)


def _devices(inventory: Inventory, width: int) -> Iterator[str]:
    found = inventory.device_certificates
    if not found.count or found.earliest_end is None:
        yield from _wrapped("No device certificates in the state: what devices hold themselves is not seen here.", "", width)
        return
    yield from _row(width, _DATES, f"DEVICE CERTIFICATE ({found.count:,})", "ENDS", "DAYS LEFT", "RENEWED")
    for one in found.named[:_MOST_DEVICES]:
        renewed = _renewal(one.renew_at)
        yield from _row(width, _DATES, f"  {_cell(one.device_id)}", f"{one.not_after:%Y-%m-%d}", f"{one.days_left:,}", renewed)
    if found.count > _MOST_DEVICES:
        yield f"  {found.count - _MOST_DEVICES:,} more end later; --json names the first 200"


def _evidence(inventory: Inventory, width: int) -> Iterator[str]:
    found = inventory.evidence
    if found is not None:
        yield from _wrapped(f"Evidence log: {_number(found.size, 'record')}, {_cell(found.verdict)}, root {found.root_hash}", "  ", width)


def _due(inventory: Inventory, width: int) -> Iterator[str]:
    if not inventory.due:
        yield "Nothing is due in the next 90 days."
        return
    yield "DUE IN THE NEXT 90 DAYS"
    for one in inventory.due:
        days = f"{_number(abs(one.days_left), 'day')}{' ago' if one.days_left < 0 else ''}" if one.days_left else "today"
        when = f"{one.date:%Y-%m-%d}, {days}"
        yield from _wrapped(f"  {when}: {_cell(one.what)}: {_cell(one.action)}", "    ", width)


def _live(inventory: Inventory, live: "Sequence[LiveService] | None", width: int) -> Iterator[str]:
    if live is None:
        return
    yield "IN AZURE NOW"
    names = {one.id: title(one) for one in inventory.services}
    for one in live:
        if one.unseen is not None:
            yield from _wrapped(f"  {names[one.service]}: not seen", "    ", width)
        elif not one.differences:
            yield from _wrapped(
                f"  {names[one.service]}: as the state says ({_number(len(one.certificates), 'certificate')})", "    ", width
            )
        for certificate in one.certificates:
            if certificate.difference:
                name = f"{names[one.service]}, {_cell(certificate.certificate_name)}"
                verified = "" if certificate.verified is None else " (verified)" if certificate.verified else " (not verified)"
                yield from _wrapped(f"  {name}: {certificate.difference}{verified}", "    ", width)


def _unseen(inventory: Inventory, live: "Sequence[LiveService] | None", width: int) -> Iterator[str]:
    names = {one.id: title(one) for one in inventory.services}
    found = [(one.what, one.why) for one in inventory.unseen]
    found += [(f"what {names[one.service]} trusts now", one.unseen) for one in live or () if one.unseen is not None]
    if not found:
        return
    yield "NOT SEEN"
    for what, why in found:
        yield from _wrapped(f"  {_cell(what)}: {_cell(why, 1200)}", "    ", width)


def _row(width: int, columns: Sequence[int], name: str, *cells: str) -> Iterator[str]:
    """A name and cells of these widths, numbers to the right; a name that is too long has a line of its own."""
    cells = tuple(_cell(one, _LONGEST) for one in cells)
    rest = " ".join(f"{cell:>{size}}" if _is_number(cell) else f"{cell:<{size}}" for cell, size in zip(cells, columns, strict=True))
    room = width - sum(columns) - len(columns)
    if len(name) <= room:
        yield f"{name:<{room}} {rest}"
        return
    indent = " " * (len(name) - len(name.lstrip()) + 4)
    yield from _wrapped(name, indent, width)
    yield f"{'':<{room}} {rest}" if room > len(indent) else f"{indent}{' '.join(rest.split())}"


def _is_number(cell: str) -> bool:
    return (cell[-1:].isdigit() and cell.replace(",", "").lstrip("-").isdigit()) or cell == "DAYS LEFT" or cell.endswith(" days")


def _wrapped(line: str, indent: str, width: int) -> Iterable[str]:
    return textwrap.wrap(line, width, subsequent_indent=indent, break_on_hyphens=False) or [line]


def _cell(value: str, most: int = _LONGEST) -> str:
    return shown(value, most)


def _renewal(moment: datetime | None) -> str:
    return f"from {moment:%Y-%m-%d}" if moment else "not by a run"


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
