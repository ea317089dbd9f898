"""Points in time as Go writes and reads them: RFC 3339 with up to nine decimals, in the machine's time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

SECOND: Final = 10**9
HOUR: Final = 3600 * SECOND
WRITTEN: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")


def written(nanoseconds: int) -> str:
    """The text of a time given in nanoseconds since 1970, as time.Time.MarshalText writes it."""
    seconds, fraction = divmod(nanoseconds, SECOND)
    moment = datetime.fromtimestamp(seconds, UTC).astimezone()
    decimals = f".{fraction:09d}".rstrip("0").rstrip(".")
    zone = moment.strftime("%z")
    offset = "Z" if zone == "+0000" else f"{zone[:3]}:{zone[3:5]}"
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + decimals + offset


def read(text: str) -> int:
    """Nanoseconds since 1970 of such a text; ValueError for any other."""
    found = WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no RFC 3339 time")
    moment = datetime.fromisoformat(found[1] + found[3].replace("Z", "+00:00"))
    return int(moment.timestamp()) * SECOND + int((found[2] or "").ljust(9, "0"))
