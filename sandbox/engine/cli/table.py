"""Columns and ages as the CLI prints them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNITS = ((60, 1, "second"), (3600, 60, "minute"), (86_400, 3600, "hour"), (7 * 86_400, 86_400, "day"), (30 * 86_400, 7 * 86_400, "week"))


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of left-aligned columns, two spaces apart; a cell may have several lines."""
    columns = list(zip(headers, *rows, strict=True))
    widths = [max(len(line) for cell in column for line in cell.split("\n")) for column in columns]
    lines = []
    for row in (headers, *rows):
        cells = [cell.split("\n") for cell in row]
        for number in range(max(len(cell) for cell in cells)):
            parts = [cell[number] if number < len(cell) else "" for cell in cells]
            lines.append("  ".join(part.ljust(width) for part, width in zip(parts, widths, strict=True)).rstrip())
    return lines


def age(written: str, now_nanoseconds: int) -> str:
    """How long ago an RFC 3339 time was: `now`, `2 minutes ago`, `3 weeks ago`."""
    moment = datetime.fromisoformat(f"{written[:19]}+00:00")
    seconds = now_nanoseconds // 10**9 - int(moment.timestamp())
    if seconds <= 0:
        return "now"
    for limit, unit, name in _UNITS:
        if seconds < limit:
            count = seconds // unit
            return f"{count} {name}{'s' * (count != 1)} ago"
    months = seconds // (30 * 86_400)
    return f"{months} month{'s' * (months != 1)} ago"
