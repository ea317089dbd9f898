"""Durations as Azure writes them: ISO 8601 with days, hours, minutes and seconds."""

from __future__ import annotations

import re

_DURATION = re.compile(r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?")
_SECONDS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def seconds(text: object, default: float) -> float:
    """The seconds of a duration such as `PT1H`; ``default`` for what is none."""
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None or not any(found.groups()):
        return default
    return sum(float(value) * _SECONDS[name] for name, value in found.groupdict().items() if value)
