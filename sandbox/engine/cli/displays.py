"""Which display a command line asks for, and the headline above it."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from sandbox.engine.display.board import ROOT, Board, DisplayOptions
from sandbox.engine.display.plain import PlainLines
from sandbox.engine.display.stream import JsonLines

if TYPE_CHECKING:
    from sandbox.engine.cli.workspace import Workspace
    from sandbox.engine.display.stream import Display

_HEADLINES = {
    "up": ("Previewing update", "Updating"),
    "refresh": ("Previewing refresh", "Refreshing"),
    "destroy": ("Previewing destroy", "Destroying"),
}


def open_display(workspace: Workspace, verb: str, *, dry_run: bool) -> Display:
    """The display for one run; its headline is printed."""
    args, stack, project = workspace.args, workspace.ref.name, workspace.project.name
    options = DisplayOptions(planned=dry_run, show_secrets=args.show_secrets, suppress_outputs=args.suppress_outputs)
    board = Board(f"urn:pulumi:{stack}::{project}::{ROOT}::{project}-{stack}", time.monotonic, options)
    if args.json:
        if dry_run:
            from sandbox.engine.display.digest import Digest

            return Digest(workspace.stdout, workspace.stderr, board)
        return JsonLines(workspace.stdout, workspace.stderr)
    headline = f"{_HEADLINES[verb][not dry_run]} ({stack}):"
    if not args.diff and live(workspace):
        from sandbox.engine.display.tree import LiveTree

        return LiveTree(workspace.stdout, board, headline)
    # A run does not depend on its display.
    with contextlib.suppress(OSError):
        workspace.print(headline)
    if args.diff:
        from sandbox.engine.display.full import FullDifferences

        return FullDifferences(workspace.stdout, workspace.stderr, board)
    return PlainLines(workspace.stdout, board)


def live(workspace: Workspace) -> bool:
    """Whether a tree can be drawn: on a terminal with colours and a movable cursor."""
    if workspace.args.non_interactive or workspace.args.color == "never" or workspace.environment.get("NO_COLOR"):
        return False
    return workspace.stdout.isatty() and workspace.environment.get("TERM", "") != "dumb"
