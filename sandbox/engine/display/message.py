"""A diagnostic for the user: the message itself, and its place in the user's own code."""

from __future__ import annotations

import re
from typing import Any

_TRACEBACK = "Traceback (most recent call last):"
_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>.+)$')
_RPC = re.compile(r'details = "(?P<details>(?:[^"\\]|\\.)*)"')
_FOREIGN = ("/site-packages/", "/dist-packages/", "/lib/python3", "<frozen ", "<string>", "pulumi-language-python-exec")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|<\{%[^%]*%\}>")


def prefixed(diagnostic: dict[str, Any]) -> str:
    """A diagnostic's text with its prefix (`warning: `), without colours and with short tracebacks."""
    text = _ESCAPES.sub("", str(diagnostic.get("message", "")))
    if diagnostic.get("severity") == "error":
        text = concise(text)
    return _ESCAPES.sub("", str(diagnostic.get("prefix", ""))) + text.rstrip()


def concise(text: str) -> str:
    """A provider's error without its Python or gRPC wrapping.

    Keeps the exception and the user's own frames of a Python traceback, and the details of a gRPC error.
    """
    rpc = _RPC.search(text)
    if rpc and "RPC that terminated" in text:
        text = rpc["details"].replace('\\"', '"').replace("\\n", "\n")
    text = text.removeprefix("Exception calling application: ")
    if _TRACEBACK not in text:
        return text
    before, _, _ = text.partition(_TRACEBACK)
    # The last exception is the one that reached the engine; the earlier ones of the chain are left out.
    lines = text.rpartition(_TRACEBACK)[2].strip("\n").split("\n")
    places = []
    last = 0
    for number, line in enumerate(lines):
        if found := _FRAME.match(line):
            last = number
            if not any(part in found["file"] for part in _FOREIGN):
                places.append(f"  at {found['file']}:{found['line']} in {found['function']}")
    raised = _raised(lines, last)
    return "\n".join([*([before.strip()] if before.strip() else []), raised, *places[-3:]])


def _raised(lines: list[str], last_frame: int) -> str:
    """The text after the frames: the exception with all lines of its message."""
    for number in range(last_frame + 1, len(lines)):
        if lines[number] and not lines[number].startswith(" "):
            return "\n".join(lines[number:]).rstrip()
    return lines[-1].strip()
