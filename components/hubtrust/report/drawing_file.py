"""The trust map alone, as an SVG file with its styles inside: a picture for another page."""

from collections.abc import Mapping
from typing import Any

from .marks import symbols
from .page import styles
from .trust_map import trust_map

_MARGIN = 24


def drawing_file(document: Mapping[str, Any]) -> str:
    """The text of an SVG file, of an inventory's document."""
    _, _, inside = trust_map(document).partition("<svg ")
    start, _, rest = inside.partition(">")
    _, _, wide, high = (float(each) for each in start.partition('viewBox="')[2].partition('"')[0].split())
    frame = f"{-_MARGIN} {-_MARGIN} {wide + 2 * _MARGIN:g} {high + 2 * _MARGIN:g}"
    back = f'<rect x="{-_MARGIN}" y="{-_MARGIN}" width="100%" height="100%" fill="var(--page)"/>'
    start = start.replace(f'viewBox="0 0 {wide:g} {high:g}"', f'viewBox="{frame}"')
    sheet = styles("drawing.css")
    return f'<svg xmlns="http://www.w3.org/2000/svg" {start}><style>{sheet}</style><defs>{symbols()}</defs>{back}{rest}\n'
