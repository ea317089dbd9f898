"""Which display a command line asks for, and the headline above it."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from sandbox.engine.display.board import ROOT, Board, Look
from sandbox.engine.display.plain import PlainLines
from sandbox.engine.display.stream import JsonLines

if TYPE_CHECKING:
    from sandbox.engine.cli.workspace import Session
    from sandbox.engine.display.stream import Display

_HEADLINES = {
    "up": ("Previewing update", "Updating"),
    "refresh": ("Previewing refresh", "Refreshing"),
    "destroy": ("Previewing destroy", "Destroying"),
}


def open_display(session: Session, verb: str, *, dry_run: bool) -> Display:
    """The display for one run; its headline is printed."""
    args, stack, project = session.args, session.ref.name, session.project.name
    look = Look(planned=dry_run, show_secrets=args.show_secrets, suppress_outputs=args.suppress_outputs)
    board = Board(f"urn:pulumi:{stack}::{project}::{ROOT}::{project}-{stack}", time.monotonic, look)
    if args.json:
        if dry_run:
            from sandbox.engine.display.digest import Digest

            return Digest(session.stdout, session.stderr, board)
        return JsonLines(session.stdout, session.stderr)
    headline = f"{_HEADLINES[verb][not dry_run]} ({stack}):"
    if not args.diff and live(session):
        from sandbox.engine.display.tree import LiveTree

        return LiveTree(session.stdout, board, headline)
    # A run does not depend on somebody watching it.
    with contextlib.suppress(OSError):
        session.print(headline)
    if args.diff:
        from sandbox.engine.display.full import FullDifferences

        return FullDifferences(session.stdout, session.stderr, board)
    return PlainLines(session.stdout, board)


def live(session: Session) -> bool:
    """Whether a tree can be drawn: on a terminal that takes colours and moves its cursor."""
    if session.args.non_interactive or session.args.color == "never" or session.environment.get("NO_COLOR"):
        return False
    return session.stdout.isatty() and session.environment.get("TERM", "") != "dumb"
