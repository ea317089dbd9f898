"""Sends the stream of engine events to the event log and to a display."""

from __future__ import annotations

import json
import os
import re
from io import UnsupportedOperation
from typing import TYPE_CHECKING, Any, Protocol, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

Event = dict[str, Any]
STATES = "_states"
_DEFAULT_PROVIDER = re.compile(r"::pulumi:providers:[^:]+::default(_[^:]*)?$")
_STEPS = ("resourcePreEvent", "resOutputsEvent", "resOpFailedEvent")


class Display(Protocol):
    """Shows events as they come."""

    def show(self, event: Event) -> None:
        """One event; step events may carry whole states under the private key `_states`."""
        ...

    def notice(self, text: str) -> None:
        """A message of the command itself, between events; a signal handler may call it at any moment."""
        ...

    def close(self) -> None:
        """The events have ended: show the rest."""
        ...


class Stream:
    """Numbers and dates events, writes them to the event log, and passes those for users to a display.

    A run continues if its output fails: the log stops on a full disk, with a warning; a closed display stops silently.
    """

    def __init__(self, display: Display, log: TextIO | None, nanoseconds: Callable[[], int]) -> None:
        """`log` is an open file or None; `nanoseconds` returns the time since 1970."""
        self._display: Display | None = display
        self._log, self._nanoseconds = log, nanoseconds
        self._sequence = 0

    def send(self, event: Event) -> None:
        """One event, as the engine gives it."""
        stamped = {"sequence": self._sequence, "timestamp": self._nanoseconds() // 10**9, **event}
        self._sequence += 1
        self._write(stamped)
        if not is_internal(event):
            self._with_display(lambda display: display.show(stamped))

    def close(self) -> None:
        """No more events come."""
        self._with_display(lambda display: display.close())

    def _write(self, event: Event) -> None:
        if self._log is None:
            return
        try:
            self._log.write(json_line(event))
            self._log.flush()
        except OSError as error:
            self._log = None
            text = f"warning: the event log ends here: {error.strerror}; the run continues"
            self._with_display(lambda display: display.notice(text))

    def _with_display(self, action: Callable[[Display], None]) -> None:
        if self._display is not None:
            try:
                action(self._display)
            except OSError:
                self._display = None


def json_line(event: Event) -> str:
    """An event as one line of JSON, without what is private to this engine."""
    public = {key: {k: v for k, v in body.items() if k != STATES} if key in _STEPS else body for key, body in event.items()}
    return json.dumps(public, separators=(",", ":"), ensure_ascii=False) + "\n"


def is_internal(event: Event) -> bool:
    """Whether an event is hidden from users: it is about a default provider."""
    for kind in _STEPS:
        if kind in event:
            return _DEFAULT_PROVIDER.search(event[kind]["metadata"]["urn"]) is not None
    return False


def write_at_once(out: TextIO, text: str) -> None:
    """Writes a line directly to a stream's file: in a signal handler, the stream's buffer may be in the middle of a write."""
    try:
        os.write(out.fileno(), f"{text}\n".encode())
    except UnsupportedOperation:
        out.write(f"{text}\n")


class JsonLines:
    """`--json` of a run that changes things: every event as a line of JSON."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out, self._err = out, err

    def show(self, event: Event) -> None:
        """Writes the event."""
        self._out.write(json_line(event))
        self._out.flush()

    def notice(self, text: str) -> None:
        """Printed to the error output: the standard output is only JSON."""
        write_at_once(self._err, text)

    def close(self) -> None:
        """Nothing is left to show."""
