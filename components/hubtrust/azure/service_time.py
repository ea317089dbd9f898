"""The time at Azure, from the header ``Date`` of an answer: this machine's clock may be wrong."""

import email.utils
from collections.abc import Mapping
from datetime import UTC, datetime


def service_time(headers: Mapping[str, str]) -> datetime | None:
    """The time at which Azure answered, to the second; None if the answer doesn't say."""
    try:
        found = email.utils.parsedate_to_datetime(headers["Date"])
    except (KeyError, ValueError, TypeError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
