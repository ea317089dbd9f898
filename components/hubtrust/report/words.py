"""Dates, counts and names as a reader sees them."""

import re
from datetime import UTC, datetime
from typing import Final

_MONTHS: Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_COMMON_NAME = re.compile(r"(?:^|[,+])CN=((?:\\.|[^,+\\])*)", re.DOTALL)
_SPECIAL = {"hub": "IoT hub", "dps": "provisioning service"}


def moment(value: object) -> datetime | None:
    """A moment of the document, such as 2036-11-24T03:19:06Z; ``None`` if it has none that can be read."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def day(value: object) -> str:
    """A moment's day in UTC: 24 Nov 2036."""
    found = value if isinstance(value, datetime) else moment(value)
    if not found:
        return "unknown"
    found = found.astimezone(UTC)
    return f"{found.day} {_MONTHS[found.month - 1]} {found.year}"


def moment_in_words(value: object) -> str:
    """A moment in UTC to the minute: 24 Nov 2036, 03:19 UTC."""
    found = moment(value)
    return f"{day(found)}, {found.astimezone(UTC):%H:%M} UTC" if found else "an unknown moment"


def days_from_now(days: object) -> str:
    """How far a day is: `in 12 days`, `today`, `12 days ago`."""
    if isinstance(days, bool) or not isinstance(days, int | float):
        return "unknown"
    whole = int(days // 1)
    if whole == 0:
        return "today"
    return f"in {counted(whole, 'day')}" if whole > 0 else f"{counted(-whole, 'day')} ago"


def number(value: object) -> str:
    """A whole number with separators; Pulumi's state has every number as a float."""
    return f"{int(value):,}" if isinstance(value, int | float) and not isinstance(value, bool) else "unknown"


def counted(count: float, noun: str, plural: str = "") -> str:
    """A count and what is counted: `1 day`, `2 days`."""
    return f"{number(count)} {noun if count == 1 else plural or f'{noun}s'}"


def common_name(subject: object) -> str:
    """The common name of a subject (RFC 4514 text), or the whole subject."""
    found = _COMMON_NAME.search(str(subject))
    plain = re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL).strip() if found else ""
    return plain or str(subject) or "a certificate without a name"


def service_kind(kind: object) -> str:
    """The words for the kind of a service."""
    return _SPECIAL.get(str(kind), str(kind))
