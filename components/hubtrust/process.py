"""What a provider's process gives to everything in it: the current time, and a way to show the user a line."""

import sys
from datetime import UTC, datetime


def now() -> datetime:
    """The current time, read only here: everything below takes it as an argument."""
    return datetime.now(UTC)


def say(line: str) -> None:
    """Show a message to the user: what a provider prints appears beside its resource at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
