"""What everything in a provider's process uses: the current time, and messages to the user."""

import sys
from datetime import UTC, datetime

from hubtrust.errors import shown


def now() -> datetime:
    """The current time. It is read only here; other functions take it as an argument."""
    return datetime.now(UTC)


def show_message(line: str) -> None:
    """Show a message of one line to the user. Pulumi shows what a provider prints at once, next to the resource.

    It is UTF-8 whatever the machine prefers: a name in another alphabet must not end the run.
    """
    sys.stdout.flush()
    sys.stdout.buffer.write(f"{shown(line)}\n".encode())
    sys.stdout.buffer.flush()
