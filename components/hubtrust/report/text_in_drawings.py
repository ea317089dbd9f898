"""Text in a drawing, which has no line breaks of its own: how wide it is, and where it is broken."""

import unicodedata
from typing import Final

from hubtrust.errors import shown

# Shares of the size, of DejaVu Sans, which is wider than the fonts of Windows, macOS and Android.
_NARROW: Final = frozenset("iljtfr.,:;'|!()[] ")
_WIDE: Final = frozenset("mMwW@%—…")
_SYMBOLS: Final = frozenset("<>=+~#&^")
_BOLD: Final = 1.14  # a bold text is so much wider


def width(text: str, size: float, *, bold: bool = False) -> float:
    """About how wide ``text`` is in a system's sans-serif font of that size; rather too wide than too narrow."""
    return sum(_share(char) for char in text) * size * (_BOLD if bold else 1)


def _share(char: str) -> float:
    if unicodedata.east_asian_width(char) in "WF":
        return 1.0
    if char in _NARROW:
        return 0.42
    if char in _WIDE:
        return 1.0
    return 0.84 if char in _SYMBOLS else 0.74 if char.isupper() else 0.635


def fitted(text: object, room: float, size: float, *, bold: bool = False) -> str:
    """``text`` on one line within ``room``, with … where something is left out."""
    whole = shown(str(text))
    if width(whole, size, bold=bold) <= room:
        return whole
    kept = 0
    while kept < len(whole) and width(whole[: kept + 1], size, bold=bold) <= room - size * 1.2:
        kept += 1
    return whole[:kept].rstrip() + "…"


def broken(text: object, room: float, size: float, *, bold: bool = False) -> list[str]:
    """``text`` on one or two lines within ``room``, broken between words where there are any."""
    whole = shown(str(text))
    if width(whole, size, bold=bold) <= room:
        return [whole]
    kept = 1
    while width(whole[: kept + 1], size, bold=bold) <= room:
        kept += 1
    at_a_word = max(whole.rfind(" ", 0, kept + 1), whole.rfind("-", 0, kept) + 1)
    place = at_a_word if at_a_word > kept // 2 else kept
    return [whole[:place].rstrip(), fitted(whole[place:].strip(), room, size, bold=bold)]
