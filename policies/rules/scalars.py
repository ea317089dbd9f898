"""Flags and numbers as programs write them: providers also take them as text, so that text must not hide them from a rule."""

from __future__ import annotations

import math
from typing import Any


def flag(value: Any) -> Any:
    """True and False, also as text in any letter case; anything else stays what it is, and is neither."""
    return {"true": True, "false": False}.get(value.strip().lower(), value) if isinstance(value, str) else value


def number(value: Any) -> float | None:
    """A finite number, also as text; None for anything else: a rule that needs it then says ``not_a_number``."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def not_a_number(where: str) -> str:
    """What a rule reports of a property that it can't compare; without the value, which may be a secret."""
    return f"{where} is not a number, so this rule can't check it: write it in digits"
