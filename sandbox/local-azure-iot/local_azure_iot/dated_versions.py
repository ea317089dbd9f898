"""Api-versions of devices: dates, of which no list names all."""

from __future__ import annotations

import re
from datetime import date

_VERSION = re.compile(r"(\d{4}-\d\d-\d\d)(-preview)?")


def is_known(version: str, first: date, today: date) -> bool:
    """Whether an api-version can be one: Microsoft's clients of each year have sent another, previews too."""
    found = _VERSION.fullmatch(version)
    try:
        return found is not None and first <= date.fromisoformat(found[1]) <= today
    except ValueError:
        return False
