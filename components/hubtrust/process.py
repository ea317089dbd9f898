"""What everything in a provider's process uses: the current time, and messages to the user."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime

from hubtrust.errors import shown


def now() -> datetime:
    """The current time. It is read only here; other functions take it as an argument."""
    return datetime.now(UTC)


def show_message(line: str) -> None:
    """Show a message of one line to the user, next to the resource."""
    _shows[-1](shown(line))


def show_messages_by(show: Callable[[str], None]) -> None:
    """Let ``show`` take every message from here on, in place of ``print_message``."""
    _shows.append(show)


def print_message(line: str) -> None:
    """Print a message: Pulumi shows at once what its dynamic provider prints.

    It is UTF-8 whatever the machine prefers: a name in another alphabet must not end the run.
    """
    sys.stdout.flush()
    sys.stdout.buffer.write(f"{line}\n".encode())
    sys.stdout.buffer.flush()


_shows: list[Callable[[str], None]] = [print_message]
