"""How long the plugin waits, in seconds: between polls, between retries, and for an operation as a whole."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """The defaults of azcore and azure-native. A Retry-After header takes precedence."""

    put_poll: float = 10.0
    delete_poll: float = 30.0
    first_retry: float = 20.0
    longest_retry: float = 120.0
    retries: int = 3
    operation: float = 120.0 * 60.0
    connect: float = 30.0
    answer: float = 300.0

    def before_retry(self, attempt: int) -> float:
        """The wait after attempt 1, 2, …: 1, 3, 7, … times the first, up to the longest."""
        return min(self.first_retry * float(2**attempt - 1), self.longest_retry)
