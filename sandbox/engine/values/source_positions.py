"""The place in the project's files that declares a resource, as it is written in state: `project:///path#line,column`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

if TYPE_CHECKING:
    from pathlib import Path


def position(raw: Any, root: Path) -> str:
    """One `SourcePosition`, its path relative to the project's root; empty if it is not a file."""
    uri = urlsplit(raw.uri)
    if uri.scheme != "file":
        return ""
    path = quote(os.path.relpath(unquote(uri.path), root))
    return f"project:///{path}#{raw.line}" + (f",{raw.column}" if raw.column else "")


def of_request(request: Any, root: Path) -> dict[str, Any]:
    """The fields `source_position` and `stack_trace` of the resource that a request is about."""
    frames = [position(frame.pc, root) for frame in request.stackTrace.frames]
    trace = tuple({"sourcePosition": frame} if frame else {} for frame in frames)
    return {"source_position": position(request.sourcePosition, root), "stack_trace": trace}
