"""Write docs/pictures/make-up.svg, what `make up` shows on a terminal: `python -m docs.make_up_picture`.

It runs on a local Azure of its own. Of the stack's outputs, which are long, only the heading is kept.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

PICTURE = Path(__file__).parent / "pictures" / "make-up.svg"
_COLUMNS, _ROWS = 100, 60
_OUTPUTS = re.compile(r"^((?:\x1b\[\d+m)*Outputs:(?:\x1b\[\d+m)*)\n(?: .*\n|.*\n(?!\n))*?\n", re.MULTILINE)
_HIDE, _SHOW, _UP = "\x1b[?25l", "\x1b[?25h", "\x1b[1A\x1b[2K"
_FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
# rich's own template loads its font from a network.
_TEMPLATE = f"""\
<svg class="rich-terminal" viewBox="0 0 {{width}} {{height}}" xmlns="http://www.w3.org/2000/svg" role="img" aria-label="What make up shows">
    <style>
    .{{unique_id}}-matrix {{{{ font-family: {_FONTS}; font-size: {{char_height}}px; line-height: {{line_height}}px; }}}}
    .{{unique_id}}-title {{{{ font-size: 18px; font-weight: bold; font-family: {_FONTS}; }}}}
    {{styles}}
    </style>
    <defs>
    <clipPath id="{{unique_id}}-clip-terminal"><rect x="0" y="0" width="{{terminal_width}}" height="{{terminal_height}}" /></clipPath>
    {{lines}}
    </defs>
    {{chrome}}
    <g transform="translate({{terminal_x}}, {{terminal_y}})" clip-path="url(#{{unique_id}}-clip-terminal)">
    {{backgrounds}}
    <g class="{{unique_id}}-matrix">
    {{matrix}}
    </g>
    </g>
</svg>
"""
# GitHub's dark theme: the same contrast on a light and a dark page, because the picture has its own background.
_THEME = TerminalTheme(
    (13, 17, 23),
    (230, 237, 243),
    [(72, 79, 88), (255, 123, 114), (63, 185, 80), (210, 153, 34), (88, 166, 255), (188, 140, 255), (57, 197, 207), (177, 186, 196)],
)


def main() -> None:
    """Record it, and write the file."""
    with tempfile.TemporaryDirectory() as home:
        environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        environment |= {"SANDBOX_HOME": home, "TERM": "xterm-256color"}
        command = [sys.executable, "-m", "sandbox"]
        try:
            screen = recorded([*command, "up", "--engine", "embedded"], environment)
        finally:
            subprocess.run([*command, "stop"], env=environment, check=True, stdout=subprocess.DEVNULL)
    PICTURE.write_text(drawn(last_frame(f"$ make up\n{screen}")), encoding="utf-8")
    print(PICTURE)


def recorded(command: list[str], environment: dict[str, str]) -> str:
    """What a command writes to a terminal.

    Raises:
        CalledProcessError: It failed.
    """
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (_ROWS, _COLUMNS))
    process = subprocess.Popen(command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    written = bytearray()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        while chunk := _read(screen):
            written += chunk
    if code := process.wait():
        raise subprocess.CalledProcessError(code, command, written.decode())
    return written.decode().replace("\r\n", "\n")


def _read(screen: io.RawIOBase | io.FileIO) -> bytes:
    try:
        return screen.read(65536) or b""
    except OSError:  # Linux: nobody has the terminal open any more
        return b""


def last_frame(screen: str) -> str:
    """The screen at the end: without the frames that the live tree has drawn before, and without the stack's outputs."""
    before, _, live = screen.partition(_HIDE)
    after = live.rpartition(_SHOW)[2].replace("\r", "").replace(_UP, "").replace("\x1b[2K", "")
    return _OUTPUTS.sub(r"\1\n    …\n\n", before + after).rstrip("\n") + "\n"


def drawn(screen: str) -> str:
    """Coloured text as an SVG that loads nothing."""
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), color_system="truecolor", force_terminal=True, legacy_windows=False)
    console.print(Text.from_ansi(screen.rstrip("\n")))
    return console.export_svg(title="make up", theme=_THEME, code_format=_TEMPLATE, unique_id="make-up").replace("\t", " ")


if __name__ == "__main__":
    main()
