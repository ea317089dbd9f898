"""The trust map alone, as an SVG file with its styles inside: a picture for another page."""

from collections.abc import Mapping
from typing import Any

from .marks import symbols
from .page import styles
from .trust_map import trust_map


def drawing_file(document: Mapping[str, Any]) -> str:
    """The text of an SVG file, of an inventory's document."""
    _, _, inside = trust_map(document).partition("<svg ")
    start, _, rest = inside.partition(">")
    back = '<rect width="100%" height="100%" fill="var(--page)"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {start}><style>{styles("drawing.css")}</style><defs>{symbols()}</defs>{back}{rest}\n'
