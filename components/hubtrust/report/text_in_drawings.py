"""Text in a drawing, which has no line breaks of its own: how wide it is, and where it is broken."""

import unicodedata
from typing import Final

from hubtrust.errors import shown

_NARROW: Final = frozenset("iljtfr.,:;'|!()[] ")
_WIDE: Final = frozenset("mwMW@%—")


def width(text: str, size: float) -> float:
    """About how wide ``text`` is in a system's sans-serif font of that size; rather too wide than too narrow."""
    return sum(_share(char) for char in text) * size


def _share(char: str) -> float:
    if unicodedata.east_asian_width(char) in "WF":
        return 1.0
    if char in _NARROW:
        return 0.36
    return 0.92 if char in _WIDE else 0.68 if char.isupper() else 0.58


def fitted(text: object, room: float, size: float) -> str:
    """``text`` on one line within ``room``, with … where something is left out."""
    whole = shown(str(text))
    if width(whole, size) <= room:
        return whole
    kept = 0
    while kept < len(whole) and width(whole[: kept + 1], size) <= room - size:
        kept += 1
    return whole[:kept].rstrip() + "…"


def broken(text: object, room: float, size: float) -> list[str]:
    """``text`` on one or two lines within ``room``, broken between words where there are any."""
    whole = shown(str(text))
    if width(whole, size) <= room:
        return [whole]
    kept = 1
    while width(whole[: kept + 1], size) <= room:
        kept += 1
    at_a_word = max(whole.rfind(" ", 0, kept + 1), whole.rfind("-", 0, kept) + 1)
    place = at_a_word if at_a_word > kept // 2 else kept
    return [whole[:place].rstrip(), fitted(whole[place:].strip(), room, size)]
