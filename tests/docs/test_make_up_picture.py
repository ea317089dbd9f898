"""The picture of `make up`: what it shows, and that it loads nothing."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from docs.make_up_picture import PICTURE, drawn, last_frame

ERASED = "\x1b[1A\x1b[2K"
SCREEN = (
    f"Engine: embedded\n\x1b[?25lUpdating (dev):\n +  a creating\n\x1b[2K{ERASED * 2}Updating (dev):\n\x1b[?25h\r{ERASED}"
    "\x1b[1;35mUpdating (dev):\x1b[0m\n\x1b[32m + \x1b[0m a created\n\n"
    '\x1b[1mOutputs:\x1b[0m\n    pem: "…"\nand its second line\n    n  : 1\n\n'
    "\x1b[1mResources:\x1b[0m\n    + 1 created\n"
)


def texts(svg: str) -> str:
    """All words of a picture."""
    return " ".join("".join(ET.fromstring(svg).itertext()).split())  # noqa: S314 - our own file


def test_the_last_frame_and_not_the_outputs_are_drawn() -> None:
    """In the terminal's colours."""
    svg = drawn(last_frame(SCREEN))
    shown = texts(svg)
    assert shown.endswith("make up Engine: embedded Updating (dev): + a created Outputs: … Resources: + 1 created"), shown
    assert "fill: #3fb950" in svg


def test_the_picture_in_the_repository_loads_nothing() -> None:
    """No font, style or image of a network; it shows the proof, without which there is nothing to show."""
    svg = PICTURE.read_text(encoding="utf-8")
    assert "verified by possession" in texts(svg)
    assert not re.search(r"@import|@font-face|href=|url\((?!#)", svg)
