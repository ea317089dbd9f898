"""Times as Go writes and reads them: RFC 3339 with up to nine decimals, in the machine's time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

SECOND: Final = 10**9
HOUR: Final = 3600 * SECOND
RFC_3339: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")


def to_text(nanoseconds: int) -> str:
    """Format nanoseconds since 1970 as Go's time.Time.MarshalText does."""
    seconds, fraction = divmod(nanoseconds, SECOND)
    moment = datetime.fromtimestamp(seconds, UTC).astimezone()
    decimals = f".{fraction:09d}".rstrip("0").rstrip(".")
    zone = moment.strftime("%z")
    offset = "Z" if zone == "+0000" else f"{zone[:3]}:{zone[3:5]}"
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + decimals + offset


def from_text(text: str) -> int:
    """Parse such a text to nanoseconds since 1970; ValueError for any other text."""
    found = RFC_3339.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not an RFC 3339 time")
    moment = datetime.fromisoformat(found[1] + found[3].replace("Z", "+00:00"))
    return int(moment.timestamp()) * SECOND + int((found[2] or "").ljust(9, "0"))
