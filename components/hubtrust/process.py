"""What everything in a provider's process uses: the current time, and messages to the user."""

import sys
from datetime import UTC, datetime

from hubtrust.errors import shown


def now() -> datetime:
    """The current time. It is read only here; other functions take it as an argument."""
    return datetime.now(UTC)


def show_message(line: str) -> None:
    """Show a message of one line to the user. Pulumi shows what a provider prints at once, next to the resource."""
    sys.stdout.write(f"{shown(line)}\n")
    sys.stdout.flush()
